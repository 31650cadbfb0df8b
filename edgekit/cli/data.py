"""`edgekit data`: the group of the commands that look at datasets, convert them and generate them."""

from __future__ import annotations

import click

from edgekit.cli.lazy_group import LazyGroup

COMMANDS = {
    "check": "edgekit.cli.data_check:check",
    "layouts": "edgekit.cli.data_layouts:layouts",
    "synth": "edgekit.cli.data_synth:synth",
    "convert": "edgekit.cli.data_convert:convert",
}
"""Command → where it is; imported when it is called."""


@click.group("data", cls=LazyGroup, table=COMMANDS)
def data() -> None:
    """Look at datasets, convert them, generate them."""
