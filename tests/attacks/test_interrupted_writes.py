"""A full disk and kill -9 while a bundle is written: the old bundle stays, and nothing half-written."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit_runtime.bundle import Bundle, Manifest, write_bundle

PRELUDE = """
import os, pickle, resource, signal, sys
sys.path[:0] = {path!r}
from pathlib import Path
from edgekit_runtime.bundle import write_bundle
from edgekit_runtime.errors import EdgekitError
manifest, files = pickle.loads(Path({arguments!r}).read_bytes())
target = Path({target!r})
"""

FULL_DISK = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_bundle(target, manifest, files)
except EdgekitError as error:
    print(error.message, error.remedy, sep='\\n')
    sys.exit(error.exit_code)
"""

KILLED = """
class Killer(dict):
    def items(self):
        yield from super().items()
        if any(path.name.startswith('.plain') for path in target.parent.iterdir()):
            os.kill(os.getpid(), signal.SIGKILL)
write_bundle(target, manifest, Killer(files))
"""


def run(
    code: str, target: Path, tmp_path: Path, manifest: Manifest, files: dict[str, bytes]
) -> subprocess.CompletedProcess[str]:
    arguments = tmp_path / "arguments.pickle"
    arguments.write_bytes(pickle.dumps((manifest, files)))
    prelude = PRELUDE.format(
        path=[entry for entry in sys.path if entry], arguments=str(arguments), target=str(target)
    )
    return subprocess.run([sys.executable, "-c", prelude + code], capture_output=True, text=True, timeout=60)


@pytest.fixture
def large_files(segment_files: dict[str, bytes]) -> dict[str, bytes]:
    return {**segment_files, "main.onnx": bytes(100_000)}


@pytest.mark.parametrize("exists", [True, False])
def test_a_full_disk_leaves_the_old_bundle(
    exists: bool,
    segment_bundle: Bundle,
    segment_manifest: Manifest,
    large_files: dict[str, bytes],
    tmp_path: Path,
) -> None:
    target = segment_bundle.path if exists else segment_bundle.path.with_name("new.edgekit")
    done = run(FULL_DISK, target, tmp_path, segment_manifest, large_files)
    assert (done.returncode, done.stderr) == (7, "")
    assert f"{target} cannot be written: File too large." in done.stdout
    assert "ulimit -f" in done.stdout
    assert [path.name for path in target.parent.iterdir()] == ["plain.edgekit"]
    assert Bundle.open(segment_bundle.path) == segment_bundle


def test_a_killed_write_leaves_the_old_bundle_and_the_next_write_cleans_up(
    segment_bundle: Bundle, segment_manifest: Manifest, large_files: dict[str, bytes], tmp_path: Path
) -> None:
    target = segment_bundle.path
    done = run(KILLED, target, tmp_path, segment_manifest, large_files)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert Bundle.open(target) == segment_bundle
    (leftover,) = [path for path in target.parent.iterdir() if path != target]
    assert leftover.name.startswith(".plain.edgekit.tmp-")
    assert sorted(str(path.relative_to(leftover)) for path in leftover.rglob("*.*")) == sorted(large_files)

    bundle = write_bundle(target, segment_manifest, large_files)
    assert list(target.parent.iterdir()) == [target]
    assert Bundle.open(target) == bundle


def test_a_killed_first_write_leaves_no_bundle(
    segment_bundle: Bundle, segment_manifest: Manifest, large_files: dict[str, bytes], tmp_path: Path
) -> None:
    target = tmp_path / "plain.edgekit"
    done = run(KILLED, target, tmp_path, segment_manifest, large_files)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not target.exists()
    write_bundle(target, segment_manifest, large_files)
    assert not list(tmp_path.glob(".plain*"))
