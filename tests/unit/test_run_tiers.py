"""`run.py test` counts honestly: a crash is a failure, nothing run is a failure, a left-out tier has a reason."""

import sys
from pathlib import Path

import pytest
from pack.runner import cli, fits, tiers
from pack.runner.host import NEWEST, OLDEST, Host
from pack.runner.shell import Progress

REPORT = '<testsuites><testsuite tests="10" failures="2" errors="1" skipped="3"/></testsuites>'


@pytest.fixture
def host(tmp_path):
    return Host("9.9.9", tmp_path, Path(sys.executable), tmp_path / "home")


def tier_of(monkeypatch, tmp_path, source: str, obstacle: str = "") -> None:
    file = tmp_path / "test_one.py"
    file.write_text(source)
    monkeypatch.setattr(tiers, "TESTS", tmp_path)
    monkeypatch.setattr(tiers, "TIERS", {"only": tiers.Tier(lambda: [file], lambda host: obstacle)})


def test_counts_what_pytest_reports(tmp_path):
    (tmp_path / "r.xml").write_text(REPORT)
    assert tiers.count(tmp_path / "r.xml", 1, 0) == tiers.Tally(passed=4, failed=3, skipped=3)


@pytest.mark.parametrize("content", ["", "<testsuites>"])
def test_a_run_without_a_whole_report_failed(tmp_path, content):
    (tmp_path / "r.xml").write_text(content)
    assert tiers.count(tmp_path / "r.xml", 0, 0).failed == 1
    assert tiers.count(tmp_path / "none.xml", 0, 0).failed == 1


def test_a_bad_exit_without_failures_failed(tmp_path):
    (tmp_path / "r.xml").write_text('<testsuites><testsuite tests="1" failures="0" errors="0"/></testsuites>')
    assert tiers.count(tmp_path / "r.xml", 3, 0).failed == 1


@pytest.mark.parametrize(
    ("source", "status", "last"),
    [
        ("def test_a(): pass", 0, "1 passed, 0 failed, 0 skipped"),
        ("def test_a(): pass\ndef test_b(): assert 0", 1, "1 passed, 1 failed, 0 skipped"),
        ("import os\ndef test_a(): os._exit(0)", 1, "0 passed, 1 failed, 0 skipped"),
        ("import no_such_module", 1, "0 passed, 1 failed, 0 skipped"),
        ("", 1, "No test ran."),
    ],
)
def test_status_and_last_line(monkeypatch, tmp_path, host, capfd, source, status, last):
    tier_of(monkeypatch, tmp_path, source)
    assert tiers.run_tiers(host, None, [], Progress()) == status
    assert capfd.readouterr().out.strip().splitlines()[-1].startswith(last)


def test_a_left_out_tier_is_named_with_its_reason_and_is_no_success(monkeypatch, tmp_path, host, capfd):
    tier_of(monkeypatch, tmp_path, "def test_a(): pass", obstacle="no browser here")
    assert tiers.run_tiers(host, None, [], Progress()) == 1
    out = capfd.readouterr().out
    assert "only     not run: no browser here" in out and out.strip().endswith("No test ran.")


def test_every_test_file_belongs_to_exactly_one_tier():
    owned = [file for tier in tiers.TIERS.values() for file in tier.files()]
    assert sorted(owned) == sorted(tiers.TESTS.rglob("test_*.py"))


# --- "Does it work on mine?" ---


def fitting(monkeypatch, tmp_path, **sources: str) -> None:
    files = [tmp_path / f"{name}.py" for name in sources]
    for file, source in zip(files, sources.values(), strict=True):
        file.write_text(source)
    monkeypatch.setattr(tiers, "TESTS", tmp_path)
    monkeypatch.setattr(tiers, "TIERS", {"comfy": tiers.Tier(lambda: files)})


@pytest.mark.parametrize(
    ("seam", "status", "answer"),
    [
        ("def test_a(): pass", 0, "Yes: Prompt Understanding works on ComfyUI 9.9.9 in "),
        ("def test_a(): pass\ndef test_b(): assert 0", 1, "  - following the samplers (failed tests: 1)"),
        ("import no_such_module", 1, "  - following the samplers (failed tests: 1)"),
        ("import os\ndef test_a(): os._exit(0)", 1, "The tests ended before they had a result"),
    ],
)
def test_the_answer_names_what_does_not_work(monkeypatch, tmp_path, host, capfd, seam, status, answer):
    good = "def test_c(): pass"
    fitting(monkeypatch, tmp_path, test_seam=seam, test_families=good, test_other="def test_d(): assert 0")
    assert tiers.does_it_fit(host, [], Progress()) == status
    out = capfd.readouterr().out
    assert answer in out and ("heat maps and guidance on SD 1.x" in out) == ("ended before" not in answer)


def test_every_test_that_answers_is_there():
    names = {file.stem for file in tiers.TIERS["comfy"].files()}
    assert set(fits.PROVES) <= names


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (["test", "--comfyui", "mine"], ["fits mine"]),
        (["test", "--comfyui", "mine", "--tier", "server"], ["tiers mine"]),
        (["test", "--on", "both"], [f"tiers {NEWEST}", f"tiers {OLDEST}"]),
        (["test", "--on", "oldest"], [f"tiers {OLDEST}"]),
        (["test"], ["tiers elsewhere"]),
    ],
)
def test_which_comfyui_is_tested_and_how(monkeypatch, command, asked):
    """COMFYUI_PATH is for developers: it borrows a ComfyUI for every tier, and `--on` does not look at it."""
    said = []
    monkeypatch.setenv("COMFYUI_PATH", "elsewhere")
    monkeypatch.setattr(cli, "set_up", lambda wish, progress: wish.comfyui or wish.version)
    monkeypatch.setattr(tiers, "does_it_fit", lambda host, rest, progress: said.append(f"fits {host}") or 0)
    monkeypatch.setattr(tiers, "run_tiers", lambda host, *_: said.append(f"tiers {host}") or 0)
    assert cli.main(command) == 0 and said == asked


def test_one_failing_host_is_a_failure(monkeypatch):
    monkeypatch.setattr(cli, "set_up", lambda wish, progress: wish.version)
    monkeypatch.setattr(tiers, "run_tiers", lambda host, *_: int(host == OLDEST))
    assert cli.main(["test", "--on", "both"]) == 1


def test_a_host_of_ours_and_another_are_not_asked_for_at_once(capsys):
    assert cli.main(["test", "--on", "oldest", "--comfyui", "mine"]) == 1
    assert "goes with neither" in capsys.readouterr().out
