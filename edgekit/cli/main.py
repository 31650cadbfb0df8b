"""The group of all commands, and the one place where an error becomes a message, a remedy and an exit code."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence

import click

from edgekit import __version__
from edgekit.cli.closed_pipe import forget_reader
from edgekit.cli.lazy_group import LazyGroup
from edgekit_runtime.errors import EdgekitError

INTERRUPTED = 130

LONGEST_MESSAGE = 300
"""Messages of other libraries are cut to one line of this many characters."""

COMMANDS = {
    "models": "edgekit.cli.models:models",
    "import-weights": "edgekit.cli.import_weights:import_weights",
    "data": "edgekit.cli.data:data",
    "train": "edgekit.cli.train:train",
    "eval": "edgekit.cli.evaluate:evaluate",
    "calibrate": "edgekit.cli.calibrate:calibrate",
    "export": "edgekit.cli.export:export",
    "build": "edgekit.cli.build:build",
    "rules": "edgekit.cli.rules:rules",
    "upgrade": "edgekit.cli.upgrade:upgrade",
    "verify": "edgekit.cli.verify:verify",
    "detect": "edgekit.cli.detect:detect",
    "line": "edgekit.cli.line:line",
    "bench": "edgekit.cli.bench:bench",
    "compare": "edgekit.cli.compare:compare",
    "env": "edgekit.cli.env:env",
    "demo": "edgekit.cli.demo:demo",
}
"""Command → where it is; imported when it is called, for the base install has neither torch nor onnx."""


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="edgekit", message="%(prog)s %(version)s")
def root() -> None:
    """Train light surface-defect networks, export them, and run them on production lines.

    Exit codes: 0 ok, 1 internal, 2 usage, 3 gate failed, 4 artefact refused, 5 environment mismatch,
    6 missing dependency, 7 device or disk, 8 unusable input, 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    stdout = sys.stdout
    try:
        # Outside standalone mode click returns the code of an Exit, such as that of --help, and else None.
        code = root.main(args=arguments, prog_name="edgekit", standalone_mode=False)
    except EdgekitError as error:
        return _report(error.message, error.remedy, error.exit_code)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _report("Interrupted.", None, INTERRUPTED)
    except BrokenPipeError:
        forget_reader()
        return 0
    except SystemExit:
        # Where printing fails because the reader has gone, click wraps stdout and ends the process with 1.
        if sys.stdout is stdout:
            raise
        forget_reader()
        return 0
    except Exception as error:  # the one catch-all: an internal error is a message and exit code 1
        if os.environ.get("EDGEKIT_TRACEBACK"):
            traceback.print_exc()
        message = f"Internal error: {type(error).__name__}: {' '.join(str(error).split())[:LONGEST_MESSAGE]}"
        return _report(message, "Run again with EDGEKIT_TRACEBACK=1 and report what it prints.", 1)
    return code if isinstance(code, int) else 0


def _report(message: str, remedy: str | None, exit_code: int) -> int:
    click.echo(f"edgekit: {message}", err=True)
    if remedy:
        click.echo(f"  → {remedy}", err=True)
    return exit_code


def run() -> None:
    """Entry point of the `edgekit` script."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name need not be text, and a terminal need not know ✓: neither may end the work.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
