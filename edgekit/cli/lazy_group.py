"""A group of commands that are imported when they are called, not when the group is."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from edgekit_runtime.near_names import suggest


class LazyGroup(click.Group):
    """A group whose commands are imported on use: the base install has neither torch nor onnx.

    Args:
        table: Command → where it is, "module:function"; in the order of the work.
        arguments: Whatever `click.Group` takes by keyword.
    """

    def __init__(self, *, table: Mapping[str, str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in self.table:
            return None
        module, _, attribute = self.table[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest near names for an unknown command."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            raise click.UsageError(f"There is no command {args[0]!r}. {suggest(args[0], self.table)}", ctx)
        return super().resolve_command(ctx, args)
