"""`edgekit models`."""

from __future__ import annotations

from typing import Any

import click

from edgekit.cli.options import json_option, print_json
from edgekit.models.table import read_table
from edgekit.shipped import list_shipped_checkpoints


@click.command()
@json_option
def models(*, as_json: bool) -> None:
    """List the models with their parameters and operations.

    MACs are multiply-accumulates of one image at the input size; FLOPs follow the rule of the paper's own table.
    """
    document = read_table()
    if as_json:
        print_json(document)
        return
    shipped = list_shipped_checkpoints()
    click.echo(
        f"{'model':18} {'task':9} {'input':12} {'parameters':>12} {'MACs':>20} {'FLOPs (paper)':>20}  demo weights"
    )
    for row in document["models"]:
        click.echo(_format_row(row, demo=row["name"] in shipped))
    click.echo(f"\nAny other width of CheapNet: {', '.join(document['families'])}.")


def _format_row(row: dict[str, Any], *, demo: bool) -> str:
    size = "×".join(map(str, row["input"]))
    return (
        f"{row['name']:18} {row['task']:9} {size:12} {row['parameters']:12,} {row['macs']:20,} {row['flops']:20,}"
        f"  {'yes' if demo else ''}"
    ).rstrip()
