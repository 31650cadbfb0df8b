"""`edgekit calibrate`."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.options import any_path
from edgekit_runtime.errors import UsageProblem


@click.command()
@click.argument("target", type=any_path)
def calibrate(*, target: Path) -> None:
    """Choose the threshold and the least area of a bundle TARGET on validation data, and write a new bundle."""
    raise UsageProblem(
        f"{target}: choosing thresholds is not part of this version yet.",
        remedy="Choose a threshold with `edgekit eval TARGET --threshold LOGIT --min-area PX`.",
    )
