"""`edgekit data check`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import any_path, json_option, print_json, quiet_option
from edgekit.cli.pixel_options import choose_pixels, pixel_options, scale_option
from edgekit.data import OpenOptions, open_dataset
from edgekit.data.checking.check import check_dataset
from edgekit.data.checking.document import make_document
from edgekit.data.checking.doubts import count_images
from edgekit.data.checking.page import write_check_page
from edgekit.data.checking.words import render_words
from edgekit.reporting import Reporter
from edgekit_runtime.bundle.contract import GreyFormula
from edgekit_runtime.errors import DatasetError, UsageProblem


@click.command()
@click.argument("data", metavar="PATH")
@click.option(
    "--out", type=any_path, help="Write a page with pictures into this folder: index.html, sheet.png."
)
@click.option(
    "--no-duplicates", is_flag=True, help="Do not compare pictures, which takes long for large sets."
)
@click.option(
    "--boxes-as-masks", is_flag=True, help="Take boxes for pixel masks, where a layout has boxes only."
)
@pixel_options
@scale_option
@json_option
@quiet_option
def check(
    *,
    data: str,
    out: Path | None,
    no_duplicates: bool,
    boxes_as_masks: bool,
    bits: int,
    grey: GreyFormula,
    scale: float | None,
    as_json: bool,
    reporter: Reporter,
) -> None:
    """Say what a dataset holds and what is doubtful.

    PATH is what `--data` takes. Defect-free images are always looked at. Exits with 8 where images cannot be used;
    warnings and notes do not change the exit code.
    """
    if out is not None:
        _require_outside(out, data)
    pixels = choose_pixels(bits, grey, scale)
    dataset = open_dataset(data, OpenOptions(True, boxes_as_masks, pixels))
    found = check_dataset(dataset, compare=not no_duplicates, reporter=reporter)
    if out is not None:
        page = write_check_page(out, found, dataset, reporter=reporter)
        reporter.note(f"page: {page.resolve()}")
    if as_json:
        print_json(make_document(found))
    else:
        click.echo(render_words(found))
    if found.summary.unreadable:
        raise DatasetError(
            f"{count_images(found.summary.unreadable, found.summary.images)} cannot be used.",
            remedy="The report names each with its reason: mend them, or take them out.",
        )


def _require_outside(out: Path, data: str) -> None:
    """Refuse a page among the images: its contact sheet would be read as one of them, or as a class."""
    if Path(data).is_dir() and out.resolve().is_relative_to(Path(data).resolve()):
        raise UsageProblem(
            f"{out} lies in the data {data}; the page's pictures would be taken for images of the data.",
            remedy="Name a folder elsewhere.",
        )
