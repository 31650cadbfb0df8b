"""What `edgekit eval` prints: the figures in words, each share with the counts behind it."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit.cli.exit_text import describe_exits
from edgekit.cli.figures_text import align_table, write_number, write_rate
from edgekit.evaluation.bootstrap import Intervals
from edgekit.evaluation.classification import ClassMetrics
from edgekit.evaluation.image_level import ImageMetrics
from edgekit.evaluation.mask_metrics import MaskMetrics

NAMES = {"miou": "mIoU", "dice": "Dice", "macc": "mAcc"}
"""Figures that are not called by their key."""


def describe_metrics(metrics: MaskMetrics | ClassMetrics) -> Iterator[str]:
    """Yield the lines of the table."""
    yield from _describe_masks(metrics) if isinstance(metrics, MaskMetrics) else _describe_classes(metrics)
    if metrics.intervals is not None:
        yield from _describe_intervals(metrics.intervals)


def _describe_masks(metrics: MaskMetrics) -> Iterator[str]:
    pixels = metrics.pixels
    yield f"mIoU {write_number(pixels.miou)}  mAcc {write_number(pixels.macc)}  Dice {write_number(pixels.dice)}"
    yield from (f"  IoU {name:12} {write_number(iou)}" for name, iou in pixels.iou.items())
    yield (
        f"pixels: precision {write_number(pixels.precision)}  FPR {write_number(pixels.fpr)}  "
        f"FNR {write_number(pixels.fnr)}  MAE {write_number(metrics.error.mean)} (of {metrics.error.basis})"
    )
    yield from _describe_images(metrics.image_level)
    defects = metrics.defect_level
    yield f"defects: recall {write_rate(defects.found)}  precision {write_rate(defects.right)}  ({defects.rule})"
    for mode, value in metrics.ap.items():
        yield f"boxes, {mode.replace('_', ' ')}: AP@[.5:.95] {write_number(value.ap)}  AP50 {write_number(value.ap50)}"
    yield from _describe_rules(metrics)
    if metrics.per_kind:
        table = [("kind", "images", "mIoU", "Dice", "defect recall", "escapes")]
        table += [
            (
                kind,
                str(one.images),
                write_number(one.miou),
                write_number(one.dice),
                write_number(one.defect_recall),
                write_rate(one.escape),
            )
            for kind, one in metrics.per_kind.items()
        ]
        yield "over the images that show a kind of defect:"
        yield from align_table(table)


def _describe_rules(metrics: MaskMetrics) -> Iterator[str]:
    """Say what an image was judged by, where that is not simply whether it shows a region."""
    rules = metrics.rules
    if metrics.min_area_px:
        yield f"regions below {metrics.min_area_px} px do not count; pixels and whole masks are as they were found"
    if rules.classes or rules.others.max_regions:
        yield "images were judged by the bundle's rules (`edgekit rules` prints them)"
    if rules.zones:
        count = len(rules.zones)
        yield f"in {count} {'zone' if count == 1 else 'zones'} nothing was looked for, and nothing counts"


def _describe_classes(metrics: ClassMetrics) -> Iterator[str]:
    yield f"accuracy {write_rate(metrics.correct)}  mAcc {write_number(metrics.macc)}"
    table = [("class", "images", "precision", "recall", "F1")]
    table += [
        (name, str(one.images), write_number(one.precision), write_number(one.recall), write_number(one.f1))
        for name, one in metrics.per_class.items()
    ]
    yield from align_table(table)
    if metrics.image_level is not None:
        yield from _describe_images(metrics.image_level)
    for kind, escape in metrics.per_kind.items():
        yield f"  escapes of images with {kind}: {write_rate(escape)}"
    if metrics.exits is not None:
        yield from describe_exits(metrics.exits)


def _describe_images(metrics: ImageMetrics) -> Iterator[str]:
    yield f"images: escape {write_rate(metrics.escape, interval=True)}"
    yield f"        overkill {write_rate(metrics.overkill, interval=True)}"
    yield f"        AUROC {write_number(metrics.auroc)} (of the {metrics.score})"
    metre = metrics.per_metre
    if metre is not None:
        counts = [
            f"no {name} (no case)" if value is None else f"{value:.3g} {name}"
            for name, value in (("escapes", metre.escapes), ("overkills", metre.overkills))
        ]
        yield f"        per metre of {metre.metres:.3g} m: {', '.join(counts)}"


def _describe_intervals(intervals: Intervals) -> Iterator[str]:
    yield f"95 % intervals over {intervals.groups} groups ({intervals.resamples} draws, seed {intervals.seed}):"
    for name, pair in intervals.bounds.items():
        bounds = "none" if pair is None else f"{pair[0]:.4f} to {pair[1]:.4f}"
        yield f"  {NAMES.get(name, name):9} {bounds}"
