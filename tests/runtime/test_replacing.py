import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit_runtime import replacing
from edgekit_runtime.errors import IoFault, UsageProblem
from edgekit_runtime.replacing import clear_leftovers, replace_directory, staged_directory


@pytest.fixture(params=["exchange", "aside"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of replacing: in one step, and in two where the file system cannot."""
    if request.param == "aside":
        monkeypatch.setattr(replacing, "_exchange", lambda *_: False)
    return request.param


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """An existing directory with old content, alone in its parent."""
    target = tmp_path / "parent" / "thing"
    target.mkdir(parents=True)
    (target / "content").write_text("old")
    return target


def fill(staged: Path, text: str = "new") -> None:
    (staged / "content").write_text(text)


def fail_while_staged(target: Path, error: BaseException) -> None:
    with staged_directory(target) as staged:
        fill(staged)
        raise error


def content(target: Path) -> str:
    return (target / "content").read_text()


def beside(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def test_linux_exchanges_in_one_step(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        path.mkdir()
        fill(path, path.name)
    if not replacing._exchange(first, second):
        pytest.skip("this kernel or file system has no renameat2 with RENAME_EXCHANGE")
    assert (content(first), content(second)) == ("second", "first")
    with pytest.raises(FileNotFoundError):
        replacing._exchange(first, tmp_path / "missing")


def test_a_new_directory_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    with staged_directory(target) as staged:
        assert staged.parent == target.parent
        assert not target.exists()
        fill(staged)
    assert content(target) == "new"
    assert beside(target) == []


def test_an_existing_directory_is_replaced_whole(target: Path, way: str) -> None:
    (target / "only old").write_text("")
    with staged_directory(target) as staged:
        fill(staged)
        assert content(target) == "old"
    assert content(target) == "new"
    assert not (target / "only old").exists()
    assert beside(target) == []


def test_replace_directory_takes_any_staged_directory(target: Path, way: str) -> None:
    staged = target.parent / "mine"
    staged.mkdir()
    fill(staged)
    replace_directory(staged, target)
    assert content(target) == "new"
    assert beside(target) == []


def test_everything_is_on_the_disk_before_the_name_promises_it(
    target: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(os.fstat(descriptor).st_ino))
    replace, seen = replacing.replace_directory, []

    def check(staged: Path, to: Path) -> None:
        seen.extend(path for path in [staged, *staged.rglob("*")] if path.stat().st_ino in flushed)
        replace(staged, to)

    monkeypatch.setattr(replacing, "replace_directory", check)
    with staged_directory(target) as staged:
        fill(staged)
        (staged / "deep" / "er").mkdir(parents=True)
        (staged / "deep" / "er" / "file").write_text("x")
    assert len(seen) == 5
    assert flushed[-1] == target.parent.stat().st_ino


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_any_error_leaves_the_old_content_and_nothing_else(target: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        fail_while_staged(target, error)
    assert content(target) == "old"
    assert beside(target) == []


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "may write to"),
        (errno.EROFS, "read-only"),
        (errno.EFBIG, "ulimit"),
        (errno.EIO, "free space and permissions"),
    ],
)
def test_errors_of_the_disk_become_faults_with_a_remedy(target: Path, code: int, remedy: str) -> None:
    with pytest.raises(IoFault, match=f"thing cannot be written: {os.strerror(code)}") as caught:
        fail_while_staged(target, OSError(code, os.strerror(code)))
    assert remedy in caught.value.remedy
    assert content(target) == "old"
    assert beside(target) == []


def test_an_error_while_replacing_leaves_the_old_content(
    target: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def fail(self: Path, to: Path) -> Path:
        if ".tmp-" in self.name:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(IoFault), staged_directory(target) as staged:
        fill(staged)
    assert content(target) == "old"
    assert beside(target) == []


def test_an_interrupt_between_the_two_steps_brings_the_old_content_back(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def interrupt(self: Path, to: Path) -> Path:
        if ".tmp-" in self.name and not target.exists():
            raise KeyboardInterrupt
        return rename(self, to)

    monkeypatch.setattr(replacing, "_exchange", lambda *_: False)
    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt), staged_directory(target) as staged:
        fill(staged)
    assert content(target) == "old"
    assert beside(target) == []


def test_links_files_and_missing_parents_are_refused(target: Path) -> None:
    link, file = target.parent / "link", target.parent / "file"
    link.symlink_to(target)
    file.write_text("a file")
    for place, reason in (
        (link, "is a link"),
        (file, "is a file"),
        (target.parent / "a" / "b", "is no directory"),
    ):
        with pytest.raises(UsageProblem, match=reason), staged_directory(place):
            pytest.fail("the body must not run")
    assert beside(target) == ["file", "link"]
    assert file.read_text() == "a file"


def test_a_relative_target_survives_a_change_of_directory(
    target: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(target.parent)
    with staged_directory(Path("thing")) as staged:
        fill(staged)
        monkeypatch.chdir(tmp_path)
    assert content(target) == "new"


def test_the_later_of_two_writers_stays(target: Path, way: str) -> None:
    with staged_directory(target) as first:
        fill(first, "first")
        with staged_directory(target) as second:
            fill(second, "second")
            assert first.exists()
        assert content(target) == "second"
    assert content(target) == "first"
    assert beside(target) == []


def test_two_first_writers_do_not_disturb_each_other(tmp_path: Path, way: str) -> None:
    target = tmp_path / "thing"
    with staged_directory(target) as first:
        fill(first, "first")
        with staged_directory(target) as second:
            fill(second, "second")
    assert content(target) == "first"
    assert beside(target) == []


def run_killed(code: str, target: Path) -> None:
    """Run code that ends with kill -9."""
    start = (
        "import os, signal, sys; from pathlib import Path; from edgekit_runtime import replacing\n"
        f"target = Path({str(target)!r})\n"
        "kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", path + start + code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


WRITE = """
with replacing.staged_directory(target) as staged:
    (staged / 'content').write_text('new')
    {}
"""


def test_a_writer_killed_while_it_writes_leaves_the_old_content(target: Path) -> None:
    run_killed(WRITE.format("kill()"), target)
    assert content(target) == "old"
    assert [name[:11] for name in beside(target)] == [".thing.tmp-"]
    with staged_directory(target) as staged:
        assert beside(target) == [staged.name]
        fill(staged)
    assert content(target) == "new"
    assert beside(target) == []


def test_a_writer_killed_after_the_exchange_leaves_the_new_content(target: Path) -> None:
    run_killed("replacing._remove = kill\n" + WRITE.format(""), target)
    assert content(target) == "new"
    assert len(beside(target)) == 1
    clear_leftovers(target)
    assert content(target) == "new"
    assert beside(target) == []


def test_a_writer_killed_between_two_steps_loses_nothing(target: Path) -> None:
    between = (
        "replacing._exchange = lambda *_: False\n"
        "rename = Path.rename\n"
        "between = lambda self: '.tmp-' in self.name and not target.exists()\n"
        "Path.rename = lambda self, to: kill() if between(self) else rename(self, to)\n"
    )
    run_killed(between + WRITE.format(""), target)
    assert not target.exists()
    assert [name.split("-")[0] for name in beside(target)] == [".thing.old", ".thing.tmp"]
    clear_leftovers(target)
    assert content(target) == "old"
    assert beside(target) == []


def test_leftovers_of_other_targets_and_look_alikes_stay(target: Path) -> None:
    names = [".other.tmp-1-00000000", ".thing.tmp-1", ".thing.tmp-1-0000000g", "thing.tmp-1-00000000"]
    for name in names:
        (target.parent / name).mkdir()
    (target.parent / ".thing.tmp-1-00000000").write_text("a file")
    (target.parent / ".thing.tmp-1-00000001").symlink_to(target)
    clear_leftovers(target)
    assert beside(target) == sorted([*names, ".thing.tmp-1-00000000", ".thing.tmp-1-00000001"])
    assert content(target) == "old"


def test_without_locks_the_process_id_decides(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(replacing.fcntl, "flock", refuse)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    alive, dead = f".thing.tmp-{os.getpid()}-00000000", f".thing.tmp-{ended.pid}-00000000"
    for name in (alive, dead):
        (target.parent / name).mkdir()
    with staged_directory(target) as staged:
        fill(staged)
    assert content(target) == "new"
    assert beside(target) == [alive]
