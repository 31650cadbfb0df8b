"""`edgekit demo`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import any_path, quiet_option
from edgekit.cli.provenance import announce
from edgekit.demo import run_demo
from edgekit.reporting import Reporter


@click.command()
@click.option("--out", type=any_path, default=Path("demo"), show_default=True, help="Folder for the results.")
@quiet_option
def demo(*, out: Path, reporter: Reporter) -> None:
    """Find defects in generated images with the bundle that ships, and show them.

    Prints the paths of the result picture and of the page.
    """
    outcome = run_demo(out, note=reporter.note)
    announce("demo", reporter)
    click.echo(f"picture: {outcome.picture.resolve()}")
    click.echo(f"page:    {outcome.page.resolve()}")
