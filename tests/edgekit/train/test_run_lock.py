"""Two trainings never write into one folder, even when they begin at the same moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.train.run_lock import lock_run
from edgekit_runtime.errors import IoFault, UsageProblem

HOLDER = """
import sys
from pathlib import Path
from edgekit.train.run_lock import lock_run
with lock_run(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def stop(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)


def test_a_held_folder_is_refused_and_free_after_its_end(tmp_path: Path) -> None:
    process = start_holder(tmp_path)
    try:
        with (
            pytest.raises(UsageProblem, match="Another process is training in") as caught,
            lock_run(tmp_path),
        ):
            pass
        assert "--out" in caught.value.remedy
    finally:
        stop(process)
    with lock_run(tmp_path):
        pass


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    process = start_holder(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    stop(process)
    with lock_run(tmp_path):
        pass


def test_the_same_process_may_not_hold_it_twice(tmp_path: Path) -> None:
    with lock_run(tmp_path), pytest.raises(UsageProblem, match="Another process"), lock_run(tmp_path):
        pass
    with lock_run(tmp_path):
        pass


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(IoFault, match="cannot be written"), lock_run(tmp_path / "nowhere"):
        pass
