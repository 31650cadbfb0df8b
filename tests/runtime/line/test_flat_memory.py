"""What a line holds does not grow, however long the web is: the slope of resident memory over strips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgekit_runtime.line import DetectorChoice, LineSettings, keeping, run_line
from edgekit_runtime.line.strips import Pixels
from edgekit_runtime.line.summary import read_memory_mb
from edgekit_runtime.testing import FakeBackend
from tests.runtime.line.lines import TILE, make_bundle

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(read_memory_mb() is None, reason="the system does not say how much memory is used"),
]

STRIPS = 100_000
EVERY = 500
WARM = 0.3
"""Share of the strips before which memory may still grow: caches and the allocator's pools fill."""

MOST_BYTES_PER_STRIP = 16
"""Less than any Python object: to keep one number of every strip would be more."""


class Forgetful(FakeBackend):
    """The fake backend without its list of runs, which grows."""

    def _run_impl(self, stage, inputs):  # type: ignore[no-untyped-def]
        self.rows[stage.name].clear()
        return super()._run_impl(stage, inputs)


class Memory:
    """Resident memory while strips are given."""

    def __init__(self) -> None:
        self.samples_mb: list[float] = []

    def watch(self, strips: Iterator[Pixels | Exception], every: int) -> Iterator[Pixels | Exception]:
        """Yield the strips, and look after so many of them."""
        for number, strip in enumerate(strips):
            if number % every == 0:
                memory_mb = read_memory_mb()
                assert memory_mb is not None
                self.samples_mb.append(memory_mb)
            yield strip

    def measure_growth(self, every: int) -> float:
        """Return bytes per strip, by least squares over the samples after the warm part."""
        kept = np.array(self.samples_mb[int(len(self.samples_mb) * WARM) :]) * 1e6
        return float(np.polyfit(np.arange(len(kept)) * every, kept, 1)[0])


def give_all_kinds() -> Iterator[Pixels | Exception]:
    """Yield clean strips, strips with a defect, and some that cannot be used."""
    clean, spot = np.zeros((TILE, TILE), np.uint8), np.zeros((TILE, TILE), np.uint8)
    spot[1, 1] = 255
    for number in range(STRIPS):
        yield OSError("torn") if number % 50 == 7 else spot if number % 3 == 1 else clean


def give_one_long_defect() -> Iterator[Pixels | Exception]:
    """Yield a web with one defect, from its beginning to its end."""
    strip = np.zeros((TILE, TILE), np.uint8)
    strip[:, 1] = 255
    for _ in range(STRIPS):
        yield strip


@pytest.mark.parametrize("give", [give_all_kinds, give_one_long_defect])
def test_memory_is_flat_over_a_hundred_thousand_strips(
    give, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    # What waits for the disk is bounded, too, but a slow disk would let it grow to that bound while we look.
    monkeypatch.setattr(keeping, "RECORDS_WAITING", 64)
    settings = LineSettings(
        part_rows=10,
        deadline_s=1.0,
        records=tmp_path / "records",
        pictures=tmp_path / "rejected",
        records_bytes=100_000,
        pictures_bytes=20_000,
    )
    memory = Memory()
    choice = DetectorChoice(backend=Forgetful)
    summary = run_line(make_bundle(tmp_path), memory.watch(give(), EVERY), settings, choice=choice)
    assert summary.parts == STRIPS * TILE // 10
    assert summary.strips + summary.refused == STRIPS
    assert memory.measure_growth(EVERY) < MOST_BYTES_PER_STRIP


def test_growth_would_be_seen() -> None:
    memory = Memory()
    memory.samples_mb = [100.0 + number * EVERY * 20e-6 for number in range(STRIPS // EVERY)]
    assert memory.measure_growth(EVERY) == pytest.approx(20.0)
