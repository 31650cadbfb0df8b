"""Options that mean the same in every command."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edgekit.reporting import Reporter
from edgekit_runtime.backends.devices import DEVICES

Command = TypeVar("Command", bound=Callable[..., Any])


class SizeType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """`HxW` in pixels, such as 512x512 → (height, width)."""

    name = "HxW"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return (height, width)."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([1-9][0-9]{0,4})[x×]([1-9][0-9]{0,4})", str(value))
        if found is None:
            self.fail(f"{value!r} is no size; write HEIGHTxWIDTH in pixels, such as 512x512.", param, ctx)
        height, width = found.groups()
        return int(height), int(width)


LARGEST_BATCH = 4096


class BatchType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A number of frames, or `dynamic` → None."""

    name = "N|dynamic"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the number, or None for a dynamic batch."""
        if value == "dynamic" or value is None:
            return None
        if not re.fullmatch("[0-9]{1,9}", str(value)) or not 1 <= int(value) <= LARGEST_BATCH:
            self.fail(f"{value!r} is no batch; write 1 to {LARGEST_BATCH} or dynamic.", param, ctx)
        return int(value)


class AmountType(click.FloatRange):
    """A length, a time or a speed: a positive number that can be calculated with."""

    def __init__(self) -> None:
        super().__init__(1e-6, 1e9)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


any_path = click.Path(path_type=Path)
"""A path; what it must hold is checked by the library, whose errors carry the right exit code."""


def json_option(command: Command) -> Command:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(command)


def quiet_option(command: Command) -> Command:
    """Add --quiet, which becomes a Reporter."""
    return click.option(
        "--quiet",
        "reporter",
        is_flag=True,
        help="No progress and no notes on stderr.",
        callback=lambda _ctx, _param, quiet: Reporter(quiet=quiet),
    )(command)


def seed_option(command: Command) -> Command:
    """Add --seed."""
    return click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")(
        command
    )


def device_option(command: Command) -> Command:
    """Add --device."""
    return click.option(
        "--device", default="auto", show_default=True, metavar="|".join(DEVICES), help="Where to run."
    )(command)


def backend_option(command: Command) -> Command:
    """Add --backend."""
    return click.option("--backend", default="auto", show_default=True, help="auto, fused or onnxruntime.")(
        command
    )


def threads_option(command: Command) -> Command:
    """Add --threads."""
    return click.option("--threads", type=click.IntRange(1), default=None, help="Threads of the backend.")(
        command
    )


def data_options(*, required: bool) -> Callable[[Command], Command]:
    """Add --data, --include-normal/--defective-only and --boxes-as-masks; `open_options` reads the latter two."""

    def decorate(command: Command) -> Command:
        command = click.option(
            "--boxes-as-masks",
            is_flag=True,
            help="Take boxes for pixel masks, where a layout has boxes only.",
        )(command)
        command = click.option(
            "--include-normal/--defective-only",
            default=None,
            help="Take defect-free images, or leave them out.  [default: take them; DAGM: leave them out]",
        )(command)
        return click.option(
            "--data",
            required=required,
            metavar="FOLDER|synthetic:NAME[/CLASS]",
            help="A folder in any layout that edgekit knows (`edgekit data layouts`), or synthetic:dagm/6.",
        )(command)

    return decorate


def print_json(document: dict[str, Any]) -> None:
    """Print one document on stdout, in ASCII: file names need not be text, and terminals need not speak UTF-8."""
    click.echo(json.dumps(document, indent=2, allow_nan=False))
