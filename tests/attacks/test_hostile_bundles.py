"""Every hostile bundle is refused: with the class it deserves, naming the culprit, touching nothing."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_runtime.bundle import Bundle, Manifest, write_bundle
from edgekit_runtime.errors import ArtefactRefused


@pytest.fixture(autouse=True)
def must_not_block() -> Iterator[None]:
    """Fail instead of waiting for the writer of a pipe or the end of a device."""

    def give_up(*_: object) -> None:
        pytest.fail("blocked for a minute")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Kind, size and time of change of everything below a folder."""
    status = {path: path.lstat() for path in folder.rglob("*")}
    return {str(path): (entry.st_mode, entry.st_size, entry.st_mtime_ns) for path, entry in status.items()}


def list_descriptors() -> set[tuple[str, str]]:
    """What this process holds open, each with what it leads to: one that is new has leaked, whatever others close."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the descriptor of this very listing
            found.add((entry.name, str(entry.readlink())))
    return {(number, target) for number, target in found if not target.endswith("/fd")}


def test_every_attack_is_refused(
    hostile: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, attack = hostile
    monkeypatch.chdir(tmp_path)
    before = snapshot(tmp_path)
    gc.collect()  # what earlier tests left open is closed now, and not in the middle
    descriptors = list_descriptors()
    if attack.array is None:
        with pytest.raises(ArtefactRefused) as caught:
            Bundle.open(path)
    else:
        bundle = Bundle.open(path)
        with pytest.raises(ArtefactRefused) as caught:
            bundle.read_array(attack.array)
    error = caught.value
    assert type(error) is attack.error
    assert error.exit_code == 4
    assert attack.culprit in error.message
    assert str(path) in error.message
    assert "\n" not in error.message
    assert error.message.isprintable()
    assert error.remedy
    assert snapshot(tmp_path) == before
    assert list_descriptors() <= descriptors


@pytest.fixture(scope="module")
def standing_bundle(
    tmp_path_factory: pytest.TempPathFactory, segment_manifest: Manifest, segment_files: dict[str, bytes]
) -> Bundle:
    """A bundle that the test below damages and mends many times."""
    return write_bundle(
        tmp_path_factory.mktemp("standing") / "plain.edgekit", segment_manifest, segment_files
    )


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_any_flipped_bit_anywhere_is_found(standing_bundle: Bundle, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["manifest.json", *sorted(standing_bundle.manifest.files)]))
    path = standing_bundle.path / name
    good = path.read_bytes()
    offset = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[offset] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bad)
    try:
        with pytest.raises(ArtefactRefused, match=name.replace(".", r"\.")):
            Bundle.open(standing_bundle.path)
    finally:
        path.write_bytes(good)
    Bundle.open(standing_bundle.path, verify=False)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_cut_of_the_manifest_is_refused(standing_bundle: Bundle, data: st.DataObject) -> None:
    path = standing_bundle.path / "manifest.json"
    good = path.read_bytes()
    os.truncate(path, data.draw(st.integers(0, len(good) - 1)))
    try:
        with pytest.raises(ArtefactRefused, match=r"manifest\.json"):
            Bundle.open(standing_bundle.path)
    finally:
        path.write_bytes(good)
