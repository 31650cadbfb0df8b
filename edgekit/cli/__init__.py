"""The command line: a thin layer that turns words into calls and errors into exit codes."""

from edgekit.cli.main import main

__all__ = ["main"]
