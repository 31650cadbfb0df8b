"""The one place through which progress reaches a person: a bar on a terminal, silence in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


class Reporter:
    """Writes to stderr; stdout belongs to data.

    Args:
        quiet: Say nothing at all.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet

    def note(self, text: str) -> None:
        """Say one line."""
        if not self.quiet:
            click.echo(text, err=True)

    @contextmanager
    def progress(self, label: str, length: int) -> Iterator[Callable[[], None]]:
        """Yield a function that advances a bar by one; the bar shows on terminals only."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda: None
            return
        with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
            yield lambda: bar.update(1)
