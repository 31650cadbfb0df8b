"""`edgekit env`."""

from __future__ import annotations

from typing import Any

import click

from edgekit.cli.options import json_option, print_json
from edgekit_runtime.platforms import describe_platform


@click.command()
@json_option
def env(*, as_json: bool) -> None:
    """Show what this machine is and which optional packages it has."""
    description = describe_platform()
    if as_json:
        print_json({"schema": "edgekit.env/1", **description})
        return
    for key, value in description.items():
        if key != "packages":
            click.echo(f"{key:14} {_say(value)}")
    click.echo("packages")
    for name, found in description["packages"].items():
        click.echo(f"  {name:24} {found or '-'}")


def _say(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    return "no" if value is None else str(value)
