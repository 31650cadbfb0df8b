"""`edgekit line`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import any_path


@click.command()
@click.argument("bundle", type=any_path)
def line(*, bundle: Path) -> None:
    """Inspect an endless web with a BUNDLE, at line speed."""
    raise click.UsageError(f"There is no source for {bundle} yet.")
