"""Runs a module of the pack with the host's Python, loading the pack as ComfyUI does: by path, under a made-up name.

Started by path: `python in_host.py demo.sheet ARGUMENTS`. The module's `main(arguments)` gives the exit status.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_pack() -> None:
    # Python put this folder first, and it has a client.py; ComfyUI's own folder must come first instead.
    sys.path[0] = os.environ["COMFYUI_PATH"]
    spec = importlib.util.spec_from_file_location("pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec and spec.loader
    sys.modules["pack"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load_pack()
    sys.exit(importlib.import_module(f"pack.{sys.argv[1]}").main(sys.argv[2:]))
