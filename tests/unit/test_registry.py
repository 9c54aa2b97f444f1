"""What the Comfy Registry packs for users: all that the nodes need, and no more (`.comfyignore`)."""

from pathlib import Path

from test_structure import ROOT, imports, target

LEFT_OUT = [
    line
    for line in (ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
LOCAL = {".git", ".host", "output", "__pycache__", ".ruff_cache", ".pytest_cache", "dist", "node_modules"}
MOST = 64 * 2**20


def shipped() -> list[Path]:
    files = (file for file in ROOT.rglob("*") if file.is_file())
    own = ((file, file.relative_to(ROOT)) for file in files)
    return [file for file, name in own if not LOCAL & set(name.parts) and not _left_out(name.as_posix())]


def _left_out(name: str) -> bool:
    return any(name == path or (path.endswith("/") and name.startswith(path)) for path in LEFT_OUT)


def test_every_line_names_something():
    made = {".host/", "output/"}
    assert [path for path in LEFT_OUT if path not in made and not (ROOT / path).exists()] == []


def test_nothing_that_is_shipped_imports_what_is_left_out():
    wrong = []
    for file in (file for file in shipped() if file.suffix == ".py"):
        for level, name in imports(file):
            place = target(file, level, name) if level else ""
            if place and (_left_out(f"{place}/") or _left_out(f"{place}.py")):
                wrong.append(f"{file.relative_to(ROOT)} imports {place}")
    assert not wrong


def test_what_the_user_gets_is_whole_and_small():
    names = {file.relative_to(ROOT).as_posix() for file in shipped()}
    assert {"LICENSE", "NOTICE", "README.md", "requirements.txt", "pyproject.toml", "__init__.py"} <= names
    assert {f"web/docs/{name}.md" for name in ("PUEncodePrompt", "PUPromptGuidance")} <= names
    templates = [name for name in names if name.startswith("workflows/") and name.count("/") == 1]
    assert all(f"{name[:-5]}.jpg" in names for name in templates if name.endswith(".json")) and len(templates) > 20
    assert not any(name.startswith(("tests/", "runner/", "evaluation/")) for name in names)
    assert sum(file.stat().st_size for file in shipped()) < MOST
