"""Where the time of a staged batch goes, by a clock that goes on by a second at every look."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from edgekit_benchmarks.loop_times import LoopTimes, TimedBackend, TimedLoop, split_times
from edgekit_runtime.exits import ReplayExits
from edgekit_runtime.testing import FakeBackend, fake_bundle


@pytest.fixture
def measure(tmp_path) -> Callable[[list[int]], tuple[LoopTimes, FakeBackend]]:
    """Return a function that times a batch whose rows leave at these exits."""
    bundle = fake_bundle(tmp_path / "fake.edgekit", task="classify", exits=4, height=2, width=2)

    def run(exits: list[int]) -> tuple[LoopTimes, FakeBackend]:
        seconds = itertools.count()
        clock = lambda: float(next(seconds))  # noqa: E731
        frames = np.zeros((len(exits), 2, 2), np.uint8)
        with FakeBackend(bundle) as backend:
            loop = TimedLoop(backend, bundle.manifest, clock)
            loop.run(frames, ReplayExits([4] * len(exits)))  # nothing of it stays
            return loop.run(frames, ReplayExits(exits)), backend

    return run


def test_every_stage_that_a_row_reaches_is_timed(measure) -> None:
    times, _ = measure([1, 2, 3, 3])
    assert times.stages_ms == {"exit1": 1000.0, "exit2": 1000.0, "exit3": 1000.0}


def test_parts_make_the_whole(measure) -> None:
    times, _ = measure([1, 2, 4])
    assert times.total_ms == sum(times.stages_ms.values()) + times.compaction_ms + times.rest_ms
    assert times.beyond_ms == times.compaction_ms + times.rest_ms
    assert times.rest_ms > 0


@pytest.mark.parametrize(("exits", "compacts"), [([2, 2, 2], False), ([1, 2, 2], True)])
def test_only_batches_that_part_are_compacted(measure, exits, compacts) -> None:
    times, _ = measure(exits)
    assert (times.compaction_ms > 0) == compacts


def test_the_loop_runs_as_without_the_clock(measure) -> None:
    _, backend = measure([1, 3, 4])
    assert {stage: rows[-1] for stage, rows in backend.rows.items()} == {
        "exit1": 3,
        "exit2": 2,
        "exit3": 2,
        "exit4": 1,
    }


def test_other_methods_count_as_the_rest() -> None:
    seconds = {
        ("run", "exit1"): 0.5,
        ("run", "exit2"): 0.25,
        ("keep_rows", ""): 0.125,
        ("download", ""): 0.0625,
    }
    assert split_times(1.0, seconds) == LoopTimes(1000.0, {"exit1": 500.0, "exit2": 250.0}, 125.0, 125.0)


def test_what_is_no_method_is_that_of_the_backend(tmp_path) -> None:
    bundle = fake_bundle(tmp_path / "fake.edgekit", task="classify", exits=2)
    with FakeBackend(bundle) as backend:
        timed = TimedBackend(backend)
        assert timed.name == "fake"
        assert timed.bundle is bundle
