"""Every name of ComfyUI that the pack uses is there in the ComfyUI under test, and every call of it fits.

comfy-import-guard reads both sides without running them, also lines that no test reaches. It reads ComfyUI from a git
repository, so the ComfyUI under test is put into one; no network is asked.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
GUARD = "import sys; from comfy_import_guard.cli import main; sys.exit(main())"
pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="comfy-import-guard needs git on the PATH")


def python_files(source: Path, target: Path, *but: str) -> None:
    for file in source.rglob("*.py"):
        place = file.relative_to(source)
        if not {"custom_nodes", *but} & set(place.parts) and not any(part.startswith(".") for part in place.parts):
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / place)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """check(pack) -> what comfy-import-guard says of it against the ComfyUI under test."""
    folder = tmp_path_factory.mktemp("guard")
    clone, packs = folder / "cache" / "ComfyUI", folder / "install" / "custom_nodes"
    python_files(Path(os.environ["COMFYUI_PATH"]), clone, "venv", "env", "models", "output")
    python_files(ROOT, packs / "ours", "tests", "runner", "output")
    (packs / "broken").mkdir()
    (packs / "broken" / "__init__.py").write_text(
        "from comfy.samplers import no_such_sampler\nimport comfy.sample\ncomfy.sample.prepare_noise(nonsense=1)\n"
    )
    me = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]
    for command in (["init", "-q"], ["add", "-A", "-f"], [*me, "commit", "-q", "--no-gpg-sign", "-m", "under test"]):
        subprocess.run(["git", *command], cwd=clone, check=True, stdin=subprocess.DEVNULL)

    def check(pack):
        options = ["check", "--comfy-dir", packs.parent, "--target", "HEAD", "--offline", "--json", "--pack", pack]
        command = [sys.executable, "-c", GUARD, *map(str, options), "--cache-dir", str(clone.parent)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", stdin=subprocess.DEVNULL)
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)

    return check


def test_what_we_use_of_comfyui_is_there(guarded):
    (ours,) = guarded("ours")["packs"]
    assert ours["references"] > 100 and not ours["breaking"], json.dumps(ours, indent=1)


def test_the_guard_sees_what_is_not_there(guarded):
    """Or the test above would say nothing."""
    (broken,) = guarded("broken")["packs"]
    assert [(one["line"], one["status"]) for one in broken["breaking"]] == [(1, "MISSING"), (3, "SIGNATURE")]
