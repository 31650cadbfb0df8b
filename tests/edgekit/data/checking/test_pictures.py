"""Which images a report shows."""

from __future__ import annotations

from collections import Counter

import numpy as np

from edgekit.data.checking.pictures import (
    MOST,
    choose_typical,
    describe_content,
    draw_suspicious,
    draw_typical,
)
from edgekit.media.overlays import TRUTH
from edgekit.reporting import Reporter
from tests.edgekit.data.checking.drawn import Drawn, DrawnDataset, check, make_mask

MARK = make_mask((8, 8, 10, 10, 1))
QUIET = Reporter(quiet=True)


def make_images(**counts: int) -> list[Drawn]:
    """Return so many images of each kind; "free" are defect-free."""
    return [
        Drawn(f"{kind}-{n:03}", mask=make_mask(), defective=False)
        if kind == "free"
        else Drawn(f"{kind}-{n:03}", mask=MARK, kinds=(kind,), defective=True)
        for kind, count in counts.items()
        for n in range(count)
    ]


def choose(images: list[Drawn], most: int = MOST) -> list[str]:
    found = check(DrawnDataset(images), compare=False)
    return [image.name for image in choose_typical(found.survey.images, most)]


def test_rare_kinds_are_not_crowded_out() -> None:
    names = choose(make_images(free=60, hole=30, scratch=3))
    counts = Counter(name.split("-")[0] for name in names)
    assert counts == {"free": 11, "hole": 10, "scratch": 3}
    assert [name.split("-")[0] for name in names] == ["hole"] * 10 + ["scratch"] * 3 + ["free"] * 11


def test_images_are_spread_evenly_within_a_kind() -> None:
    assert choose(make_images(hole=101), 5) == [f"hole-{n:03}" for n in (0, 25, 50, 75, 100)]


def test_few_images_are_all_shown_once() -> None:
    assert sorted(choose(make_images(free=2, hole=3))) == sorted(
        image.name for image in make_images(free=2, hole=3)
    )
    assert choose([]) == []


def test_with_more_kinds_than_places_the_commonest_are_shown() -> None:
    assert choose(make_images(a=1, b=5, c=3), 2) == ["b-000", "c-000"]


def test_an_image_with_an_empty_mask_keeps_the_name_it_is_called_by() -> None:
    images = [
        Drawn("a", mask=make_mask(), defective=True, label=0),
        Drawn("b", mask=make_mask(), defective=True),
    ]
    found = check(DrawnDataset(images, labels=("uneven",)), compare=False).survey.images
    assert [describe_content(image) for image in found] == ["uneven", "defective"]


def test_pictures_have_outlines_and_captions() -> None:
    dataset = DrawnDataset(make_images(free=1, hole=1))
    hole, free = draw_typical(check(dataset, compare=False), dataset, reporter=QUIET)
    assert (hole.name, hole.caption) == ("hole-000", "48×64, hole")
    assert free.caption == "48×64, defect-free"
    assert (hole.pixels == TRUTH).all(axis=2).any()
    assert not (free.pixels == TRUTH).all(axis=2).any()
    assert hole.pixels.shape == (225, 300, 3)


def test_suspicious_images_come_once_with_all_their_reasons() -> None:
    black = np.zeros((48, 64), np.uint8)
    images = [
        *make_images(free=1, hole=1),
        Drawn("bad", image=black, mask=make_mask(), defective=True),
        Drawn("worse", image=black + 1, mask=make_mask(), defective=True),
    ]
    dataset = DrawnDataset(images)
    pictures = draw_suspicious(check(dataset, compare=False), dataset, reporter=QUIET)
    assert [picture.name for picture in pictures] == ["bad", "worse"]
    assert pictures[0].caption == "48×64, empty-mask, blank-image"
