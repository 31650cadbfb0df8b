"""From a bundle and images to a choice, with a bundle that answers by grey values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.choosing.areas import AreaMeter
from edgekit.choosing.choice import Choice, choose_point
from edgekit.choosing.goal import Goal, parse_share
from edgekit.choosing.judged import count_groups, judge_point
from edgekit.choosing.known_images import KnownImages, know_images
from edgekit.choosing.operating_points import OperatingPoint, Sweep
from edgekit.choosing.trade_off_page import write_trade_off_page
from edgekit.choosing.wording import describe_choice, describe_rate, thin_frontier
from edgekit.data.contract import Sample
from edgekit.evaluation.evaluate import evaluate_masks
from edgekit.evaluation.judging import Judging
from edgekit.evaluation.predictors import predict_with_detector
from edgekit.evaluation.rates import Rate
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Bundle, ClassRule, VerdictRules, Zone
from edgekit_runtime.bundle.retuning import retune_bundle
from edgekit_runtime.detector import Detector
from edgekit_runtime.quotas import override_rules
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.edgekit.choosing.tuning import MIDDLE, SIZE, know, spot
from tests.edgekit.evaluation.building import InMemory


def choose(
    folder: Path,
    images: KnownImages,
    goal: Goal,
    *,
    rules: VerdictRules | None = None,
    mm_per_pixel: float | None = None,
) -> Choice:
    bundle = fake_bundle(
        folder / "b.edgekit",
        height=SIZE,
        width=SIZE,
        rules=rules or VerdictRules(),
        mm_per_pixel=mm_per_pixel,
    )
    meter = AreaMeter(bundle, images, backend=FakeBackend, reporter=Reporter(quiet=True))
    return choose_point(bundle, images, meter, goal)


SEPARATED = know(
    [spot(side, MIDDLE + 40) for side in (8, 9, 10, 12)],
    [spot(2, MIDDLE + 20), spot(1, MIDDLE + 5), spot(0, 0)],
)
"""Defects of 64 px and more; dirt of 4 px at most."""

MIXED = know(
    [spot(3, MIDDLE + 10), spot(6, MIDDLE + 10), spot(9, MIDDLE + 10), spot(9, MIDDLE + 12)],
    [spot(4, MIDDLE + 10), spot(0, 0), spot(2, MIDDLE + 10), spot(1, MIDDLE + 3)],
)
"""A defect that is smaller than some dirt, and no brighter."""


def test_what_is_told_apart_needs_no_other_threshold(tmp_path: Path) -> None:
    choice = choose(tmp_path, SEPARATED, Goal(max_escape=parse_share("0.5%")))
    point = choice.chosen.point
    assert choice.reached
    assert (point.threshold, point.min_area_px) == (0.0, 16)
    assert (point.escapes, point.overkills) == (0, 0)
    assert (choice.before.point.escapes, choice.before.point.overkills) == (0, 2)
    assert choice.exhausted
    assert not choice.support[0].shown
    assert [point.point for point in choice.frontier] == [point]


def test_a_limit_trades_one_error_for_the_other(tmp_path: Path) -> None:
    strict = choose(tmp_path, MIXED, Goal(max_escape=parse_share("0"))).chosen.point
    assert (strict.escapes, strict.overkills) == (0, 1)
    assert 4 < strict.min_area_px <= 9
    lenient = choose(tmp_path, MIXED, Goal(max_overkill=parse_share("0"))).chosen.point
    assert (lenient.escapes, lenient.overkills) == (1, 0)
    costly = choose(tmp_path, MIXED, Goal(cost_ratio=3.0)).chosen.point
    cheap = choose(tmp_path, MIXED, Goal(cost_ratio=0.5)).chosen.point
    assert (costly.escapes, cheap.escapes) == (0, 1)


def test_a_goal_that_cannot_be_reached_shows_the_best(tmp_path: Path) -> None:
    goal = Goal(max_escape=parse_share("0"), max_overkill=parse_share("0"))
    choice = choose(tmp_path, MIXED, goal)
    assert not choice.reached
    assert choice.chosen.point.escapes + choice.chosen.point.overkills == 1
    assert "best " in "\n".join(describe_choice(choice))


def test_rejecting_everything_reaches_nothing(tmp_path: Path) -> None:
    same = know([spot(5, MIDDLE + 10), spot(0, 0)], [spot(5, MIDDLE + 10), spot(9, MIDDLE + 90)])
    assert not choose(tmp_path, same, Goal(max_escape=parse_share("0"))).reached


def test_images_that_nothing_tells_apart_reach_nothing(tmp_path: Path) -> None:
    same = [spot(5, MIDDLE + 10)]
    choice = choose(tmp_path, know(same, same), Goal(max_escape=parse_share("0")))
    assert (choice.chosen.point.escapes, choice.chosen.point.overkills) in ((0, 1), (1, 0))
    assert not choice.reached


def test_of_parts_that_may_have_regions_no_bound_is_claimed(tmp_path: Path) -> None:
    goal = Goal(max_escape=parse_share("0"))
    for allowed, known in ((0, True), (1, False)):
        rules = VerdictRules(others=ClassRule(max_regions=allowed))
        choice = choose(tmp_path, SEPARATED, goal, rules=rules)
        assert choice.exhausted == known
    assert "better ones may lie between them" in "\n".join(describe_choice(choice))


def test_before_counts_as_the_bundle_does(tmp_path: Path) -> None:
    for rule, px in ((ClassRule(min_area_px=3), 3), (ClassRule(min_area_mm2=0.5), 50)):
        choice = choose(
            tmp_path,
            SEPARATED,
            Goal(max_escape=parse_share("5%")),
            rules=VerdictRules(others=rule),
            mm_per_pixel=0.1,
        )
        assert choice.before.point.min_area_px == px
        assert choice.before.point.overkills == (1 if px == 3 else 0)


def test_scale_gives_areas_and_errors_per_metre(tmp_path: Path) -> None:
    choice = choose(tmp_path, MIXED, Goal(max_escape=parse_share("0")), mm_per_pixel=0.5)
    assert choice.chosen.min_area_mm2 == choice.chosen.point.min_area_px * 0.25
    metre = choice.chosen.per_metre
    assert metre is not None
    assert metre.metres == pytest.approx(8 * SIZE * 0.5 / 1000)
    assert metre.overkills == pytest.approx(1 / metre.metres)
    assert "per metre" in describe_choice(choice)[0]


def test_images_of_one_thing_count_once_and_widen_intervals(tmp_path: Path) -> None:
    defective = [spot(3, MIDDLE + 10)] * 6 + [spot(9, MIDDLE + 10)] * 6
    normal = [spot(4, MIDDLE + 10), *[spot(0, 0)] * 11]
    goal = Goal(max_overkill=parse_share("0"))
    single = choose(tmp_path, know(defective, normal), goal)
    groups = ["a"] * 6 + ["b"] * 6 + [f"n{index}" for index in range(12)]
    grouped = choose(tmp_path, know(defective, normal, groups=groups), goal)
    assert single.chosen.escape == grouped.chosen.escape == Rate(6, 12)
    assert single.chosen.escape_interval == Rate(6, 12).interval
    low, high = grouped.chosen.escape_interval
    assert (low, high) == (0.0, 1.0)
    limits = choose(
        tmp_path, know(defective, normal, groups=groups), Goal(max_escape=parse_share("50%"))
    ).support
    assert (limits[0].count, limits[0].total) == (1, 2)


def test_one_error_of_a_thing_is_an_error_of_it() -> None:
    images = know(
        [spot(3, 255), spot(9, 255), spot(9, 255)],
        [spot(9, 255), spot(0, 0)],
        groups=["a", "a", "b", "n", "n"],
    )
    sweep = Sweep(0.0, np.array([9, 81, 81]), np.array([81, 0]))
    point = OperatingPoint(0.0, 20, escapes=1, overkills=1, gap=1.0)
    assert count_groups(point, sweep, images, defective=True) == (1, 2)
    assert count_groups(point, sweep, images, defective=False) == (1, 1)


def test_things_that_err_alike_do_not_narrow_an_interval() -> None:
    groups = ["a", "a", "b", "b", "n"]
    images = know([spot(3, 255), spot(9, 255)] * 2, [spot(0, 0)], groups=groups)
    sweep = Sweep(0.0, np.array([9, 81, 9, 81]), np.array([0]))
    judged = judge_point(OperatingPoint(0.0, 20, 2, 0, 1.0), sweep, images, mm_per_px=None)
    assert judged.escape == Rate(2, 4)
    assert judged.escape_interval == Rate(2, 4).interval  # every draw of things has half of them wrong


def test_where_none_is_judged_wrongly_a_thing_counts_once(tmp_path: Path) -> None:
    defective, normal = [spot(9, MIDDLE + 10)] * 12, [spot(0, 0)] * 12
    groups = ["a"] * 6 + ["b"] * 6 + [f"n{index}" for index in range(12)]
    choice = choose(tmp_path, know(defective, normal, groups=groups), Goal(max_overkill=parse_share("0")))
    assert choice.chosen.escape == choice.chosen.overkill == Rate(0, 12)
    assert choice.chosen.escape_interval == Rate(0, 2).interval
    assert choice.chosen.overkill_interval == Rate(0, 12).interval
    all_wrong = judge_point(
        OperatingPoint(0.0, 500, escapes=12, overkills=0, gap=1.0),
        Sweep(0.0, np.full(12, 81), np.zeros(12, np.int64)),
        know(defective, normal, groups=groups),
        mm_per_px=None,
    )
    assert all_wrong.escape_interval == Rate(2, 2).interval


@pytest.mark.parametrize(
    "rules",
    [
        VerdictRules(),
        VerdictRules(zones=(Zone(0, 8, 0, 8),)),
        VerdictRules(connectivity=4, others=ClassRule(max_regions=1)),
    ],
)
def test_the_figures_are_those_of_eval_with_the_new_bundle(tmp_path: Path, rules: VerdictRules) -> None:
    two = spot(3, MIDDLE + 10)
    two[20:26, 20:26] = MIDDLE + 20
    whole = np.full((SIZE, SIZE), 1, np.uint8)
    shown = [(two, whole), (spot(6, MIDDLE + 10), spot(6, 1)), (spot(12, MIDDLE + 10), spot(12, 1))]
    samples = [Sample(f"defect-{index}", *pair) for index, pair in enumerate(shown)]
    dirt = [spot(4, MIDDLE + 30), spot(9, MIDDLE + 5), spot(0, 0)]
    samples += [Sample(f"good-{index}", image, spot(0, 0)) for index, image in enumerate(dirt)]
    dataset = InMemory(samples)
    dataset.may_hold_duplicates = False
    images = know_images(dataset, zones=rules.zones, reporter=Reporter(quiet=True))
    assert images.defective.sum() == (2 if rules.zones else 3)  # that of 6 px a side ends where the zone does
    choice = choose(tmp_path, images, Goal(cost_ratio=1.0), rules=rules)
    point = choice.chosen.point
    new = retune_bundle(
        Bundle.open(tmp_path / "b.edgekit"),
        tmp_path / "new.edgekit",
        thresholds={"threshold": point.threshold},
        rules=override_rules(rules, min_area_px=point.min_area_px),
        tuning=None,
    )
    with Detector(new, backend=FakeBackend) as detector:
        measured = evaluate_masks(
            predict_with_detector(detector),
            dataset,
            judging=Judging(detector.rules, new.manifest.model.classes),
            reporter=Reporter(quiet=True),
        ).image_level
    assert (measured.escape, measured.overkill) == (choice.chosen.escape, choice.chosen.overkill)


def test_rates_in_words() -> None:
    rate = Rate(3, 120)
    assert rate.interval is not None
    assert describe_rate(rate, rate.interval) == "2.5 % (0.85–7.1 %), 3 of 120"
    assert describe_rate(Rate(0, 5), (0.0, 0.996)) == "0 % (0–100 %), 0 of 5"


def test_a_long_trade_off_keeps_its_ends(tmp_path: Path) -> None:
    points = list(choose(tmp_path, MIXED, Goal(cost_ratio=1.0)).frontier)
    many = points * 10
    thinned = thin_frontier(many, 5)
    assert len(thinned) == 5
    assert (thinned[0], thinned[-1]) == (many[0], many[-1])
    assert thin_frontier(points, 100) == points


def test_the_page_says_what_was_chosen(tmp_path: Path) -> None:
    choice = choose(tmp_path, MIXED, Goal(max_escape=parse_share("10%"), max_overkill=parse_share("30%")))
    document = {
        "target": "<b>.edgekit",
        "data": "plates & more",
        "split": "val",
        "images": {"defective": 4, "normal": 4, "groups": 8},
        "backend": "fake",
        "precision": "fp32",
        "provenance": "untrained",
    }
    write_trade_off_page(tmp_path / "page.html", choice, document)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;.edgekit: threshold and least area" in page
    assert "plates &amp; more" in page
    assert page.count('class="limit"') == 2
    assert page.count('class="dot c1"') == page.count('class="hollow"') == 1
    assert page.count('class="dot c0"') == len(choice.frontier)
    assert [path.name for path in tmp_path.glob(".*")] == []
