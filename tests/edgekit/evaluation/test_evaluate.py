"""Any predictor on any dataset."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import Subset, open_dataset
from edgekit.data.views import merge_classes
from edgekit.evaluation.defect_level import OverlapRule
from edgekit.evaluation.evaluate import evaluate, evaluate_classes, evaluate_masks, require_classes
from edgekit.evaluation.judging import Judging
from edgekit.evaluation.prediction import Frame, Prediction
from edgekit.evaluation.targets import OpenedTarget
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import ClassRule, PixelFormat, VerdictRules, Zone
from edgekit_runtime.errors import DatasetError, FrameError, MaskError, UsageProblem
from tests.edgekit.evaluation.building import (
    InMemory,
    answer_logits,
    answer_masks,
    answer_probabilities,
    make_sample,
)

QUIET = Reporter(quiet=True)
CLEAN = [[0, 0, 0, 0], [0, 0, 0, 0]]
SPOT = [[1, 0, 0, 0], [0, 0, 0, 0]]
BLOCK = [[1, 1, 0, 0], [1, 1, 0, 0]]


def test_the_truth_itself_is_perfect(image_folder: Path) -> None:
    dataset = open_dataset(str(image_folder))
    masks = [dataset.load(index).known_mask for index in range(len(dataset))]
    metrics = evaluate_masks(answer_masks(*masks), dataset, reporter=QUIET)
    assert (metrics.miou, metrics.macc, metrics.images) == (1.0, 1.0, 12)
    assert (metrics.pixels.dice, metrics.error.mean) == (1.0, 0.0)
    assert (metrics.image_level.escape.count, metrics.image_level.escape.total) == (0, 12)
    assert (metrics.defect_level.recall, metrics.defect_level.precision) == (1.0, 1.0)
    for mode in metrics.ap.values():
        assert (mode.ap, mode.ap50) == (1.0, 1.0)


def test_all_background_has_the_share_of_the_background(image_folder: Path) -> None:
    dataset = open_dataset(str(image_folder))
    share = np.mean([dataset.load(index).known_mask for index in range(len(dataset))])
    metrics = evaluate_masks(lambda frame: Prediction(mask=np.zeros_like(frame)), dataset, reporter=QUIET)
    assert metrics.pixels.iou == pytest.approx({"background": 1 - share, "defect": 0.0})
    assert metrics.error.mean == pytest.approx(share)
    assert metrics.image_level.escape.value == 1.0
    assert (metrics.defect_level.recall, metrics.defect_level.precision) == (0.0, None)


def test_defect_free_images_count(image_folder: Path) -> None:
    del image_folder
    dataset = InMemory([make_sample("a", BLOCK), make_sample("b", CLEAN), make_sample("c", CLEAN)])
    metrics = evaluate_masks(answer_masks(CLEAN, SPOT, CLEAN), dataset, reporter=QUIET)
    assert [record.judged.outcome for record in metrics.records] == ["escape", "overkill", "passed"]
    assert (metrics.image_level.escape.value, metrics.image_level.overkill.value) == (1.0, 0.5)
    # The spot outranks the block that was not seen; the clean image ties with it.
    assert metrics.image_level.auroc == 0.25
    assert "region" in metrics.image_level.score


def judge_by(rule: ClassRule, *zones: Zone, mm_per_px: float | None = None) -> Judging:
    return Judging(VerdictRules(others=rule, zones=zones), ("background", "defect"), mm_per_px)


@pytest.mark.parametrize(
    ("rule", "flagged"), [(ClassRule(), True), (ClassRule(max_regions=1), False), (ClassRule(2), False)]
)
def test_the_rules_say_what_flags_an_image(rule: ClassRule, flagged: bool) -> None:
    dataset = InMemory([make_sample("a", CLEAN)])
    metrics = evaluate_masks(answer_masks(SPOT), dataset, reporter=QUIET, judging=judge_by(rule))
    assert metrics.records[0].judged.flagged is flagged


def test_areas_in_mm_need_the_scale() -> None:
    rule = ClassRule(min_area_mm2=0.5)
    dataset = InMemory([make_sample("a", BLOCK)])
    with pytest.raises(UsageProblem, match="not known"):
        judge_by(rule)
    for scale, flagged in ((0.3, False), (0.4, True)):  # four pixels: 0.36 and 0.64 mm²
        judging = judge_by(rule, mm_per_px=scale)
        metrics = evaluate_masks(answer_masks(BLOCK), dataset, reporter=QUIET, judging=judging)
        assert metrics.records[0].judged.flagged is flagged


def test_in_a_zone_nothing_counts_on_either_side() -> None:
    """A defect there is no escape, a region there no overkill, and their pixels are background."""
    dataset = InMemory([make_sample("a", SPOT), make_sample("b", CLEAN), make_sample("c", BLOCK)])
    answer = answer_masks(CLEAN, SPOT, BLOCK)
    metrics = evaluate_masks(answer, dataset, reporter=QUIET, judging=judge_by(ClassRule(), Zone(0, 1)))
    assert [record.judged.outcome for record in metrics.records] == ["passed", "passed", "found"]
    assert metrics.pixels.iou == {"background": 1.0, "defect": 1.0}
    assert metrics.records[2].counts[1, 1] == 2  # the block's other column


def test_a_defect_that_nobody_has_drawn_stays_one_beside_a_zone() -> None:
    dataset = InMemory([make_sample("a", CLEAN)], defective=[True])
    metrics = evaluate_masks(
        answer_masks(CLEAN), dataset, reporter=QUIET, judging=judge_by(ClassRule(), Zone(0, 1))
    )
    assert metrics.records[0].judged.outcome == "escape"


def test_the_target_is_judged_by_its_own_rules_and_scale() -> None:
    target = replace(
        make_target("segment"), rules=VerdictRules(others=ClassRule(min_area_mm2=2.0)), mm_per_px=1.0
    )
    dataset = InMemory([make_sample("a", SPOT)])
    assert evaluate(target, dataset, reporter=QUIET).records[0].judged.outcome == "escape"
    other = VerdictRules()
    again = replace(make_target("segment"), rules=target.rules, mm_per_px=1.0)
    assert evaluate(again, dataset, reporter=QUIET, rules=other).records[0].judged.outcome == "found"


def test_classes_have_their_own_least_areas() -> None:
    rules = VerdictRules(classes={"hole": ClassRule(min_area_px=3)})
    judging = Judging(rules, ("background", "hole", "stain"))
    found = judging.label(np.array([[1, 1, 0, 2], [0, 0, 0, 0], [1, 1, 1, 0]], np.uint8))
    assert found.rows[:, [4, 5]].tolist() == [[1, 2], [3, 1]]
    assert found.labels.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [2, 2, 2, 0]]
    assert judging.min_area_px == 0


def test_regions_below_the_smallest_area_do_not_flag() -> None:
    dataset = InMemory([make_sample("a", BLOCK), make_sample("b", CLEAN)])
    metrics = evaluate_masks(
        answer_masks(BLOCK, SPOT), dataset, reporter=QUIET, judging=judge_by(ClassRule(min_area_px=2))
    )
    assert [record.judged.flagged for record in metrics.records] == [True, False]
    assert metrics.defect_level.precision == 1.0  # the spot is no region
    assert metrics.pixels.fpr == 1 / 12  # but its pixel is wrong
    assert metrics.to_dict()["min_area_px"] == 2


def test_the_item_says_whether_an_image_is_defective_where_it_knows() -> None:
    """Magnetic Tile has defective images whose mask is empty."""
    samples = [make_sample("a", CLEAN), make_sample("b", SPOT)]
    known = evaluate_masks(
        answer_masks(CLEAN, CLEAN), InMemory(samples, defective=[True, False]), reporter=QUIET
    )
    assert [record.judged.outcome for record in known.records] == ["escape", "passed"]
    unknown = evaluate_masks(answer_masks(CLEAN, CLEAN), InMemory(samples), reporter=QUIET)
    assert [record.judged.outcome for record in unknown.records] == ["passed", "escape"]


@pytest.mark.slow
def test_magnetic_tiles_known_to_be_uneven_count_although_their_mask_is_empty(real_data: Path) -> None:
    tiles = merge_classes(open_dataset(str(real_data / "magnetic-tile")))
    uneven = Subset(tiles, [index for index, item in enumerate(tiles.items) if "Uneven" in item.name])
    masks = [uneven.load(index).known_mask for index in range(len(uneven))]
    metrics = evaluate_masks(answer_masks(*masks), uneven, reporter=QUIET)
    empty = sum(not mask.any() for mask in masks)
    assert (metrics.miou, empty > 0) == (1.0, True)
    assert (metrics.image_level.escape.count, metrics.image_level.escape.total) == (empty, len(uneven))
    assert metrics.per_kind["uneven"].images == len(uneven) - empty
    assert metrics.per_kind["uneven"].defect_recall == 1.0


def test_logits_give_the_score_and_the_error() -> None:
    dataset = InMemory([make_sample("a", SPOT), make_sample("b", CLEAN)])
    faint, none = np.full((2, 4), -3.0), np.full((2, 4), -4.0)
    faint[0, 0] = -1.0  # below the threshold, and yet above everything in the clean image
    metrics = evaluate_masks(answer_logits(faint, none), dataset, reporter=QUIET)
    assert metrics.image_level.score == "peak logit"
    assert metrics.image_level.auroc == 1.0
    assert metrics.image_level.escape.value == 1.0
    low, lower, spot = (1 / (1 + math.exp(-x)) for x in (-3, -4, -1))
    assert metrics.error.basis == "probabilities"
    assert metrics.error.mean == pytest.approx((7 * low + (1 - spot) + 8 * lower) / 16)


def test_a_network_that_fails_flags_every_image() -> None:
    dataset = InMemory([make_sample("a", SPOT), make_sample("b", CLEAN)])
    broken = np.full((2, 4), np.nan)
    metrics = evaluate_masks(answer_logits(broken, broken), dataset, reporter=QUIET)
    assert (metrics.image_level.escape.value, metrics.image_level.overkill.value) == (0.0, 1.0)
    assert metrics.image_level.auroc == 0.5
    assert metrics.error.mean == 15 / 16
    json.dumps(metrics.to_dict(), allow_nan=False)


def test_per_metre_counts_rows_along_the_web() -> None:
    dataset = InMemory([make_sample("a", np.ones((500, 2))), make_sample("b", np.zeros((250, 2)))])
    answers = (np.zeros((500, 2)), np.ones((250, 2)))
    metrics = evaluate_masks(answer_masks(*answers), dataset, reporter=QUIET, mm_per_px=0.2)
    per_metre = metrics.image_level.per_metre
    assert per_metre.metres == pytest.approx(0.15)
    assert (per_metre.escapes, per_metre.overkills) == pytest.approx((1 / 0.15, 1 / 0.15))
    assert evaluate_masks(answer_masks(*answers), dataset, reporter=QUIET).image_level.per_metre is None
    for scale in (0, -1, math.nan, math.inf):
        with pytest.raises(UsageProblem, match="above 0"):
            evaluate_masks(answer_masks(*answers), dataset, reporter=QUIET, mm_per_px=scale)


def test_kinds_are_measured_over_the_images_that_show_them() -> None:
    dataset = InMemory(
        [
            make_sample("a", BLOCK, "hole", "stain"),
            make_sample("b", BLOCK, "hole"),
            make_sample("c", SPOT, "stain"),
            make_sample("d", CLEAN),
        ]
    )
    metrics = evaluate_masks(answer_masks(BLOCK, CLEAN, SPOT, SPOT), dataset, reporter=QUIET)
    hole, stain = metrics.per_kind["hole"], metrics.per_kind["stain"]
    assert list(metrics.per_kind) == ["hole", "stain"]
    assert (hole.images, hole.escape.value, hole.defect_recall) == (2, 0.5, 0.5)
    assert hole.miou == pytest.approx((4 / 8 + 8 / 12) / 2)
    assert hole.dice == pytest.approx(2 * 4 / (2 * 4 + 4))
    # The false spot in the clean image is no stain's fault.
    assert (stain.images, stain.escape.value, stain.miou, stain.dice) == (2, 0.0, 1.0, 1.0)


def test_the_rule_of_overlap_is_an_argument() -> None:
    dataset = InMemory([make_sample("a", BLOCK)])
    for rule, recall in ((OverlapRule(), 1.0), (OverlapRule("iou", 0.5), 0.0)):
        metrics = evaluate_masks(answer_masks(SPOT), dataset, reporter=QUIET, rule=rule)
        assert metrics.defect_level.recall == recall
        assert metrics.to_dict()["defect_level"]["rule"] == str(rule)


def test_rows_take_the_time_of_the_clock() -> None:
    ticks = iter([1.0, 1.5, 7.0, 7.25])
    dataset = InMemory([make_sample("a", SPOT), make_sample("b", CLEAN)])
    metrics = evaluate_masks(answer_masks(SPOT, CLEAN), dataset, reporter=QUIET, clock=lambda: next(ticks))
    assert [record.ms for record in metrics.records] == [500.0, 250.0]
    assert [record.iou for record in metrics.records] == [1.0, None]


def test_intervals_come_on_demand() -> None:
    dataset = InMemory([make_sample(str(index), BLOCK if index % 2 else CLEAN) for index in range(20)])
    answers = [[BLOCK if index % 3 else CLEAN][0] for index in range(20)]
    without = evaluate_masks(answer_masks(*answers), dataset, reporter=QUIET)
    assert without.intervals is None
    metrics = evaluate_masks(answer_masks(*answers), dataset, reporter=QUIET, intervals_seed=0)
    assert set(metrics.intervals.bounds) == {"miou", "dice", "escape", "overkill"}
    values = (
        metrics.miou,
        metrics.pixels.dice,
        metrics.image_level.escape.value,
        metrics.image_level.overkill.value,
    )
    for value, (low, high) in zip(values, metrics.intervals.bounds.values(), strict=True):
        assert low < value < high
    assert metrics.to_dict() == without.to_dict()


def test_a_mask_of_another_size_is_refused(image_folder: Path) -> None:
    with pytest.raises(MaskError):
        evaluate_masks(
            lambda frame: Prediction(mask=frame[1:] * 0), open_dataset(str(image_folder)), reporter=QUIET
        )


def test_an_image_that_cannot_be_used_is_named() -> None:
    def predict(frame: Frame) -> Prediction:
        if frame.any():
            raise FrameError("Too bright.", remedy="Dim the light.")
        return Prediction(mask=frame)

    dataset = InMemory([make_sample("a", CLEAN), make_sample("bright", SPOT), make_sample("c", CLEAN)])
    with pytest.raises(FrameError, match=r"bright: Too bright\.") as caught:
        evaluate_masks(predict, dataset, reporter=QUIET)
    assert caught.value.remedy == "Dim the light."


def test_answers_of_the_other_task_are_refused() -> None:
    dataset = InMemory([make_sample("a", SPOT)], labels=("good", "bad"), label_of=[1])
    with pytest.raises(UsageProblem, match="classifies"):
        evaluate_masks(answer_probabilities([0.5, 0.5]), dataset, reporter=QUIET)
    with pytest.raises(UsageProblem, match="segments"):
        evaluate_classes(
            answer_masks(SPOT), dataset, classes=("good", "bad"), normal_class="good", reporter=QUIET
        )


def test_data_of_other_classes_are_refused(image_folder: Path) -> None:
    dataset = open_dataset(str(image_folder))
    require_classes(("background", "scratch"), dataset)  # names may differ
    with pytest.raises(DatasetError, match="background, hole, stain"):
        require_classes(("background", "hole", "stain"), dataset)


LABELLED = InMemory(
    [make_sample(name, CLEAN) for name in "abcd"],
    labels=("stain", "good"),
    label_of=[0, 1, 1, 0],
    normal_label="good",
)
ROWS = ([0.1, 0.9], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3])
CLASSES = ("good", "stain")


def test_classes_are_matched_by_name() -> None:
    metrics = evaluate_classes(
        answer_probabilities(*ROWS), LABELLED, classes=CLASSES, normal_class="good", reporter=QUIET
    )
    assert metrics.confusion.tolist() == [[1, 1, 0], [1, 1, 0]]
    assert (metrics.accuracy, metrics.macc) == (0.5, 0.5)
    assert [one.judged.outcome for one in metrics.records] == ["found", "passed", "overkill", "escape"]
    # Scores of the stains are .9 and .3, those of the good ones .2 and .6.
    assert metrics.image_level.auroc == 0.75


def test_classes_that_the_network_does_not_know_are_refused() -> None:
    for dataset, message in (
        (LABELLED, "stain, good; the network answers good, hole"),
        (InMemory([make_sample("a", CLEAN)]), "has no class"),
        (InMemory([make_sample("a", CLEAN)], labels=("good", "hole"), label_of=[None]), "a has no class"),
    ):
        with pytest.raises(DatasetError, match=message):
            evaluate_classes(
                answer_probabilities(*ROWS),
                dataset,
                classes=("good", "hole"),
                normal_class="good",
                reporter=QUIET,
            )


def make_target(task: str) -> OpenedTarget:
    predict = answer_probabilities(*ROWS) if task == "classify" else answer_masks(SPOT)
    classes = CLASSES if task == "classify" else ("background", "defect")
    return OpenedTarget(
        predict,
        task,
        "",
        classes,
        classes[0],
        PixelFormat(),
        VerdictRules(),
        None,
        None,
        "torch",
        "fp32",
        "trained",
    )


def test_the_task_of_the_target_decides() -> None:
    masks = evaluate(make_target("segment"), InMemory([make_sample("a", SPOT)]), reporter=QUIET)
    assert masks.miou == 1.0
    classes = evaluate(make_target("classify"), LABELLED, reporter=QUIET)
    assert classes.accuracy == 0.5
    with pytest.raises(UsageProblem, match="no regions"):
        evaluate(
            make_target("classify"),
            LABELLED,
            reporter=QUIET,
            rules=VerdictRules(others=ClassRule(min_area_px=5)),
        )
    with pytest.raises(DatasetError, match="the network answers a, b, c"):
        evaluate(replace(make_target("segment"), classes=("a", "b", "c")), LABELLED, reporter=QUIET)
