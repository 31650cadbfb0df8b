"""Evaluate any predictor on any dataset: one pass over the images, every figure from it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from edgekit.data.contract import Dataset, Sample
from edgekit.data.splitting.duplicates import link_duplicates
from edgekit.evaluation.class_records import record_class
from edgekit.evaluation.classification import ClassMetrics, pool_class_records
from edgekit.evaluation.defect_level import OverlapRule
from edgekit.evaluation.early_exits import EarlyExits
from edgekit.evaluation.judging import Judging
from edgekit.evaluation.mask_metrics import MaskMetrics, pool_records
from edgekit.evaluation.mask_records import measure_mask
from edgekit.evaluation.prediction import Predict, Prediction
from edgekit.evaluation.targets import OpenedTarget
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import VerdictRules
from edgekit_runtime.errors import DatasetError, FrameError, UsageProblem

Clock = Callable[[], float]
Metrics = MaskMetrics | ClassMetrics


def require_classes(classes: Sequence[str], dataset: Dataset) -> None:
    """Refuse a dataset of other classes than the network's.

    Raises:
        DatasetError: If their number differs; names may.
    """
    if len(classes) != len(dataset.classes):
        raise DatasetError(
            f"{dataset.name} has the classes {', '.join(dataset.classes)}; "
            f"the network answers {', '.join(classes)}.",
            remedy="Name data with the network's classes, or a model with those of the data.",
        )


def evaluate(
    target: OpenedTarget,
    dataset: Dataset,
    *,
    reporter: Reporter,
    rules: VerdictRules | None = None,
    mm_per_px: float | None = None,
    rule: OverlapRule = OverlapRule(),  # noqa: B008
    intervals_seed: int | None = None,
    clock: Clock = time.perf_counter,
) -> Metrics:
    """Return the figures of an opened checkpoint or bundle, by its task; arguments as for the two below.

    Images are judged by the target's own rules, unless others are given; the scale is the target's where it knows it.

    Intervals are over groups into which copies are drawn first, as splits do: one that takes two copies for two
    independent images is too narrow.

    Raises:
        UsageProblem: If a classifying target shall judge regions, or rules do not fit.
        DatasetError: If the dataset's classes are not the target's.
    """
    if intervals_seed is not None:
        dataset = link_duplicates(dataset, reporter=reporter)
    mm_per_px = target.mm_per_px if mm_per_px is None else mm_per_px
    if target.task == "classify":
        if rules is not None:
            raise UsageProblem(
                "The target classifies whole images; it has no regions that could be too small, or too many.",
                remedy="Leave the smallest area out.",
            )
        return evaluate_classes(
            target.predict,
            dataset,
            classes=target.classes,
            normal_class=target.normal_class,
            exits=target.exits,
            reporter=reporter,
            mm_per_px=mm_per_px,
            intervals_seed=intervals_seed,
            clock=clock,
        )
    require_classes(target.classes, dataset)
    return evaluate_masks(
        target.predict,
        dataset,
        reporter=reporter,
        judging=Judging(target.rules if rules is None else rules, target.classes, mm_per_px),
        mm_per_px=mm_per_px,
        rule=rule,
        intervals_seed=intervals_seed,
        clock=clock,
    )


def evaluate_masks(
    predict: Predict,
    dataset: Dataset,
    *,
    reporter: Reporter,
    judging: Judging | None = None,
    mm_per_px: float | None = None,
    rule: OverlapRule = OverlapRule(),  # noqa: B008
    intervals_seed: int | None = None,
    clock: Clock = time.perf_counter,
) -> MaskMetrics:
    """Return the figures of masks, pooled over every image of the dataset.

    Args:
        predict: Answers masks.
        dataset: Has masks.
        reporter: Where progress goes.
        judging: Which regions count, and when an image is rejected; every region does and rejects where omitted.
        mm_per_px: Millimetres per pixel along the web (the images' height), where known.
        rule: When a defect counts as found.
        intervals_seed: Seed of the intervals over groups, as the dataset gives them; None leaves them out.
        clock: Seconds of a steady clock, for the time per image.

    Raises:
        UsageProblem: If the predictor gives no masks, or a number is out of its range.
        FrameError: If an image cannot be used; the message names it.
        MaskError: If a mask does not fit.
    """
    _require_scale(mm_per_px)
    judging = judging or Judging(VerdictRules(), dataset.classes)
    records = []
    with reporter.progress(f"evaluating on {dataset.name}", len(dataset)) as advance:
        for index, item in enumerate(dataset.items):
            sample = dataset.load(index)
            prediction, ms = _predict(predict, sample, clock)
            records.append(
                measure_mask(
                    item,
                    sample,
                    prediction,
                    classes=len(dataset.classes),
                    judging=judging,
                    rule=rule,
                    ms=ms,
                )
            )
            advance()
    return pool_records(
        records,
        dataset.classes,
        judging=judging,
        rule=rule,
        mm_per_px=mm_per_px,
        intervals_seed=intervals_seed,
    )


def evaluate_classes(
    predict: Predict,
    dataset: Dataset,
    *,
    classes: Sequence[str],
    normal_class: str | None,
    reporter: Reporter,
    exits: EarlyExits | None = None,
    mm_per_px: float | None = None,
    intervals_seed: int | None = None,
    clock: Clock = time.perf_counter,
) -> ClassMetrics:
    """Return the figures of a classifier, pooled over every image of the dataset.

    Args:
        predict: Answers probabilities in the order of `classes`.
        dataset: Has a class per image; classes are matched by name, in whatever order.
        classes: The network's classes.
        normal_class: The one that means defect-free; None where there is none.
        reporter: Where progress goes.
        exits: The network's early exits; the predictor says which of them answered.
        mm_per_px: As for `evaluate_masks`.
        intervals_seed: As for `evaluate_masks`.
        clock: As for `evaluate_masks`.

    Raises:
        UsageProblem: If the predictor gives no probabilities, names no exit of the network, or a number is out of
            its range.
        DatasetError: If images have no class, or one that the network does not know.
        FrameError: If an image cannot be used; the message names it.
    """
    _require_scale(mm_per_px)
    truths = _find_truths(dataset, classes)
    normal = None if normal_class is None else tuple(classes).index(normal_class)
    records = []
    with reporter.progress(f"evaluating on {dataset.name}", len(dataset)) as advance:
        for index, (item, truth) in enumerate(zip(dataset.items, truths, strict=True)):
            sample = dataset.load(index)
            prediction, ms = _predict(predict, sample, clock)
            records.append(
                record_class(item, sample, prediction, truth=truth, normal=normal, exits=exits, ms=ms)
            )
            advance()
    return pool_class_records(
        records,
        classes,
        exits=() if exits is None else exits.points,
        mm_per_px=mm_per_px,
        intervals_seed=intervals_seed,
    )


def _predict(predict: Predict, sample: Sample, clock: Clock) -> tuple[Prediction, float]:
    """Return the answer, and the milliseconds that it took."""
    try:
        started = clock()
        prediction = predict(sample.image)
        return prediction, (clock() - started) * 1e3
    except FrameError as error:
        raise FrameError(f"{sample.name}: {error.message}", remedy=error.remedy) from error


def _find_truths(dataset: Dataset, classes: Sequence[str]) -> list[int]:
    """Return the network's class index of every item."""
    unknown = sorted(set(dataset.labels) - set(classes))
    unlabelled = [item.name for item in dataset.items if item.label is None]
    if not dataset.labels or unlabelled:
        raise DatasetError(
            f"{unlabelled[0] if unlabelled else dataset.name} has no class.",
            remedy="A classifier needs a folder per class, or a layout that says which images are defective.",
        )
    if unknown:
        raise DatasetError(
            f"{dataset.name} has the classes {', '.join(dataset.labels)}; the network answers {', '.join(classes)}.",
            remedy="Name data with the network's classes.",
        )
    places = [tuple(classes).index(label) for label in dataset.labels]
    return [places[item.label] for item in dataset.items if item.label is not None]


def _require_scale(mm_per_px: float | None) -> None:
    if mm_per_px is not None and not 0 < mm_per_px < math.inf:
        raise UsageProblem(f"Millimetres per pixel must be a number above 0, got {mm_per_px}.")
