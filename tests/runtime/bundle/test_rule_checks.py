"""Rules of the verdict that a bundle must not have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit_runtime.bundle import ClassRule, Manifest, VerdictRules, Zone
from edgekit_runtime.bundle.rule_checks import MAX_ZONES, find_rule_faults

GOOD = [
    VerdictRules(),
    VerdictRules(zones=(Zone(8, 16), Zone(0, 7), Zone(7, 8, 0, 7))),  # a pixel is left
    VerdictRules(4, {"scratch": ClassRule(3, 0.5, 2, 1000.0)}, zones=(Zone(0, 4), Zone(0, 4, 0, 8))),
]

BAD = {
    "names 'hole', which is no defect": VerdictRules(classes={"hole": ClassRule()}),
    "names 'background', which is no defect": VerdictRules(classes={"background": ClassRule()}),
    "min_area_px is -1": VerdictRules(others=ClassRule(min_area_px=-1)),
    "min_area_mm2 is 0.0": VerdictRules(others=ClassRule(min_area_mm2=0.0)),
    "max_regions is -1": VerdictRules(classes={"scratch": ClassRule(max_regions=-1)}),
    "window_mm is -2.0": VerdictRules(others=ClassRule(window_mm=-2.0)),
    "the columns 4 to 4": VerdictRules(zones=(Zone(4, 4),)),
    "the columns -1 to 4": VerdictRules(zones=(Zone(-1, 4),)),
    "cover the whole frame": VerdictRules(zones=(Zone(8, 16), Zone(0, 9, 0, 8))),
    "one of y1 and y2": VerdictRules(zones=(Zone(0, 4, 2),)),
    "the rows 5 to 2": VerdictRules(zones=(Zone(0, 4, 5, 2),)),
    f"{MAX_ZONES + 1} zones": VerdictRules(zones=(Zone(0, 1),) * (MAX_ZONES + 1)),
}


@pytest.mark.parametrize("rules", GOOD)
def test_good_rules(segment_manifest: Manifest, rules: VerdictRules) -> None:
    assert list(find_rule_faults(replace(segment_manifest, rules=rules))) == []


@pytest.mark.parametrize("fault", BAD)
def test_bad_rules(segment_manifest: Manifest, fault: str) -> None:
    assert fault in str(list(find_rule_faults(replace(segment_manifest, rules=BAD[fault]))))


@pytest.mark.parametrize("rule", [ClassRule(min_area_mm2=1.0), ClassRule(window_mm=1000.0)])
def test_millimetres_need_the_scale(segment_manifest: Manifest, rule: ClassRule) -> None:
    unknown = replace(segment_manifest, input=replace(segment_manifest.input, mm_per_pixel=None))
    (fault,) = find_rule_faults(replace(unknown, rules=VerdictRules(others=rule)))
    assert "needs input.mm_per_pixel" in fault
