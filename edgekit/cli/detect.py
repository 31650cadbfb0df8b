"""`edgekit detect`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import (
    any_path,
    backend_option,
    device_option,
    json_option,
    print_json,
    quiet_option,
    threads_option,
)
from edgekit.cli.provenance import announce, mark
from edgekit.media.detection_files import DetectionWriter, make_document
from edgekit.media.images import list_images, order_channels, read_image
from edgekit.media.shades import shade_frame
from edgekit.reporting import Reporter
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import EdgekitError, UnusableInput
from edgekit_runtime.results import Region, Result


@click.command()
@click.argument("bundle", type=any_path)
@click.argument("images", nargs=-1, required=True, type=any_path)
@click.option("--overlay", type=any_path, help="Folder for pictures with the defects drawn in.")
@click.option(
    "--masks", type=any_path, help="Folder for STEM.png: 0/255 for one defect class, else class indices."
)
@click.option(
    "--threshold", type=float, help="Logit from which a pixel is a defect.  [default: the bundle's]"
)
@click.option(
    "--min-area",
    type=click.IntRange(0),
    help="Smaller regions of any class, in px, are left out.  [default: the bundle's rules]",
)
@click.option(
    "--connectivity",
    type=click.Choice(["8", "4"]),
    help="8: diagonal pixels belong together.  [default: the bundle's rules]",
)
@device_option
@backend_option
@threads_option
@json_option
@quiet_option
def detect(
    *,
    bundle: Path,
    images: tuple[Path, ...],
    overlay: Path | None,
    masks: Path | None,
    threshold: float | None,
    min_area: int | None,
    connectivity: str | None,
    device: str,
    backend: str,
    threads: int | None,
    as_json: bool,
    reporter: Reporter,
) -> None:
    """Find defects in IMAGES (files or folders) with a BUNDLE.

    The bundle's rules say which regions count and how many an image may have; `edgekit rules BUNDLE` prints them.
    An image that cannot be used is named on stderr and the others are still done; the exit code is then 8.
    """
    paths = list_images(images)
    writer = DetectionWriter(overlay=overlay, masks=masks, paths=paths)
    results: list[tuple[str, Result]] = []
    errors: list[dict[str, str]] = []
    with Detector(
        bundle,
        device=device,
        backend=backend,
        threads=threads,
        thresholds=None if threshold is None else {"threshold": threshold},
        min_area_px=min_area,
        connectivity=None if connectivity is None else int(connectivity),
    ) as detector:
        manifest, pixels = detector.manifest, detector.manifest.input.pixels
        announce(manifest.provenance.kind, reporter)
        staged = sum(stage.exit is not None for stage in manifest.stages) > 1
        for path in paths:
            try:
                frame = read_image(path, pixels, channels="grey" if pixels.channels == "grey" else "rgb")
                result = detector(order_channels(frame, pixels.channels))
            except UnusableInput as error:
                errors.append(_record_error(path, error, alone=len(paths) == 1))
                continue
            writer.write(path, shade_frame(frame, pixels), result, classes=manifest.model.classes)
            results.append((str(path), result))
            if not as_json:
                click.echo(_describe(path, result, staged=staged))
        if as_json:
            print_json(make_document(detector.bundle, results, errors))
    if errors:
        whole = f"{len(errors)} of {len(paths)} images could not be used; they are named above."
        raise UnusableInput(errors[0]["message"] if len(paths) == 1 else whole, remedy=errors[0]["remedy"])


def _record_error(path: Path, error: EdgekitError, *, alone: bool) -> dict[str, str]:
    """Return the error as data that name the image; say it at once where other images follow."""
    message = error.message if str(path) in error.message else f"{path}: {error.message}"
    if not alone:
        click.echo(f"edgekit: {message}", err=True)
    return {"image": str(path), "message": message, "remedy": error.remedy}


def _describe(path: Path, result: Result, *, staged: bool) -> str:
    source = f"{result.backend}{mark(result.provenance)}"
    answered = f" at exit {result.exit}" if staged else ""
    lines = [f"{path}: {result.verdict} ({result.reason}){answered} {result.latency_ms:.1f} ms {source}"]
    return "\n".join(lines + [f"  {_describe_region(region)}" for region in result.regions])


def _describe_region(region: Region) -> str:
    area = (
        f"{region.area_px} px"
        if region.area_mm2 is None
        else f"{region.area_px} px, {region.area_mm2:.3g} mm²"
    )
    return f"{region.label} x {region.x1}..{region.x2} y {region.y1}..{region.y2} {area}"
