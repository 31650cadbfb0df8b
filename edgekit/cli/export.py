"""`edgekit export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgekit.cli.export_options import choose_engine_targets, choose_target, precision_options
from edgekit.cli.export_text import describe_export, measure_speed, render_tables
from edgekit.cli.options import (
    BatchType,
    SizeType,
    any_path,
    json_option,
    print_json,
    quiet_option,
    seed_option,
)
from edgekit.cli.provenance import announce
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.bundle.contract import Fit
from edgekit_runtime.optional import import_optional


@click.command()
@click.option("--model", required=True, help="Such as cheapnet-s; `edgekit models` lists them.")
@click.option(
    "--checkpoint",
    type=any_path,
    help="Trained weights, such as runs/mine/best.  [default: those that ship]",
)
@click.option("--untrained", is_flag=True, help="Random weights (--seed), for measuring speed.")
@click.option(
    "--size",
    type=SizeType(),
    help="Size of frames, or of tiles, in pixels.  [default: what holds every image of the training]",
)
@click.option(
    "--fit",
    type=click.Choice(["refuse", "pad", "tile"]),
    help="Frames of another size: refused; smaller ones padded and the answer cropped back; any size, cut into tiles "
    "whose answers are joined.  [default: refuse or pad, as the training's images need]",
)
@click.option(
    "--overlap",
    type=int,
    metavar="PX",
    help="What neighbouring tiles share.  [default: so much that they answer as the whole frame does]",
)
@click.option(
    "--batch", type=BatchType(), default="dynamic", show_default=True, help="Frames per run of the graph."
)
@click.option(
    "--rewrite",
    "rewrites",
    multiple=True,
    type=click.Choice(["dense", "subpixel"]),
    help="Optional graph rewrites.",
)
@click.option(
    "--data",
    metavar="FOLDER|synthetic:NAME[/CLASS]",
    help="Labelled images on which the export is checked.  [default: the validation part of the training data]",
)
@precision_options
@click.option("--out", type=any_path, help="Path of the bundle.  [default: ./MODEL.edgekit]")
@seed_option
@json_option
@quiet_option
def export(
    *,
    model: str,
    checkpoint: Path | None,
    untrained: bool,
    size: tuple[int, int] | None,
    fit: Fit | None,
    overlap: int | None,
    batch: int | None,
    rewrites: tuple[str, ...],
    data: str | None,
    target: str | None,
    engine: str | None,
    sms: str | None,
    out: Path | None,
    seed: int,
    as_json: bool,
    reporter: Reporter,
    **precision: Any,
) -> None:
    """Write a model as a bundle that runs without torch.

    The exported graph takes uint8 frames and gives the mask. It is compared with the network before anything is
    written: names, shapes, values, masks and mIoU. A lower precision is compared with both.
    """
    spec = MODELS.get(model)
    for package in ("torch", "safetensors", "onnx", "onnxscript", "onnxruntime"):
        import_optional(package, extra="export")
    from edgekit.bundling import Lowering, export_model
    from edgekit_export import ParityFailed, render_parity

    aim, engine_targets = choose_target(target, engine), choose_engine_targets(engine, sms)
    path = out or Path(f"{model}.edgekit")
    if path.is_dir():
        reporter.note(f"note: {path} is there already; it is replaced once the new bundle has passed.")
    try:
        report = export_model(
            spec,
            path,
            checkpoint=checkpoint,
            untrained=untrained,
            size=size,
            fit=fit,
            overlap=overlap,
            batch=batch,
            rewrites=frozenset(rewrites),
            data=data,
            lowering=Lowering(**precision),
            target=aim,
            engine_targets=engine_targets,
            seed=seed,
            reporter=reporter,
        )
    except ParityFailed as error:
        click.echo(render_parity(error.checks), err=True)
        raise
    bundle = Bundle.open(report.path)
    speed = measure_speed(report, bundle, reporter) if bundle.manifest.precision != "fp32" else None
    if as_json:
        print_json(describe_export(report, bundle, speed))
    else:
        for table in render_tables(report):
            reporter.note(table)
        click.echo(report.path)
    if speed is not None:
        reporter.note(f"note: {speed.describe(bundle.manifest.precision, has_program=report.has_program)}")
    announce(bundle.manifest.provenance.kind, reporter)
