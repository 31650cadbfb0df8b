"""`edgekit eval`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from edgekit.cli.evaluation_text import describe_metrics
from edgekit.cli.options import (
    any_path,
    backend_option,
    data_options,
    device_option,
    json_option,
    print_json,
    quiet_option,
    threads_option,
)
from edgekit.cli.provenance import announce, mark
from edgekit.data import Dataset, OpenOptions
from edgekit.data.contract import View
from edgekit.data.splitting.parts import ChosenPart, open_part
from edgekit.data.views import MergedClasses, NormalOrDefective, view_for
from edgekit.evaluation.evaluate import Metrics
from edgekit.evaluation.evaluate import evaluate as measure_target
from edgekit.evaluation.row_files import require_place, write_rows
from edgekit.evaluation.targets import OpenedTarget, open_target
from edgekit.reporting import Reporter
from edgekit_runtime.quotas import override_rules

INTERVALS_SEED = 0


@click.command("eval")
@click.argument("target", type=any_path)
@data_options(required=True)
@click.option(
    "--split",
    "part",
    type=click.Choice(["train", "val", "test", "all"]),
    help="Which part of the data.  [default: the stored test part of the training data, all of any other]",
)
@click.option(
    "--threshold", type=float, help="Logit from which a pixel is a defect.  [default: the bundle's, else 0]"
)
@click.option(
    "--min-area",
    type=click.IntRange(0),
    help="Found regions below, in px, do not count.  [default: the bundle's rules, else 0]",
)
@click.option(
    "--mm-per-px",
    type=float,
    help="Scale along the web, for figures per metre.  [default: the bundle's, if any]",
)
@click.option(
    "--every-exit",
    is_flag=True,
    help="Of a network with early exits: measure each alone, and its calibration. Every image goes through all.",
)
@click.option("--intervals", is_flag=True, help="Add 95 % intervals, drawn over groups of images.")
@click.option("--rows", type=any_path, help="Write a CSV file with one line per image.")
@device_option
@backend_option
@threads_option
@json_option
@quiet_option
def evaluate(
    *,
    target: Path,
    data: str,
    include_normal: bool | None,
    boxes_as_masks: bool,
    part: str | None,
    threshold: float | None,
    min_area: int | None,
    mm_per_px: float | None,
    every_exit: bool,
    intervals: bool,
    rows: Path | None,
    device: str,
    backend: str,
    threads: int | None,
    as_json: bool,
    reporter: Reporter,
) -> None:
    """Measure a checkpoint or a bundle TARGET on labelled images, with the same code.

    Every figure is pooled over the whole part. Segmenting targets: mIoU, mAcc and Dice of the pixels; escape (a
    defective image that was not flagged), overkill (a defect-free one that was) and AUROC of the images; recall and
    precision of single defects; AP of boxes. Classifying targets: accuracy and the figures of each class; with early
    exits which of them answered, and what that costs.
    """
    if rows is not None:
        require_place(rows)
    with open_target(
        target, device=device, backend=backend, threads=threads, threshold=threshold, every_exit=every_exit
    ) as opened:
        announce(opened.provenance, reporter)
        options = OpenOptions(include_normal, boxes_as_masks, opened.pixels)
        chosen = open_part(
            data,
            trained_on=opened.data,
            part=part,
            options=options,
            view=partial(view_for, task=opened.task, classes=len(opened.classes)),
            reporter=reporter,
        )
        reporter.note(f"note: {_describe_data(chosen.dataset)}")
        metrics = measure_target(
            opened,
            chosen.dataset,
            reporter=reporter,
            rules=None if min_area is None else override_rules(opened.rules, min_area_px=min_area),
            mm_per_px=mm_per_px,
            intervals_seed=INTERVALS_SEED if intervals else None,
        )
    if rows is not None:
        write_rows(rows, metrics)
    if as_json:
        print_json(_make_document(target, opened, chosen, metrics))
        return
    source = f"{opened.backend}{mark(opened.provenance)}"
    click.echo(f"{target} on {chosen.source}, {chosen.part} part, {metrics.images} images, {source}")
    for line in describe_metrics(metrics):
        click.echo(line)


def _describe_data(dataset: Dataset) -> str:
    """Say in one line which layout was found, and what was made of its classes."""
    read = f"{dataset.name} was read as {dataset.layout or 'generated images'}"
    view = dataset
    while isinstance(view, View):
        if isinstance(view, MergedClasses):
            return f"{read}; {', '.join(view.source.classes[1:])} count as one class, {view.classes[1]}."
        if isinstance(view, NormalOrDefective):
            return f"{read}; images count as {' or '.join(view.labels)}."
        view = view.source
    return f"{read}."


def _make_document(
    target: Path, opened: OpenedTarget, chosen: ChosenPart, metrics: Metrics
) -> dict[str, Any]:
    intervals = metrics.intervals
    return {
        "schema": "edgekit.eval/1",
        "target": str(target),
        "task": opened.task,
        "digest": opened.digest,
        "data": chosen.source,
        "layout": chosen.dataset.layout,
        "split": chosen.part,
        "fingerprint": chosen.dataset.fingerprint(),
        "metrics": metrics.to_dict(),
        "per_kind": {kind: figures.to_dict() for kind, figures in metrics.per_kind.items()},
        "intervals": None if intervals is None else intervals.to_dict(),
        "backend": opened.backend,
        "precision": opened.precision,
        "provenance": opened.provenance,
    }
