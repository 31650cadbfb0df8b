"""`edgekit upgrade`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import any_path, quiet_option
from edgekit.reporting import Reporter
from edgekit_runtime.bundle.upgrading import upgrade_bundle


@click.command()
@click.argument("bundle", type=any_path)
@click.option("--out", type=any_path, required=True, help="The new bundle, NAME.edgekit.")
@quiet_option
def upgrade(*, bundle: Path, out: Path, reporter: Reporter) -> None:
    """Write a BUNDLE of the previous schema as one that this release reads.

    The old bundle stays as it is. Graphs, weights and golden samples are taken over byte by byte.
    """
    written = upgrade_bundle(bundle, out)
    reporter.note(f"wrote {out}, {written.manifest.schema}, digest {written.digest[:12]}")
