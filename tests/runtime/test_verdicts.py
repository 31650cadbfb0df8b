import numpy as np
import pytest

from edgekit_runtime.bundle import ClassRule, VerdictRules
from edgekit_runtime.quotas import make_quotas
from edgekit_runtime.results import Region
from edgekit_runtime.verdicts import judge_probabilities, judge_regions

CLASSES = ("normal", "hole", "stain")
NAN = float("nan")


def region(area, label, x1=0, y1=0, mm_per_pixel=None):
    return Region(x1, y1, x1 + 1, y1 + 1, area, label, mm_per_pixel)


def judge(regions, rules, mm_per_pixel=None):
    return judge_regions(regions, make_quotas(rules, CLASSES, mm_per_pixel))


def test_no_region_is_accepted():
    assert judge([], VerdictRules()) == ("accept", "no region", None)


def test_a_region_is_rejected_with_what_it_is_and_where():
    found = [region(9, "hole", x1=7, y1=3)]
    assert judge(found, VerdictRules()) == ("reject", "hole 9 px at x 7 px, y 3 px", "hole")


def test_several_are_labelled_by_the_largest_and_the_first_of_equals():
    found = [region(3, "hole"), region(812, "stain", x1=1, y1=2), region(812, "hole")]
    reason = "3 regions, the largest: stain 812 px at x 1 px, y 2 px"
    assert judge(found, VerdictRules()) == ("reject", reason, "stain")


def test_a_plant_reads_millimetres_where_the_scale_is_known():
    found = [region(31, "hole", x1=417, y1=40, mm_per_pixel=0.317)]
    assert judge(found, VerdictRules()).reason == "hole 3.12 mm² at x 132 mm, y 12.7 mm"
    far = [region(123456, "hole", x1=417, y1=98_765_432, mm_per_pixel=0.317)]
    assert judge(far, VerdictRules()).reason == "hole 12406 mm² at x 132 mm, y 31308642 mm"


def test_as_many_regions_as_allowed_are_accepted_and_labelled():
    rules = VerdictRules(others=ClassRule(max_regions=2))
    assert judge([region(1, "hole")], rules) == ("accept", "1 region, no more than allowed", "hole")
    found = [region(1, "hole"), region(2, "stain")]
    assert judge(found, rules) == ("accept", "2 regions, no more than allowed", "stain")
    found.append(region(1, "stain"))
    assert judge(found, rules) == ("reject", "3 regions, 2 are allowed per part", "stain")


def test_a_class_with_a_rule_of_its_own_is_judged_by_that_alone():
    rules = VerdictRules(classes={"stain": ClassRule(max_regions=3)}, others=ClassRule(max_regions=1))
    stains = [region(5, "stain")] * 3
    assert judge([*stains, region(1, "hole")], rules).verdict == "accept"
    found = judge([*stains, region(9, "hole"), region(7, "hole")], rules)
    assert found == ("reject", "2 regions of other classes, 1 is allowed per part", "hole")
    found = judge([*stains, region(5, "stain")], rules)
    assert found == ("reject", "4 regions of stain, 3 are allowed per part", "stain")


def test_every_rule_that_is_broken_is_named_and_what_is_forbidden_comes_first():
    rules = VerdictRules(classes={"stain": ClassRule(max_regions=1, window_mm=1500)})
    found = judge([region(5, "stain"), region(5, "stain"), region(4, "hole")], rules, mm_per_pixel=1)
    assert found.reason == "hole 4 px at x 0 px, y 0 px; 2 regions of stain, 1 is allowed per 1500 mm"
    assert found.label == "stain"


def test_regions_of_several_forbidden_classes_are_counted_together():
    rules = VerdictRules(classes={"stain": ClassRule()})
    found = judge([region(5, "stain"), region(8, "hole")], rules)
    assert found.reason == "2 regions, the largest: hole 8 px at x 0 px, y 0 px"


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
