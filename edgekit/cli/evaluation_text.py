"""What `edgekit eval` prints: the figures in words, each share with the counts behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from edgekit.evaluation.bootstrap import Intervals
from edgekit.evaluation.classification import ClassMetrics
from edgekit.evaluation.image_level import ImageMetrics
from edgekit.evaluation.mask_metrics import MaskMetrics
from edgekit.evaluation.rates import Rate

NAMES = {"miou": "mIoU", "dice": "Dice", "macc": "mAcc"}
"""Figures that are not called by their key."""


def describe_metrics(metrics: MaskMetrics | ClassMetrics) -> Iterator[str]:
    """Yield the lines of the table."""
    yield from _describe_masks(metrics) if isinstance(metrics, MaskMetrics) else _describe_classes(metrics)
    if metrics.intervals is not None:
        yield from _describe_intervals(metrics.intervals)


def _describe_masks(metrics: MaskMetrics) -> Iterator[str]:
    pixels = metrics.pixels
    yield f"mIoU {_number(pixels.miou)}  mAcc {_number(pixels.macc)}  Dice {_number(pixels.dice)}"
    yield from (f"  IoU {name:12} {_number(iou)}" for name, iou in pixels.iou.items())
    yield (
        f"pixels: precision {_number(pixels.precision)}  FPR {_number(pixels.fpr)}  FNR {_number(pixels.fnr)}  "
        f"MAE {_number(metrics.error.mean)} (of {metrics.error.basis})"
    )
    yield from _describe_images(metrics.image_level)
    defects = metrics.defect_level
    yield f"defects: recall {_rate(defects.found)}  precision {_rate(defects.right)}  ({defects.rule})"
    for mode, value in metrics.ap.items():
        yield f"boxes, {mode.replace('_', ' ')}: AP@[.5:.95] {_number(value.ap)}  AP50 {_number(value.ap50)}"
    yield from _describe_rules(metrics)
    if metrics.per_kind:
        table = [("kind", "images", "mIoU", "Dice", "defect recall", "escapes")]
        table += [
            (
                kind,
                str(one.images),
                _number(one.miou),
                _number(one.dice),
                _number(one.defect_recall),
                _rate(one.escape),
            )
            for kind, one in metrics.per_kind.items()
        ]
        yield "over the images that show a kind of defect:"
        yield from _align(table)


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
    yield f"accuracy {_rate(metrics.correct)}  mAcc {_number(metrics.macc)}"
    table = [("class", "images", "precision", "recall", "F1")]
    table += [
        (name, str(one.images), _number(one.precision), _number(one.recall), _number(one.f1))
        for name, one in metrics.per_class.items()
    ]
    yield from _align(table)
    if metrics.image_level is not None:
        yield from _describe_images(metrics.image_level)
    for kind, escape in metrics.per_kind.items():
        yield f"  escapes of images with {kind}: {_rate(escape)}"


def _describe_images(metrics: ImageMetrics) -> Iterator[str]:
    yield f"images: escape {_rate(metrics.escape, interval=True)}"
    yield f"        overkill {_rate(metrics.overkill, interval=True)}"
    yield f"        AUROC {_number(metrics.auroc)} (of the {metrics.score})"
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


def _rate(rate: Rate, *, interval: bool = False) -> str:
    if rate.value is None:
        return "none (no case)"
    text = f"{rate.value:.4f} ({rate.count} of {rate.total})"
    if interval and rate.interval is not None:
        text += f", 95 % {rate.interval[0]:.3f} to {rate.interval[1]:.3f}"
    return text


def _number(value: float | None) -> str:
    return "none" if value is None or math.isnan(value) else f"{value:.4f}"


def _align(table: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = tuple(table)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells)}".rstrip()
