from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_runtime.bundle import ClassRule, VerdictRules, Zone
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.quotas import check_rules, leave_out_small, make_quotas, override_rules
from edgekit_runtime.results import Region
from edgekit_runtime.testing import fake_bundle
from edgekit_runtime.web.parts import PartJudge

CLASSES = ("background", "hole", "stain", "end-out")


def least_px(rule, mm_per_pixel):
    return make_quotas(VerdictRules(others=rule), CLASSES, mm_per_pixel)["hole"].least_px


def test_classes_without_a_rule_of_their_own_share_one_quota():
    rules = VerdictRules(classes={"stain": ClassRule(min_area_px=7, max_regions=2)}, others=ClassRule(3))
    quotas = make_quotas(rules, CLASSES, None)
    assert quotas["hole"] is quotas["end-out"]
    assert (quotas["hole"].least_px, quotas["hole"].max_regions, quotas["hole"].label) == (3, 0, None)
    assert (quotas["stain"].least_px, quotas["stain"].max_regions, quotas["stain"].label) == (7, 2, "stain")


@pytest.mark.parametrize(
    ("area_mm2", "mm_per_pixel", "pixels"),
    [
        (3.0, 1.0, 3),
        (3.1, 1.0, 4),
        (0.27, 0.3, 3),  # 0.27 / 0.3² is above 3 in doubles
        (0.07, 0.1, 7),
        (1e-9, 0.317, 1),
        (3.1, 0.317, 31),
    ],
)
def test_an_area_in_mm2_becomes_the_least_number_of_pixels_that_has_it(area_mm2, mm_per_pixel, pixels):
    assert least_px(ClassRule(min_area_mm2=area_mm2), mm_per_pixel) == pixels


@given(hundredths=st.integers(1, 10**6), thousandths=st.integers(1, 10**5), area=st.integers(0, 10**9))
def test_pixels_count_exactly_from_the_area_that_was_written(hundredths, thousandths, area):
    # In whole numbers: a pixel is thousandths² · 10⁻⁶ mm² and the limit is hundredths · 10⁻² mm².
    least = least_px(ClassRule(min_area_mm2=hundredths / 100), thousandths / 1000)
    assert (area >= least) == (area * thousandths**2 >= hundredths * 10**4)


def test_both_least_areas_must_be_reached():
    assert least_px(ClassRule(min_area_px=9, min_area_mm2=2.0), 0.5) == 9
    assert least_px(ClassRule(min_area_px=7, min_area_mm2=2.0), 0.5) == 8


def test_a_window_becomes_rows():
    quotas = make_quotas(VerdictRules(others=ClassRule(window_mm=1000.0)), CLASSES, 0.317)
    assert quotas["hole"].window_px == 3155


@pytest.mark.parametrize("rule", [ClassRule(min_area_mm2=3.0), ClassRule(window_mm=3.0)])
def test_millimetres_without_a_scale_are_refused(tmp_path, rule):
    rules = VerdictRules(classes={"defect": rule})
    with pytest.raises(UsageProblem, match="not known") as caught:
        make_quotas(rules, CLASSES, None)
    assert "edgekit rules" in caught.value.remedy
    with pytest.raises(UsageProblem, match="needs input") as caught:
        check_rules(rules, fake_bundle(tmp_path / "b.edgekit").manifest)
    assert "edgekit rules" in caught.value.remedy


@pytest.mark.parametrize("limit", [float("inf"), float("nan")])
def test_a_limit_that_is_no_number_is_refused(limit):
    for rule in (ClassRule(min_area_mm2=limit), ClassRule(window_mm=limit)):
        with pytest.raises(UsageProblem, match=f"= {limit}"):
            make_quotas(VerdictRules(others=rule), CLASSES, 1.0)


def test_limits_beyond_any_web_stay_numbers_that_can_be_calculated_with():
    rule = ClassRule(min_area_px=10**30, max_regions=1, window_mm=1e300)
    judge = PartJudge(VerdictRules(others=rule), part_rows=1, classes=CLASSES, mm_per_pixel=1e-3)
    rows = np.array([[0, 0, 1, 1, 2**40, 1]])
    assert [part.verdict for part in judge.add(rows, rows[:0], 1)] == ["accept"]


def test_rules_that_do_not_fit_a_bundle_are_refused(tmp_path):
    manifest = fake_bundle(tmp_path / "b.edgekit").manifest
    check_rules(VerdictRules(classes={"defect": ClassRule(4)}, zones=(Zone(0, 4),)), manifest)
    for rules, word in (
        (VerdictRules(classes={"crack": ClassRule()}), "'crack'"),
        (VerdictRules(others=ClassRule(max_regions=-1)), "max_regions is -1"),
        (VerdictRules(zones=(Zone(4, 4),)), "columns 4 to 4"),
    ):
        with pytest.raises(UsageProblem, match=word) as caught:
            check_rules(rules, manifest)
        assert "Mend the rule" in caught.value.remedy


def test_small_regions_are_left_out_by_the_rule_of_their_class():
    rules = VerdictRules(classes={"stain": ClassRule(min_area_px=5)}, others=ClassRule(min_area_px=2))
    areas = [("stain", 4), ("stain", 5), ("hole", 1), ("hole", 2), ("end-out", 1)]
    regions = [Region(0, 0, 1, 1, area, label) for label, area in areas]
    counted = leave_out_small(regions, make_quotas(rules, CLASSES, None))
    assert [(region.label, region.area_px) for region in counted] == [("stain", 5), ("hole", 2)]


def test_what_is_asked_for_stands_in_for_the_rules():
    rules = VerdictRules(
        connectivity=8,
        classes={"stain": ClassRule(min_area_px=5, min_area_mm2=2.0, max_regions=3)},
        others=ClassRule(min_area_mm2=1.0),
        zones=(Zone(0, 4),),
    )
    assert override_rules(rules) == rules
    assert override_rules(rules, connectivity=4) == replace(rules, connectivity=4)
    overridden = override_rules(rules, min_area_px=0)
    assert overridden == replace(rules, classes={"stain": ClassRule(max_regions=3)}, others=ClassRule())
