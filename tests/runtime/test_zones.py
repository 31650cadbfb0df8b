import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_runtime.bundle import Zone
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.zones import blank_zones, check_web_zones


@st.composite
def zones(draw):
    x1, width, y1, height = (draw(st.integers(least, 12)) for least in (0, 1, 0, 1))
    if draw(st.booleans()):
        return Zone(x1, x1 + width)
    return Zone(x1, x1 + width, y1, y1 + height)


def lies_in(zone, y, x):
    return zone.x1 <= x < zone.x2 and (zone.y1 is None or zone.y1 <= y < zone.y2)


@given(seed=st.integers(0, 2**32), zones=st.lists(zones(), max_size=4))
def test_pixels_in_a_zone_are_background_and_the_others_as_they_were(seed, zones):
    mask = np.random.default_rng(seed).integers(0, 3, (8, 9), np.uint8)
    before = mask.copy()
    blanked = blank_zones(mask, zones)
    for (y, x), value in np.ndenumerate(mask):
        assert blanked[y, x] == (0 if any(lies_in(zone, y, x) for zone in zones) else value)
    assert np.array_equal(mask, before)


def test_a_mask_without_a_defect_in_the_zones_is_not_copied():
    mask = np.zeros((4, 6), np.uint8)
    mask[:, 3] = 1
    assert blank_zones(mask, []) is mask
    assert blank_zones(mask, [Zone(0, 3), Zone(4, 100), Zone(3, 4, 4, 9)]) is mask


def test_a_blanked_mask_cannot_be_written():
    mask = np.ones((4, 6), np.uint8)
    mask.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        blank_zones(mask, [Zone(0, 1)])[0, 0] = 1


def test_a_web_has_zones_of_columns_alone():
    check_web_zones([Zone(0, 4), Zone(90, 99)])
    with pytest.raises(UsageProblem, match="columns 2 to 3 ends at rows 0 and 7") as caught:
        check_web_zones([Zone(0, 4), Zone(2, 3, 0, 7)])
    assert "whole length" in caught.value.remedy
