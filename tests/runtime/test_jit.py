"""Compiled kernels: kept, loaded, and compiled anew where they cannot be kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
from numba.core import types
from edgekit_runtime.jit import describe_origin, find_cache, kernel

@kernel(types.int64, returns=types.int64)
def double(value):
    return 2 * value

assert double(21) == 42
print(describe_origin(double))
"""


def run(tmp_path: Path, state: Path | str, code: str = CODE) -> str:
    script = tmp_path / "kernels.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "EDGEKIT_STATE": str(state)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_second_process_loads_what_the_first_one_compiled(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert f"are kept in {state}" in run(tmp_path, state)
    assert run(tmp_path, state) == ""


def test_what_cannot_be_kept_is_compiled_and_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "cannot be kept" in run(tmp_path, blocked)
    assert not list(tmp_path.glob("**/__pycache__"))


@pytest.mark.parametrize("pattern", ["*.nbi", "*.nbc"])
def test_damaged_code_is_compiled_anew(tmp_path: Path, pattern: str) -> None:
    state = tmp_path / "state"
    run(tmp_path, state)
    for file in state.rglob(pattern):
        raw = bytearray(file.read_bytes())
        raw[len(raw) // 2] ^= 1
        file.write_bytes(raw)
    assert "were compiled" in run(tmp_path, state)
    assert run(tmp_path, state) == ""


@pytest.mark.parametrize("damage", ["missing", "truncated", "not text"])
def test_code_without_its_seal_is_compiled_anew(tmp_path: Path, damage: str) -> None:
    state = tmp_path / "state"
    run(tmp_path, state)
    (seal,) = state.rglob("sha256sums")
    if damage == "missing":
        seal.unlink()
    else:
        seal.write_bytes(seal.read_bytes()[:40] if damage == "truncated" else b"\xff\xfe")
    assert "were compiled" in run(tmp_path, state)


def test_code_that_somebody_added_is_not_loaded(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run(tmp_path, state)
    (index,) = state.rglob("*.nbi")
    index.with_name("other.nbi").write_bytes(b"from elsewhere")
    assert "were compiled" in run(tmp_path, state)
    assert not list(state.rglob("other.nbi"))


READ_ONLY = """
import runpy, sys, tempfile

real = tempfile.TemporaryFile

def refuse(*_, dir=None, **__):
    if str(dir).startswith(sys.argv[1]):
        raise OSError(30, "Read-only file system")
    return real(dir=dir)

tempfile.TemporaryFile = refuse
runpy.run_path(sys.argv[2], run_name="__main__")
"""
"""The state folder, and it alone, cannot be written to."""


def test_code_on_a_read_only_disk_is_loaded(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run(tmp_path, state)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, state, tmp_path / "kernels.py"],
        env={**os.environ, "EDGEKIT_STATE": str(state), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    assert list(temporary.iterdir()) == []


def test_a_full_disk_costs_the_cache_and_not_the_work(tmp_path: Path) -> None:
    full = "import resource, signal\n"
    full += "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    full += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    assert "were compiled" in run(tmp_path, tmp_path / "state", full + CODE)


def test_two_processes_may_start_cold_together(tmp_path: Path) -> None:
    script = tmp_path / "kernels.py"
    script.write_text(CODE)
    environment = {**os.environ, "EDGEKIT_STATE": str(tmp_path / "state")}
    both = [
        subprocess.Popen([sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = [process.communicate()[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0, 0]
    assert sum("were compiled" in answer for answer in answers) == 1


def test_kernels_that_must_not_be_compiled_are_refused(tmp_path: Path) -> None:
    script = tmp_path / "kernels.py"
    script.write_text(CODE)
    environment = {**os.environ, "EDGEKIT_STATE": str(tmp_path / "state"), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert "NUMBA_DISABLE_JIT is set" in done.stderr


def test_the_users_own_kernels_keep_their_own_cache(tmp_path: Path) -> None:
    code = CODE + "import numba\nassert numba.config.CACHE_DIR == '', numba.config.CACHE_DIR\n"
    run(tmp_path, tmp_path / "state", code)


def test_arguments_of_other_types_are_refused_and_not_compiled(tmp_path: Path) -> None:
    code = CODE.replace("assert double(21) == 42", "double('two')")
    script = tmp_path / "kernels.py"
    script.write_text(code)
    environment = {**os.environ, "EDGEKIT_STATE": str(tmp_path / "state")}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert "No matching definition" in done.stderr
