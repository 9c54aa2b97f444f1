"""The commands of `run.py` and their options."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import RunnerError
from .host import HOSTS, NEWEST, OLDEST, Host
from .install import Wish, set_up
from .shell import Progress, disk_is_full


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status. Failures that a person can mend are one or two sentences; anything else is a bug and raises."""
    wanted = parser().parse_args(arguments)
    progress = Progress()
    try:
        return wanted.call(wanted, progress)
    except RunnerError as error:
        progress.say(str(error))
        return 1
    except KeyboardInterrupt:
        progress.say("Stopped.")
        return 130
    except OSError as error:
        if not disk_is_full(error):
            raise
        progress.say(f"The disk is full ({error.filename or error}). Make room, then run the same command again.")
        return 1


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="run.py", description="Prompt Understanding for ComfyUI.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for add in (_setup_options, _demo_options, _serve_options, _test_options, _bench_options):
        add(commands)
    return top


def host_for(
    wanted: argparse.Namespace, progress: Progress, tests: bool = False, bench: bool = False, version: str = ""
) -> Host:
    named = None if version else wanted.comfyui or os.environ.get("COMFYUI_PATH")
    version = version or wanted.comfyui_version or NEWEST
    return set_up(Wish(Path(named) if named else None, wanted.python, version, tests, bench), progress)


def _command(commands, name: str, help: str, call) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help, description=help)
    command.set_defaults(call=call)
    command.add_argument("--comfyui", type=Path, metavar="FOLDER", help="use this ComfyUI; also: COMFYUI_PATH")
    command.add_argument("--python", type=Path, metavar="FILE", help="the Python of that ComfyUI, if it is not found")
    command.add_argument("--comfyui-version", choices=list(HOSTS), help=f"make this one instead of {NEWEST}")
    return command


def _add_device(command: argparse.ArgumentParser) -> None:
    device = command.add_mutually_exclusive_group()
    device.add_argument("--gpu", dest="cpu", action="store_false", default=None, help="use the GPU, do not ask torch")
    device.add_argument("--cpu", dest="cpu", action="store_true", help="use the CPU even where there is a GPU")


def _setup_options(commands) -> None:
    _command(commands, "setup", "Make a ComfyUI host with this pack, once.", _setup)


def _setup(wanted: argparse.Namespace, progress: Progress) -> int:
    host = host_for(wanted, progress)
    progress.say(f"Ready: ComfyUI {host.version} in {host.comfyui}. Try `python run.py demo` or `python run.py serve`.")
    return 0


def _demo_options(commands) -> None:
    command = _command(commands, "demo", "Make the before/after picture and its table.", _demo)
    command.add_argument("--shapes", action="store_true", help="with the smaller Shapes model, and heat maps")
    command.add_argument("--checkpoint", type=Path, metavar="FILE", help="an SD1.x, SD2.x or SDXL checkpoint instead")
    command.add_argument("--prompt", metavar="TEXT", help="the prompt for it")
    command.add_argument("--seeds", type=int, metavar="N", help="how many seeds, plain and guided each")
    command.add_argument("--steps", type=int, metavar="N", help="sampler steps")
    command.add_argument("--output", type=Path, metavar="FOLDER", help="where the results go (default: output/demo)")
    _add_device(command)


def _demo(wanted: argparse.Namespace, progress: Progress) -> int:
    from .demo import demo  # Each command loads its own half of this folder only.

    return demo(host_for(wanted, progress), wanted, progress)


def _serve_options(commands) -> None:
    command = _command(commands, "serve", "Start ComfyUI with this pack.", _serve)
    command.add_argument(
        "--port", type=int, metavar="N", help="this port and no other (default: 8188 or the next free)"
    )
    _add_device(command)


def _serve(wanted: argparse.Namespace, progress: Progress) -> int:
    from .serve import serve

    return serve(host_for(wanted, progress), wanted.port, wanted.cpu, progress)


def _test_options(commands) -> None:
    from .tiers import TIERS

    command = _command(
        commands,
        "test",
        "Run every test tier this machine can run. With --comfyui FOLDER: find out whether the pack works on that one.",
        _test,
    )
    command.add_argument("--tier", action="append", choices=list(TIERS), help="only this one; may be repeated")
    command.add_argument(
        "--on",
        choices=list(ON),
        help=f"the newest ComfyUI of ours ({NEWEST}), the oldest ({OLDEST}), or one by one both",
    )
    command.add_argument("rest", nargs="*", metavar="PYTEST", help="after --: passed on to pytest")


ON = {"newest": [NEWEST], "oldest": [OLDEST], "both": [NEWEST, OLDEST]}


def _test(wanted: argparse.Namespace, progress: Progress) -> int:
    from .tiers import does_it_fit, run_tiers

    if wanted.on and (wanted.comfyui or wanted.comfyui_version):
        raise RunnerError(
            "--on chooses among the ComfyUI of ours; it goes with neither --comfyui nor --comfyui-version."
        )
    if wanted.comfyui and not wanted.tier:
        return does_it_fit(host_for(wanted, progress, tests=True), wanted.rest, progress)
    statuses = []
    for version in ON[wanted.on] if wanted.on else [""]:
        host = host_for(wanted, progress, tests=True, version=version)
        statuses.append(run_tiers(host, wanted.tier, wanted.rest, progress))
    return max(statuses)


def _bench_options(commands) -> None:
    command = _command(commands, "bench", "Measure speed, memory and (with --quality) the Shapes table.", _bench)
    command.add_argument("rest", nargs="*", metavar="OPTION", help="after --: passed on to the benchmark")
    command.add_argument("--quality", action="store_true", help="also the quality table: 200 images each, slow")
    _add_device(command)


def _bench(wanted: argparse.Namespace, progress: Progress) -> int:
    from .bench import bench

    return bench(host_for(wanted, progress, bench=True), wanted, progress)


if __name__ == "__main__":
    sys.exit(main())
