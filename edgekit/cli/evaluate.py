"""`edgekit eval`."""

from __future__ import annotations

from pathlib import Path

import click

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
from edgekit.data import OpenOptions
from edgekit.data.splitting.parts import open_part
from edgekit.evaluation.evaluate import evaluate_masks, require_classes
from edgekit.evaluation.targets import open_target
from edgekit.reporting import Reporter


@click.command("eval")
@click.argument("target", type=any_path)
@data_options(required=True)
@click.option(
    "--split",
    "part",
    type=click.Choice(["train", "val", "test", "all"]),
    help="Which part of the data.  [default: the stored test part of the training data, all of any other]",
)
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
    device: str,
    backend: str,
    threads: int | None,
    as_json: bool,
    reporter: Reporter,
) -> None:
    """Measure a checkpoint or a bundle TARGET on labelled images, with the same code.

    mIoU and mAcc are pooled over every pixel of the part.
    """
    with open_target(target, device=device, backend=backend, threads=threads) as opened:
        announce(opened.provenance, reporter)
        chosen = open_part(
            data, trained_on=opened.data, part=part, options=OpenOptions(include_normal, boxes_as_masks)
        )
        require_classes(opened.classes, chosen.dataset)
        metrics = evaluate_masks(opened.predict, chosen.dataset, reporter=reporter)
    if as_json:
        document = {
            "schema": "edgekit.eval/1",
            "target": str(target),
            "digest": opened.digest,
            "data": chosen.source,
            "split": chosen.part,
            "fingerprint": chosen.dataset.fingerprint(),
            "metrics": metrics.to_dict(),
            "backend": opened.backend,
            "precision": opened.precision,
            "provenance": opened.provenance,
        }
        print_json(document)
        return
    source = f"{opened.backend}{mark(opened.provenance)}"
    click.echo(f"{target} on {chosen.source}, {chosen.part} part, {metrics.images} images, {source}")
    click.echo(f"mIoU {metrics.miou:.4f}  mAcc {metrics.macc:.4f}")
    for name, iou in metrics.iou.items():
        click.echo(f"  IoU {name:12} {iou:.4f}")
