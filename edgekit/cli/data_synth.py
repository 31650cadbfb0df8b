"""`edgekit data synth`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import SizeType, any_path, quiet_option, seed_option
from edgekit.data.generated import STYLES, WantedFiles, find_style, write_files
from edgekit.reporting import Reporter

DEFAULT = WantedFiles(())


@click.command()
@click.argument("out", type=any_path)
@click.option(
    "--style",
    required=True,
    metavar="|".join(STYLES),
    help="; ".join(f"{name}: {style.title}" for name, style in STYLES.items()) + ".",
)
@click.option(
    "--class",
    "classes",
    metavar="CLASS",
    multiple=True,
    help="1 to 10 of dagm, or a kind of defect such as hole; may be repeated.  [default: all]",
)
@click.option(
    "--count", type=int, default=DEFAULT.defective, show_default=True, help="Defective images per class."
)
@click.option(
    "--normal", type=int, default=DEFAULT.normal, show_default=True, help="Defect-free images per class."
)
@click.option("--size", type=SizeType(), default="512x512", show_default=True, help="Of every image.")
@seed_option
@quiet_option
def synth(
    *,
    out: Path,
    style: str,
    classes: tuple[str, ...],
    count: int,
    normal: int,
    size: tuple[int, int],
    seed: int,
    reporter: Reporter,
) -> None:
    """Generate images, with masks that say where the defects are.

    They go into the new folder OUT, which `--data OUT` reads. dagm comes in the official layout: each class shuffled
    by the seed, the first half Train, the rest Test. fabric comes as images/ and masks/, with a dataset.json that
    names rolls, kinds, and each tile's class (normal, or its kind). The same seed gives the same bytes. Prints the
    folder.
    """
    wanted = WantedFiles(classes or find_style(style).classes, count, normal, seed, size)
    write_files(out, style, wanted, reporter=reporter)
    defective = count * len(wanted.classes)
    reporter.note(f"{len(wanted)} images of {len(wanted.classes)} classes, {defective} of them defective.")
    click.echo(out)
