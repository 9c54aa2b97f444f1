"""The benchmark's command line, run with the host's Python: `python run.py bench -- OPTIONS`.

A script, not a module of the pack: it puts the pack into place as ComfyUI does and then calls into it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORLDS = ("small-world", "shapes")
PARTS = (
    "speed", "memory", "conditioning", "quality", "saturation", "tuning", "editing", "inversion", "cascade",
    "parser", "layout-plan", "layout",
)  # fmt: skip


def main() -> int:
    wanted = arguments()
    load_pack(wanted.cpu)
    from pack.evaluation import command  # type: ignore[import-not-found]  # named by load_pack

    return command.run(wanted)


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes: proves that it runs, measures nothing"
    )
    parser.add_argument("--quality", action="store_true", help="also the quality table: plain against every method")
    parser.add_argument(
        "--world",
        choices=WORLDS,
        default=WORLDS[0],
        help="model of the quality and tuning tables (%(default)s)",
    )
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument(
        "--network", nargs=2, type=int, metavar=("CHANNELS", "LATENT"), help="default: SD1.5's own size, 320 64"
    )
    parser.add_argument("--rounds", type=int, help="how often each thing is timed (default 3)")
    parser.add_argument(
        "--pictures",
        type=int,
        help="of each prompt of the quality table (default 2), of each set of the cascade (32)",
    )
    parser.add_argument("--pairs", type=int, help="source and edit pairs of each kind of edit (default 200)")
    parser.add_argument("--scenes", type=int, help="rendered scenes that are inverted (default 64)")
    parser.add_argument("--prompts", type=int, help="only the first so many prompts, for tuning and quality")
    parser.add_argument("--tune", nargs="+", metavar="NAME=VALUE|VALUE", help="settings to try in all combinations")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="methods of the quality table (default: all)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="other weights than those of the pack")
    parser.add_argument("--keep", action="store_true", help="keep the quality table's pictures, to look at them")
    parser.add_argument("--fresh", action="store_true", help="do not go on from what an earlier quality run has saved")
    parser.add_argument("--output", type=Path, default=ROOT / "evaluation" / "results", metavar="FOLDER")
    device = parser.add_mutually_exclusive_group()
    device.add_argument("--gpu", dest="cpu", action="store_false", default=None, help="default where torch sees one")
    device.add_argument("--cpu", dest="cpu", action="store_true")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)  # how the memory part starts its own processes
    return parser.parse_args(given)


def load_pack(cpu: bool | None) -> None:
    """Makes the pack importable as `pack`, on the ComfyUI that COMFYUI_PATH names."""
    comfyui = os.environ.get("COMFYUI_PATH")
    if not comfyui or not Path(comfyui).is_dir():
        sys.exit("COMFYUI_PATH does not name a ComfyUI folder. Start the benchmark with `python run.py bench`.")
    # Python puts a script's folder first; names in it must not hide anyone else's.
    sys.path[:] = [comfyui, *(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT / "evaluation")]
    import torch
    from comfy.cli_args import args

    args.cpu = not torch.cuda.is_available() if cpu is None else cpu
    spec = importlib.util.spec_from_file_location("pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec and spec.loader
    sys.modules["pack"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    sys.exit(main())
