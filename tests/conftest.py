"""Loads the pack exactly as ComfyUI does: by path, under a made-up module name, with relative imports only."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMFYUI = os.environ.get("COMFYUI_PATH")


def _load_pack() -> None:
    # ComfyUI must come first: our folder `nodes` would hide its `nodes.py`, so ROOT itself never goes on the path.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    if COMFYUI:
        sys.path.insert(0, COMFYUI)
    spec = importlib.util.spec_from_file_location("pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec and spec.loader
    sys.modules["pack"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_load_pack()


def pytest_configure(config: pytest.Config) -> None:
    if COMFYUI:
        # ComfyUI reads the command line when told to; tests must not hand it pytest's.
        from comfy.cli_args import args

        args.cpu = not os.environ.get("PU_TEST_GPU")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Folders that this machine cannot run are not collected; `run.py test` says so in words."""
    if not COMFYUI and {"comfy", "browser", "gpu"} & set(collection_path.relative_to(ROOT).parts):
        return True
    return None


@pytest.fixture(scope="session")
def model():
    """The tiny network most host tests share. (One conftest for all: test folders share one import path.)"""
    from tiny import tiny_sd

    return tiny_sd()


@pytest.fixture(scope="module", params=["sd3", "sd35", "pixart", "z_image", "qwen_image"])
def kind(request):
    """Each of the tiny transformers."""
    from transformer_kinds import Kind

    return Kind(request.param)


@pytest.fixture(scope="module")
def joint():
    from transformer_kinds import Kind

    return Kind("sd3")


@pytest.fixture(scope="module")
def cross():
    from transformer_kinds import Kind

    return Kind("pixart")
