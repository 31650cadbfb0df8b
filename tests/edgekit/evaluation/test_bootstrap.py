"""Intervals over groups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from edgekit.evaluation.bootstrap import Figures, Sums, bootstrap_intervals


def share_of(pooled: Sums) -> Figures:
    """Hits of cases."""
    hits, cases = pooled
    return {"share": hits / cases if cases else None}


def interval(groups: list[str], sums: list[tuple[int, int]], **options: int) -> tuple[float, float] | None:
    return bootstrap_intervals(groups, sums, share_of, **options).bounds["share"]


def test_agrees_with_scipy_where_every_image_is_a_group() -> None:
    hits = (np.random.default_rng(0).random(120) < 0.3).astype(int)
    low, high = interval([str(index) for index in range(120)], [(hit, 1) for hit in hits], resamples=5000)
    expected = bootstrap((hits,), np.mean, method="percentile", n_resamples=5000, rng=1).confidence_interval
    # Both are drawn: the ends of 5000 draws vary by less than one image of 120.
    assert (low, high) == pytest.approx(tuple(expected), abs=1 / 120 + 1e-9)


def test_images_of_one_group_move_together() -> None:
    """Ten exposures of each of 12 tiles say no more than 12 images do."""
    tiles = [index % 3 == 0 for index in range(12)]
    alone = interval([str(tile) for tile in range(12)], [(hit, 1) for hit in tiles])
    tenfold = [(str(tile), (hit, 1)) for tile, hit in enumerate(tiles) for _ in range(10)]
    grouped = interval([group for group, _ in tenfold], [sums for _, sums in tenfold])
    assert grouped == alone
    apart = interval([str(index) for index in range(120)], [sums for _, sums in tenfold])
    assert apart[1] - apart[0] < 0.5 * (grouped[1] - grouped[0])


def test_a_seed_gives_the_same_interval_anywhere() -> None:
    groups = list("abcdefgh")
    sums = [(index % 2, 1) for index in range(8)]
    assert interval(groups, sums, seed=3) == interval(groups, sums, seed=3)
    assert interval(groups[::-1], sums[::-1], seed=3) == interval(groups, sums, seed=3)


def test_what_cannot_be_known_is_none() -> None:
    assert interval(["a", "a"], [(0, 1), (1, 1)]) is None
    assert interval(["a", "b"], [(0, 0), (0, 0)]) is None
    nothing = bootstrap_intervals([], [], share_of)
    assert (nothing.bounds, nothing.groups) == ({}, 0)


def test_draws_without_a_value_are_left_out() -> None:
    # Half of the draws of two hold no case.
    assert interval(["a", "b"], [(1, 1), (0, 0)]) == (1.0, 1.0)


def test_the_document_says_how_it_was_drawn() -> None:
    document = bootstrap_intervals(["a", "b"], [(1, 1), (1, 1)], share_of, resamples=50, seed=9).to_dict()
    assert document == {"share": [1.0, 1.0], "groups": 2, "resamples": 50, "seed": 9, "level": 0.95}
