"""`edgekit data synth`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import SizeType, any_path, quiet_option, seed_option
from edgekit.data.synthetic_files import GeneratedSet, require_style, write_generated
from edgekit.reporting import Reporter

DEFAULT = GeneratedSet()


@click.command()
@click.argument("out", type=any_path)
@click.option("--style", required=True, metavar="dagm", help="dagm: the ten textures of DAGM 2007.")
@click.option("--class", "kinds", type=int, multiple=True, help="1 to 10; may be repeated.  [default: all]")
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
    kinds: tuple[int, ...],
    count: int,
    normal: int,
    size: tuple[int, int],
    seed: int,
    reporter: Reporter,
) -> None:
    """Generate images in the style of DAGM 2007.

    They go with their labels into the new folder OUT, in the official layout: `--data OUT` reads them like the real
    set. Each class is shuffled by the seed, the first half is Train, the rest Test. The same seed gives the same
    bytes. Prints the folder.
    """
    require_style(style)
    wanted = GeneratedSet(kinds or DEFAULT.kinds, count, normal, seed, size)
    write_generated(out, wanted, reporter=reporter)
    defective = count * len(wanted.kinds)
    reporter.note(f"{len(wanted)} images of {len(wanted.kinds)} classes, {defective} of them defective.")
    click.echo(out)
