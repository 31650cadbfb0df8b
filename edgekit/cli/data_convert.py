"""`edgekit data convert`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from edgekit.cli.options import SizeType, any_path, json_option, print_json, quiet_option
from edgekit.cli.pixel_options import choose_pixels, pixel_options
from edgekit.data import OpenOptions, open_dataset
from edgekit.data.converting import convert_dataset
from edgekit.data.layouts.images_masks import open_image_folder
from edgekit.data.resizing import Resized
from edgekit.reporting import Reporter
from edgekit_runtime.bundle.contract import GreyFormula


@click.command()
@click.argument("source", metavar="SRC")
@click.argument("out", type=any_path)
@click.option(
    "--include-normal/--defective-only",
    default=None,
    help="Take defect-free images, or leave them out.  [default: take them; DAGM: leave them out]",
)
@click.option(
    "--boxes-as-masks", is_flag=True, help="Take boxes for pixel masks, where a layout has boxes only."
)
@click.option(
    "--resize",
    "size",
    type=SizeType(),
    help="Change every image to one size, sides each for itself (Lanczos; masks keep the thinnest defect). A network "
    "trained on these knows only frames that were resized in the same way.",
)
@pixel_options
@json_option
@quiet_option
def convert(
    *,
    source: str,
    out: Path,
    include_normal: bool | None,
    boxes_as_masks: bool,
    size: tuple[int, int] | None,
    bits: int,
    grey: GreyFormula,
    as_json: bool,
    reporter: Reporter,
) -> None:
    """Write the data SRC (a folder in any layout, or synthetic:dagm/6) as the new folder OUT.

    OUT holds images/ and masks/ in PNG, and dataset.json with classes, groups and names. Nothing is lost, unless
    --resize asks for another size: images keep their depth (--bits), and defect-free ones go along in every layout
    unless --defective-only is given. Prints OUT.
    """
    pixels = choose_pixels(bits, grey)
    dataset = open_dataset(source, OpenOptions(include_normal is not False, boxes_as_masks, pixels))
    found = f" ({dataset.layout})" if dataset.layout else ""
    reporter.note(f"{source}{found}: {len(dataset)} images.")
    if size is not None:
        dataset = Resized(dataset, size)
    content = convert_dataset(dataset, out, reporter=reporter)
    if not content.classes:
        reporter.note(f"note: these data have no masks. {dataset.mask_remedy or ''}".rstrip())
    if not as_json:
        click.echo(out)
        return
    shown = Counter(kind for item in content.items for kind in item.kinds)
    print_json(
        {
            "schema": "edgekit.data-convert/1",
            "source": source,
            "out": str(out),
            "layout": content.layout,
            "images": len(content.items),
            "resized_to": None if size is None else list(size),
            "defective": {
                str(key).lower(): n for key, n in Counter(item.defective for item in content.items).items()
            },
            "classes": list(content.classes),
            "labels": list(content.labels),
            "images_per_kind": dict(sorted(shown.items())),
            "fingerprint": open_image_folder(out).fingerprint(),
        }
    )
