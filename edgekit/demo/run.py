"""Generate images that the network has not seen, verify the shipped bundle, find the defects, and show them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgekit.data.synthetic import render
from edgekit.demo.page import write_page
from edgekit.demo.shown import DemoImage
from edgekit.media.contact_sheet import write_sheet
from edgekit.media.detection_files import make_document
from edgekit.media.images import write_png
from edgekit.media.overlays import draw_outline, draw_result
from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Detector, verify_bundle
from edgekit_runtime.errors import IoFault
from edgekit_runtime.optional import import_optional

KIND = 6
SEED = 2026
"""Not the training's seed: the demo weights have seen none of these images."""

DEFECTIVE, NORMAL = 6, 2
MIN_AREA_PX = 2000
"""Smaller regions are left out: a tenth of the mean label of this class (21,599 px)."""


@dataclass(frozen=True)
class DemoOutcome:
    """Where the demonstration left its files."""

    picture: Path
    page: Path
    results: Path


def run_demo(out: Path, *, bundle: Path = DEMO_BUNDLE, note: Callable[[str], None]) -> DemoOutcome:
    """Run the demonstration.

    Args:
        out: Folder for images, pictures and the page; made where it is missing.
        bundle: The bundle; the one that ships by default.
        note: Receives one line of progress at a time.

    Raises:
        ArtefactRefused: If the bundle is not sound.
        IoFault: If the folder cannot be written.
    """
    import_optional("PIL.Image", extra="cpu")  # before a folder is made
    report = verify_bundle(bundle)
    for check in report.checks:
        note(f"{'✓' if check.ok else '✗'} {check.name}: {check.detail}")
    if report.error is not None:
        raise report.error
    images = out / "images"
    try:
        images.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IoFault(f"The folder {images} cannot be made: {error.strerror}.") from error
    with Detector(bundle, min_area_px=MIN_AREA_PX) as detector:
        shown = [_show(detector, index, images, note) for index in range(DEFECTIVE + NORMAL)]
        document = make_document(
            detector.bundle, [(f"images/{image.name}.png", image.result) for image in shown]
        )
    outcome = DemoOutcome(out / "result.png", out / "index.html", out / "results.json")
    write_sheet(outcome.picture, [(image.picture, _caption(image)) for image in shown])
    _write_text(outcome.results, json.dumps(document, indent=2) + "\n")
    _write_text(outcome.page, write_page(shown, bundle=bundle.name, min_area_px=MIN_AREA_PX))
    return outcome


def _show(detector: Detector, index: int, images: Path, note: Callable[[str], None]) -> DemoImage:
    defective = index < DEFECTIVE
    name = f"{'defective' if defective else 'normal'}-{index + 1}"
    frame, truth = render(KIND, index, defective=defective, seed=SEED)
    result = detector(frame)
    picture = draw_result(frame, result.mask, result.regions)
    draw_outline(picture, truth)
    write_png(images / f"{name}.png", frame)
    write_png(images.parent / f"{name}.overlay.png", picture)
    image = DemoImage(name, frame, truth, result, picture)
    note(f"{name}: {_caption(image)}, {result.latency_ms:.1f} ms")
    return image


def _caption(image: DemoImage) -> str:
    overlap = "" if image.iou is None else f", IoU {image.iou:.2f}"
    reason = image.result.reason if image.result.regions else f"no region of {MIN_AREA_PX:,} px"
    return f"{image.result.verdict}: {reason}{overlap}"


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise IoFault(f"{path} cannot be written: {error.strerror}.") from error
