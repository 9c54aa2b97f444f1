"""Keeps the map true: who may import whom, what lies at the top, how long a file may grow."""

import ast
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("errors", "nodes", "attention_hooks", "prompts", "layouts", "plots", "evaluation", "demo")
COMFYUI = {
    "comfy", "comfy_api", "comfy_api_nodes", "comfy_config", "comfy_execution", "comfy_extras", "cuda_malloc",
    "execution", "folder_paths", "latent_preview", "main", "node_helpers", "nodes", "server",
}  # fmt: skip
LONGEST = 450
"""Lines. A file beyond it has two subjects."""

OURS_ONLY = set(ROOMS) - {"nodes"}
"""`import nodes` is ComfyUI's module; only the host side may write it, which another test sees to."""
BUILT_ON_COMFYUI = ("demo/", "evaluation/")
"""The Shapes model is made of ComfyUI's blocks, and the bench drives ComfyUI."""
LAYERS = (
    ("errors",),
    ("prompts",),
    ("layouts", "attention_hooks/types"),
    ("plots",),
    (
        "attention_hooks/capture", "attention_hooks/losses", "attention_hooks/edits", "attention_hooks/predictions",
        "attention_hooks/optimize",
    ),
    ("attention_hooks/host/settings",),
    ("attention_hooks/host/conditioning",),
    ("attention_hooks/host/sampling",),
    ("attention_hooks/host/attention",),
    (
        "attention_hooks/host/gradient", "attention_hooks/host/reading", "attention_hooks/host/editing",
        "attention_hooks/host/predictions", "attention_hooks/host/grounding",
    ),
    ("attention_hooks/host/install",),
    ("attention_hooks/host/inversion", "attention_hooks/host/objects"),
    ("demo",),
    ("nodes",),
    ("evaluation",),
)  # fmt: skip
"""Rooms from the ground up. A room may import those of lower layers, and none of its own layer or above."""
LAYER_OF = {room: number for number, layer in enumerate(LAYERS) for room in layer}


def files(*rooms: str) -> list[Path]:
    """Every Python file of these rooms; a room may be a single file, named without its suffix."""
    found = [file for room in rooms for file in [*(ROOT / room).rglob("*.py"), ROOT / f"{room}.py"]]
    return sorted(file for file in found if file.is_file())


def imports(file: Path) -> list[tuple[int, str]]:
    """(level, dotted name) of every import, also those inside functions. Level 0 is absolute."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # `from . import x` may name a module in the alias.
            prefix = f"{node.module}." if node.module else ""
            found += [(node.level, prefix + alias.name) for alias in node.names]
    return found


def target(file: Path, level: int, name: str) -> str:
    """The module that a relative import names, as a path below the root, without a suffix."""
    folder = file.parent
    for _ in range(level - 1):
        folder = folder.parent
    path = folder.joinpath(*name.split("."))
    is_module = path.is_dir() or path.with_suffix(".py").is_file()
    return (path if is_module else path.parent).relative_to(ROOT).as_posix()


def room_of(path: str) -> str | None:
    """The innermost room that a path lies in."""
    return max((room for room in LAYER_OF if f"{path}/".startswith(f"{room}/")), key=len, default=None)


def module_of(file: Path) -> str:
    """A file as a path below the root without a suffix; a package is its folder."""
    return (file.parent if file.name == "__init__.py" else file.with_suffix("")).relative_to(ROOT).as_posix()


def is_comfyui(name: str) -> bool:
    return name.split(".")[0] in COMFYUI


def lines(file: Path) -> int:
    return file.read_text(encoding="utf-8").count("\n")


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_inside_the_pack_all_imports_are_relative():
    """ComfyUI loads the pack under a name of its own, so absolute names of ours do not exist there."""
    wrong = [
        f"{name_of(file)}: {name}"
        for file in files(*ROOMS)
        for level, name in imports(file)
        if level == 0 and name.split(".")[0] in {*OURS_ONLY, "runner"}
    ]
    assert not wrong


def test_every_file_has_a_room():
    homeless = [name_of(file) for file in files(*ROOMS) if imports(file) and room_of(module_of(file)) is None]
    assert not homeless


def test_imports_run_one_way():
    wrong = []
    for file in files(*ROOMS):
        room = room_of(module_of(file))
        for path in {target(file, level, name) for level, name in imports(file) if level}:
            other = room_of(path)
            if other != room and (other is None or LAYER_OF[other] >= LAYER_OF[room]):
                wrong.append(f"{name_of(file)} imports {path}")
    assert not wrong


@pytest.mark.parametrize("room", ["attention_hooks/host", "attention_hooks", "prompts"])
def test_no_file_imports_itself_by_a_detour(room):
    """Rooms keep each other apart; this is about files, and counts imports inside functions and for types alone."""
    graph = {}
    for file in files(room):
        reached = {target(file, level, name) for level, name in imports(file) if level}
        graph[module_of(file)] = reached - {module_of(file)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_only_the_host_side_imports_comfyui():
    wrong = []
    for file in files(*ROOMS):
        if name_of(file).startswith(("nodes/", "attention_hooks/host/", *BUILT_ON_COMFYUI)):
            continue
        wrong += [f"{name_of(file)}: {name}" for level, name in imports(file) if not level and is_comfyui(name)]
    assert not wrong


def test_nothing_of_comfyui_is_imported_with_the_pack_itself():
    assert not {name.split(".")[0] for level, name in imports(ROOT / "__init__.py") if level == 0} & COMFYUI


def test_the_runner_needs_the_standard_library_only():
    for file in [ROOT / "run.py", *files("runner")]:
        outside = {name.split(".")[0] for level, name in imports(file) if level == 0} - {"runner"}
        assert outside <= {*sys.stdlib_module_names, "__future__"}, f"{name_of(file)}: {outside}"


def test_files_stay_readable():
    long = [name_of(file) for file in files(*ROOMS, "runner", "tests") if lines(file) > LONGEST]
    assert not long


def test_every_file_says_what_it_is_for():
    silent = [
        name_of(file)
        for file in files(*ROOMS, "runner", "tests")
        if file.name not in ("__init__.py", "conftest.py")
        and not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert not silent


def test_no_unfinished_work_is_shipped():
    marks = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
    found = [name_of(file) for file in files(*ROOMS, "runner") if marks.search(file.read_text(encoding="utf-8"))]
    assert not found


def test_requirements_and_project_metadata_agree():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[(.*?)\]", project, re.S | re.M)
    assert listed
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert re.findall(r'"([^"]+)"', listed.group(1)) == [line for line in lines if line]


def test_the_promised_comfyui_is_the_oldest_that_is_tested():
    from pack.runner.host import OLDEST

    promised = re.search(r'requires-comfyui = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert promised and promised.group(1) == OLDEST
