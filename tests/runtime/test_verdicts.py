import numpy as np
import pytest

from edgekit_runtime.results import Region
from edgekit_runtime.verdicts import judge_probabilities, judge_regions

CLASSES = ("normal", "hole", "stain")
NAN = float("nan")


def region(area, label):
    return Region(0, 0, 1, 1, area, label)


def test_no_region_is_accepted():
    assert judge_regions([]) == ("accept", "no region", None)


def test_regions_are_rejected_and_labelled_by_the_largest():
    assert judge_regions([region(9, "hole")]) == ("reject", "1 region, largest 9 px", "hole")
    found = judge_regions([region(3, "hole"), region(812, "stain"), region(812, "hole")])
    assert found == ("reject", "3 regions, largest 812 px", "stain")


@pytest.mark.parametrize(
    ("probabilities", "low", "expected"),
    [
        ([0.9, 0.1, 0.0], False, ("accept", "normal at 0.90", "normal")),
        ([0.1, 0.2, 0.7], False, ("reject", "stain at 0.70", "stain")),
        ([0.4, 0.3, 0.3], True, ("accept", "normal at 0.40, low confidence", "normal")),
    ],
)
def test_the_most_probable_class_decides(probabilities, low, expected):
    assert (
        judge_probabilities(np.float32(probabilities), CLASSES, normal_class=CLASSES[0], low_confidence=low)
        == expected
    )


@pytest.mark.parametrize("probabilities", [[NAN] * 3, [0.99, NAN, 0.0], [float("inf"), 0.0, 0.0]])
def test_what_is_not_finite_is_never_accepted(probabilities):
    found = judge_probabilities(
        np.float32(probabilities), CLASSES, normal_class=CLASSES[0], low_confidence=False
    )
    assert found == ("reject", "the probabilities are not finite", None)


def test_without_a_defect_free_class_every_frame_is_rejected():
    found = judge_probabilities(
        np.float32([0.9, 0.05, 0.05]), CLASSES, normal_class=None, low_confidence=False
    )
    assert (found.verdict, found.label) == ("reject", CLASSES[0])


def test_the_defect_free_class_need_not_be_the_first():
    found = judge_probabilities(
        np.float32([0.1, 0.1, 0.8]), CLASSES, normal_class=CLASSES[2], low_confidence=False
    )
    assert found.verdict == "accept"
