"""From facts to figures."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.data.checking.summary import Spread, Summary
from edgekit_runtime.errors import FrameError
from tests.edgekit.data.checking.drawn import Drawn, DrawnDataset, check, make_mask, make_noise

HOLE = make_mask((0, 0, 8, 8, 1))
BOTH = make_mask((0, 0, 4, 4, 1), (20, 20, 2, 2, 1), (30, 30, 4, 4, 2))
PIXELS = HOLE.size


@pytest.fixture
def summary() -> Summary:
    images = [
        Drawn("a", mask=HOLE, group="plate", label=0),
        Drawn("b", mask=BOTH, group="plate", label=1),
        Drawn("c", mask=make_mask(), defective=False),
        Drawn("d", image=make_noise("d", (16, 32))),
        Drawn("e", image=np.repeat(make_noise("e", (16, 32))[:, :, None], 3, axis=2)),
        Drawn("f", error=FrameError("It is broken.")),
    ]
    classes = ("background", "hole", "scratch", "never")
    return check(DrawnDataset(images, classes=classes, labels=("one", "two", "none"))).summary


def test_images_are_counted_by_what_they_show(summary: Summary) -> None:
    assert (summary.images, summary.unreadable) == (6, 1)
    assert (summary.defective, summary.normal, summary.undecided) == (2, 1, 2)
    assert summary.channels == {1: 4, 3: 1}
    assert summary.labels == {"one": 1, "two": 1, "none": 0}
    assert summary.strata == {"all": 5}


def test_sizes(summary: Summary) -> None:
    sizes = summary.sizes
    assert sizes is not None
    assert sizes.distinct == 2
    assert sizes.height_px == Spread(16, 48, 48)
    assert sizes.width_px == Spread(32, 64, 64)
    assert sizes.commonest == (((48, 64), 3), ((16, 32), 2))
    assert sizes.multiples_share == 1


def test_a_side_that_is_no_multiple_counts_once() -> None:
    sizes = [(48, 64), (48, 63), (47, 63), (47, 64)]
    images = [Drawn(str(size), image=make_noise("a", size)) for size in sizes]
    found = check(DrawnDataset(images), compare=False).summary.sizes
    assert found is not None
    assert found.multiples_share == 0.25


def test_kinds(summary: Summary) -> None:
    hole, scratch = summary.kinds
    assert (hole.name, hole.images, hole.masks, hole.regions) == ("hole", 2, 2, 3)
    assert hole.mean_share == pytest.approx((64 + 20) / 2 / PIXELS)
    assert hole.areas_px == (4, 16, 64)
    assert hole.area_px == Spread(4, 16, 64)
    assert (scratch.name, scratch.images, scratch.regions) == ("scratch", 1, 1)


def test_the_shares_of_all_pixels_add_up(summary: Summary) -> None:
    assert list(summary.pixels) == ["background", "hole", "scratch"]
    assert sum(summary.pixels.values()) == pytest.approx(1)
    assert summary.pixels["hole"] == pytest.approx(84 / (3 * PIXELS))


def test_an_image_that_is_called_after_a_kind_with_an_empty_mask_is_an_image_of_it() -> None:
    images = [Drawn("a", mask=HOLE, kinds=("hole",)), Drawn("b", mask=make_mask(), kinds=("hole",))]
    (kind,) = check(DrawnDataset(images)).summary.kinds
    assert (kind.images, kind.masks) == (2, 1)
    assert kind.mean_share == pytest.approx(64 / PIXELS)


def test_groups(summary: Summary) -> None:
    assert summary.groups == 4
    assert summary.largest_group == ("plate", 2)


def test_levels_are_spread_over_images() -> None:
    images = [Drawn(str(level), image=np.full((16, 16), level, np.uint8)) for level in (10, 20, 90)]
    summary = check(DrawnDataset(images), compare=False).summary
    assert summary.mean_level == Spread(10, 20, 90)
    assert summary.std_level == Spread(0, 0, 0)


def test_nothing_readable_gives_no_figures() -> None:
    summary = check(DrawnDataset([Drawn("a", error=FrameError("It is broken."))])).summary
    assert (summary.images, summary.unreadable, summary.groups) == (1, 1, 0)
    assert summary.sizes is summary.mean_level is summary.largest_group is None
    assert summary.kinds == ()
    assert summary.pixels == {}
