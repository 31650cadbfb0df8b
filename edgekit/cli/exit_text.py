"""What `edgekit eval` prints of early exits: who answers, what that saves, and how good each exit is by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgekit.cli.figures_text import align_table, write_number, write_rate
from edgekit.evaluation.exit_metrics import ExitCost, ExitMetrics, ExitSet
from edgekit.evaluation.rates import Rate


def describe_exits(metrics: ExitMetrics) -> Iterator[str]:
    """Yield the table of who answers, then that of each exit alone where it was asked for."""
    yield "answered by the first exit whose confidence reaches its threshold, or by the last:"
    yield from align_table(_list_answered(metrics))
    below = f"below {metrics.points[-1].threshold:g} at the last exit"
    yield f"low confidence ({below}): {write_rate(metrics.low_confidence)}"
    if metrics.cost is not None:
        yield _describe_cost(metrics.cost)
    if metrics.alone:
        yield "each exit alone, on every image:"
        yield from align_table(_list_sets(metrics, [one.every_image for one in metrics.alone]))
        yield "each exit alone, on the images that no exit before it answered (its threshold decides on these):"
        yield from align_table(_list_sets(metrics, [one.reached for one in metrics.alone]))
        yield "precision / recall of each exit alone, on every image:"
        yield from align_table(_list_classes(metrics))


def _list_answered(metrics: ExitMetrics) -> Iterator[tuple[str, ...]]:
    early = [f"exit {point.number} (≥ {point.threshold:g})" for point in metrics.points[:-1]]
    yield ("class", "images", *early, f"exit {metrics.points[-1].number}", "MACs")
    cost = metrics.cost
    for name, counts in metrics.answered.items():
        macs = None if cost is None else cost.per_class[name]
        yield (name, str(sum(counts)), *_share(counts), _write_macs(macs))
    totals = [rate.total for rate in metrics.correct]
    yield ("all", str(sum(totals)), *_share(totals), _write_macs(None if cost is None else cost.mean))
    yield ("right of these", "", *(write_number(rate.value) for rate in metrics.correct), "")


def _share(counts: Sequence[int]) -> list[str]:
    rates = [Rate(count, sum(counts)).value for count in counts]
    return [
        "none" if rate is None else f"{rate:.1%} ({count})" for rate, count in zip(rates, counts, strict=True)
    ]


def _describe_cost(cost: ExitCost) -> str:
    relative = (
        ""
        if cost.relative is None
        else f", {cost.relative:.1%} of the last exit's {_write_macs(cost.last_exit)}"
    )
    return f"cost: {_write_macs(cost.mean)} multiply-accumulates per image{relative}"


def _write_macs(macs: float | None) -> str:
    """Return multiply-accumulates in billions, millions or as they are."""
    if macs is None:
        return "none"
    for size, unit in ((1e9, " G"), (1e6, " M")):
        if macs >= size:
            return f"{macs / size:.4g}{unit}"
    return f"{macs:.0f}"


def _list_sets(metrics: ExitMetrics, sets: Sequence[ExitSet]) -> Iterator[tuple[str, ...]]:
    yield ("exit", "images", "accuracy", "mAcc", "escape", "overkill", "confidence", "ECE")
    for point, one in zip(metrics.points, sets, strict=True):
        figures, calibration = one.figures, one.calibration
        levels = figures.image_level
        yield (
            str(point.number),
            str(figures.images),
            write_number(figures.accuracy),
            write_number(figures.macc),
            write_number(None if levels is None else levels.escape.value),
            write_number(None if levels is None else levels.overkill.value),
            write_number(calibration.confidence),
            write_number(calibration.expected),
        )


def _list_classes(metrics: ExitMetrics) -> Iterator[tuple[str, ...]]:
    yield ("class", *(f"exit {point.number}" for point in metrics.points))
    for name in metrics.answered:
        figures = [one.every_image.figures.per_class[name] for one in metrics.alone]
        yield (name, *(f"{write_number(one.precision)} / {write_number(one.recall)}" for one in figures))
