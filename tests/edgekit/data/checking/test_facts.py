"""What one look at an image gives."""

from __future__ import annotations

import cProfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgekit.data.checking.facts import MaskLevels, measure_image
from edgekit_runtime.errors import FrameError
from tests.edgekit.data.checking.drawn import SIZE, Drawn, DrawnDataset, make_mask
from tests.edgekit.image_folders import save

CLASSES = ("background", "hole", "scratch")


def measure(drawn: Drawn, classes: tuple[str, ...] = CLASSES, labels: tuple[str, ...] = ()):
    return measure_image(DrawnDataset([drawn], classes=classes, labels=labels), 0)


def test_sizes_shares_and_areas() -> None:
    mask = make_mask((0, 0, 4, 6, 1), (10, 10, 2, 2, 1), (30, 30, 8, 8, 2))
    facts = measure(Drawn("a", mask=mask))
    assert (facts.height, facts.width, facts.channels) == (*SIZE, 1)
    assert facts.shares == {"hole": 28 / mask.size, "scratch": 64 / mask.size}
    assert facts.areas_px == {"hole": (24, 4), "scratch": (64,)}
    assert facts.defect_share == pytest.approx(92 / mask.size)
    assert facts.kinds == ("hole", "scratch")
    assert facts.defective is True


@settings(deadline=None)
@given(arrays.arrays(np.uint8, (7, 9), elements=st.integers(0, 2)))
def test_areas_add_up_to_the_shares(mask: np.ndarray) -> None:
    facts = measure(Drawn("a", image=np.zeros((7, 9), np.uint8), mask=mask))
    assert facts.shares is not None
    assert set(facts.shares) == set(facts.areas_px)
    for value, name in ((1, "hole"), (2, "scratch")):
        assert facts.shares.get(name, 0) * mask.size == pytest.approx((mask == value).sum())
        assert sum(facts.areas_px.get(name, ())) == (mask == value).sum()


def test_an_empty_mask_and_no_mask_are_different_things() -> None:
    empty, missing = measure(Drawn("a", mask=make_mask())), measure(Drawn("a"))
    assert (empty.shares, empty.defect_share, empty.defective) == ({}, 0, False)
    assert (missing.shares, missing.defect_share, missing.defective) == (None, None, None)


def test_the_name_decides_before_the_mask() -> None:
    assert measure(Drawn("a", mask=make_mask(), defective=True)).defective is True
    assert measure(Drawn("a", mask=make_mask((0, 0, 4, 4, 1)), defective=False)).defective is False


def test_one_kind_names_the_pixels_of_a_merged_mask() -> None:
    mask = make_mask((0, 0, 4, 4, 1))
    assert measure(Drawn("a", mask=mask, kinds=("bent",)), ("background", "defect")).shares == {
        "bent": 16 / mask.size
    }
    two = measure(Drawn("a", mask=mask, kinds=("bent", "torn")), ("background", "defect"))
    assert set(two.shares or ()) == {"defect"}
    assert two.kinds == ("bent", "defect", "torn")


def test_the_label_has_its_name() -> None:
    assert measure(Drawn("a", label=1), (), ("good", "bad")).label == "bad"
    assert measure(Drawn("a")).label is None


def test_grey_levels() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2] = 100
    facts = measure(Drawn("a", image=image))
    assert (facts.mean, facts.std, facts.channels) == (50, 50, 3)


def test_content_is_that_of_the_pixels_and_truth_that_of_the_marks() -> None:
    first = measure(Drawn("a", image=np.zeros(SIZE, np.uint8), mask=make_mask()))
    same = measure(Drawn("b", image=np.zeros(SIZE, np.uint8), mask=make_mask()))
    marked = measure(Drawn("b", image=np.zeros(SIZE, np.uint8), mask=make_mask((0, 0, 4, 4, 1))))
    turned = measure(Drawn("c", image=np.zeros(SIZE[::-1], np.uint8)))
    assert first.content == same.content == marked.content != turned.content
    assert first.truth == same.truth != marked.truth


@pytest.mark.parametrize(("levels", "lost"), [((0, 255), 0), ((0, 7), 0), ((0, 200, 255), 2 / 3072)])
def test_levels_that_loading_rounds_are_counted(tmp_path: Path, levels: tuple[int, ...], lost: float) -> None:
    file = np.zeros(SIZE, np.uint8)
    file[:10] = levels[-1]
    file[0, :2] = levels[1]
    facts = measure(Drawn("a", mask=(file > 0).astype(np.uint8), mask_file=save(tmp_path / "m.png", file)))
    assert facts.mask_levels is not None
    assert facts.mask_levels.lost_share == pytest.approx(lost)


def test_levels_that_loading_takes_for_background_are_counted(tmp_path: Path) -> None:
    file = make_mask((0, 0, 1, 6, 90), (20, 20, 4, 4, 255))
    facts = measure(Drawn("a", mask=(file > 127).astype(np.uint8), mask_file=save(tmp_path / "m.png", file)))
    assert facts.mask_levels == MaskLevels(pytest.approx(6 / file.size), background_to=90, defect_from=255)


def test_levels_are_counted_under_a_profiler(tmp_path: Path) -> None:
    """A profiler holds references to arrays, so that none may be resized in place."""
    path = save(tmp_path / "m.png", make_mask((20, 20, 4, 4, 7)))
    drawn = Drawn("a", mask=make_mask((20, 20, 4, 4, 1)), mask_file=path)
    assert cProfile.Profile().runcall(measure, drawn).mask_levels == MaskLevels(0.0, 0, 7)


def test_a_mask_file_of_another_form_is_not_judged(tmp_path: Path) -> None:
    wider = save(tmp_path / "wider.png", np.zeros((48, 65), np.uint8))
    colour = save(tmp_path / "colour.png", np.zeros((*SIZE, 3), np.uint8))
    for path in (wider, colour, None):
        assert measure(Drawn("a", mask=make_mask(), mask_file=path)).mask_levels is None


def test_an_image_that_cannot_be_read_says_so() -> None:
    with pytest.raises(FrameError, match="broken"):
        measure(Drawn("a", error=FrameError("It is broken.")))
