"""Shares of exits, and exits that are drawn by them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_benchmarks.exit_shares import (
    SHARES,
    TABLE_3,
    DrawnExits,
    count_reaching,
    draw_exits,
    mean_macs,
)
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.exits import ReplayExits
from edgekit_runtime.testing import FakeBackend, fake_bundle

shares = (
    st.lists(st.integers(0, 1000), min_size=1, max_size=6)
    .filter(any)
    .map(lambda parts: tuple(part / sum(parts) for part in parts))
)


def test_shares_are_those_of_the_paper() -> None:
    assert all(sum(row) == pytest.approx(1.0) for row in TABLE_3.values())
    assert [round(100 * share, 1) for share in SHARES["mix"]] == [16.8, 52.8, 22.2, 8.2]


def test_mean_cost_is_that_of_the_paper() -> None:
    # GMAC of DI-Net's stages at 512², and of ResNet-50: 21.353.
    stages = (4912, 7516, 9798, 6375)
    assert mean_macs(SHARES["normal"], stages) == pytest.approx(12_510, abs=10)
    assert 21_353 / mean_macs(SHARES["normal"], stages) == pytest.approx(1.707, abs=0.002)
    assert 21_353 / mean_macs(SHARES["mix"], stages) == pytest.approx(1.457, abs=0.002)


@given(shares, st.integers(1, 20), st.integers(1, 20), st.integers(0, 9))
def test_drawn_exits_meet_the_shares_to_a_row(wanted, batches, rows, seed) -> None:
    exits = draw_exits(wanted, batches, rows, np.random.default_rng(seed))
    assert exits.shape == (batches, rows)
    counts = np.bincount(exits.ravel(), minlength=len(wanted) + 1)[1:]
    assert counts.sum() == batches * rows
    assert np.abs(counts - np.array(wanted) * batches * rows).max() < 1 + 1e-9


def test_drawn_exits_follow_the_seed_and_differ_between_batches() -> None:
    first, again, other = (
        draw_exits(SHARES["mix"], 30, 14, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()
    assert len({tuple(np.bincount(batch, minlength=5)) for batch in first}) > 5


@pytest.mark.parametrize("wrong", [(0.5, 0.4), (1.5, -0.5)])
def test_shares_must_be_shares(wrong) -> None:
    with pytest.raises(UsageProblem, match="sum to 1"):
        draw_exits(wrong, 2, 2, np.random.default_rng(0))


def test_a_row_reaches_every_stage_up_to_its_exit() -> None:
    assert count_reaching(np.array([1, 1, 2, 4]), 4).tolist() == [4, 2, 1, 1]


def test_a_line_leaves_by_the_shares_in_the_long_run(tmp_path) -> None:
    from edgekit_runtime import Detector

    bundle = fake_bundle(tmp_path / "fake.edgekit", task="classify", exits=4, height=2, width=2)
    wanted = SHARES["mix"]
    policy = DrawnExits(wanted, np.random.default_rng(5))
    with Detector(bundle, backend=FakeBackend, exit_policy=policy) as detector:
        results = [
            result for _ in range(100) for result in detector.run_batch(np.zeros((40, 2, 2), np.uint8))
        ]
    found = np.bincount([result.exit for result in results], minlength=5)[1:] / len(results)
    # Four standard deviations of a share of 4,000 rows are 0.03 at most.
    assert np.abs(found - wanted).max() < 0.03


def test_exits_drawn_can_be_replayed(tmp_path) -> None:
    from edgekit_runtime import Detector

    bundle = fake_bundle(tmp_path / "fake.edgekit", task="classify", exits=4, height=2, width=2)
    exits = draw_exits(SHARES["mix"], 1, 14, np.random.default_rng(0))[0]
    with Detector(bundle, backend=FakeBackend) as detector:
        results = detector.run_batch(np.zeros((14, 2, 2), np.uint8), exit_policy=ReplayExits(exits))
    assert [result.exit for result in results] == exits.tolist()


def test_the_largest_remainders_are_rounded_up() -> None:
    drawn = draw_exits((0.55, 0.45, 0.0), 1, 3, np.random.default_rng(0))  # 1.65, 1.35 and 0 rows
    assert sorted(drawn[0].tolist()) == [1, 1, 2]
    drawn = draw_exits((0.1, 0.2, 0.7), 2, 2, np.random.default_rng(0))  # 0.4, 0.8 and 2.8 rows
    assert sorted(drawn.reshape(-1).tolist()) == [2, 3, 3, 3]
