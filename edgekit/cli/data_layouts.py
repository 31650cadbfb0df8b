"""`edgekit data layouts`."""

from __future__ import annotations

import click

from edgekit.cli.options import json_option, print_json
from edgekit.data.generated import STYLES
from edgekit.data.opening import LAYOUTS, SYNTHETIC


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
                "generated": [f"{SYNTHETIC}{name}[/CLASS]" for name in STYLES],
            }
        )
        return
    rows += [
        (f"{SYNTHETIC}{name}[/CLASS]", f"no folder: {style.title}, made as they are read")
        for name, style in STYLES.items()
    ]
    width = max(len(title) for title, _ in rows)
    for title, looks in rows:
        click.echo(f"{title:{width}}  {looks}".rstrip())
