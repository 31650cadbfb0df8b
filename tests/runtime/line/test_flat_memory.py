"""What a line holds does not grow, however long the web is: the slope of memory over strips.

Resident memory over 100,000 strips tells whether a strip, a part or a record is kept, in Python or outside. It grows in
steps of a megabyte, so that what Python's own objects take is traced besides, over fewer strips.
"""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgekit_runtime.line import DetectorChoice, LineSettings, keeping, run_line
from edgekit_runtime.line.strips import Pixels
from edgekit_runtime.line.summary import read_memory_mb
from edgekit_runtime.testing import FakeBackend
from tests.runtime.line.lines import TILE, make_bundle

pytestmark = pytest.mark.slow

WARM = 0.3
"""Share of the strips before which memory may still grow: caches and the allocator's pools fill."""

MOST_RESIDENT_BYTES = 100
"""Per strip. An array of one strip takes more than 112 bytes, a record more than 500."""

MOST_TRACED_BYTES = 8
"""Per strip: the smallest thing that can be kept of one, a place in a list."""


class Forgetful(FakeBackend):
    """The fake backend without its list of runs, which grows."""

    def _run_impl(self, stage, inputs):  # type: ignore[no-untyped-def]
        self.rows[stage.name].clear()
        return super()._run_impl(stage, inputs)


def measure_resident() -> float:
    memory_mb = read_memory_mb()
    assert memory_mb is not None
    return memory_mb * 1e6


def measure_traced() -> float:
    gc.collect()
    return float(tracemalloc.get_traced_memory()[0])


def give_all_kinds() -> Iterator[Pixels | Exception]:
    """Yield clean strips, strips with a defect, and some that cannot be used, without end."""
    clean, spot = np.zeros((TILE, TILE), np.uint8), np.zeros((TILE, TILE), np.uint8)
    spot[1, 1] = 255
    for number in itertools.count():
        yield OSError("torn") if number % 50 == 7 else spot if number % 3 == 1 else clean


def give_one_long_defect() -> Iterator[Pixels | Exception]:
    """Yield a web with one defect that never ends."""
    strip = np.zeros((TILE, TILE), np.uint8)
    strip[:, 1] = 255
    yield from itertools.repeat(strip)


def measure_growth(
    folder: Path, source: Iterator[Pixels | Exception], strips: int, measure: Callable[[], float]
) -> float:
    """Return bytes per strip, by least squares over the samples after the warm part."""
    every = strips // 200
    samples = []

    def watch() -> Iterator[Pixels | Exception]:
        for number, strip in enumerate(itertools.islice(source, strips)):
            if number % every == 0:
                samples.append(measure())
            yield strip

    settings = LineSettings(
        part_rows=10,
        deadline_s=1.0,
        records=folder / "records",
        pictures=folder / "rejected",
        records_bytes=100_000,
        pictures_bytes=20_000,
    )
    summary = run_line(make_bundle(folder), watch(), settings, choice=DetectorChoice(backend=Forgetful))
    assert summary.parts == -(-strips * TILE // 10)
    assert summary.strips + summary.refused == strips
    kept = samples[int(len(samples) * WARM) :]
    return float(np.polyfit(np.arange(len(kept)) * every, kept, 1)[0])


@pytest.fixture(autouse=True)
def _little_waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    # That is bounded, too, but a slow disk would let it grow to its bound while we look.
    monkeypatch.setattr(keeping, "RECORDS_WAITING", 64)


@pytest.mark.skipif(read_memory_mb() is None, reason="the system does not say how much memory is used")
@pytest.mark.parametrize("give", [give_all_kinds, give_one_long_defect])
def test_resident_memory_is_flat_over_a_hundred_thousand_strips(
    give: Callable[[], Iterator[Pixels | Exception]], tmp_path: Path
) -> None:
    assert measure_growth(tmp_path, give(), 100_000, measure_resident) < MOST_RESIDENT_BYTES


@pytest.mark.parametrize("give", [give_all_kinds, give_one_long_defect])
def test_no_object_is_kept_per_strip(
    give: Callable[[], Iterator[Pixels | Exception]], tmp_path: Path
) -> None:
    tracemalloc.start()
    try:
        assert measure_growth(tmp_path, give(), 6_000, measure_traced) < MOST_TRACED_BYTES
    finally:
        tracemalloc.stop()
