"""`edgekit data layouts`."""

from __future__ import annotations

import click

from edgekit.cli.options import json_option, print_json
from edgekit.data.opening import LAYOUTS, SYNTHETIC

GENERATED = f"{SYNTHETIC}dagm[/CLASS]"


@click.command()
@json_option
def layouts(*, as_json: bool) -> None:
    """List the layouts that --data recognises.

    One line each, in the order they are tried: the name, and how such a folder looks.
    """
    rows = [(layout.title, layout.looks) for layout in LAYOUTS]
    if as_json:
        print_json(
            {
                "schema": "edgekit.data-layouts/1",
                "layouts": [{"title": title, "looks": looks} for title, looks in rows],
                "generated": [GENERATED],
            }
        )
        return
    width = max(len(title) for title, _ in (*rows, (GENERATED, "")))
    for title, looks in (
        *rows,
        (GENERATED, "no folder: images in the style of DAGM 2007, made as they are read"),
    ):
        click.echo(f"{title:{width}}  {looks}".rstrip())
