"""Options that say what a pixel means; nothing of it is guessed from an image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edgekit_runtime.bundle.contract import MAX_BITS, GreyFormula, PixelFormat
from edgekit_runtime.bundle.contract_checks import MAX_SCALE, MIN_SCALE
from edgekit_runtime.errors import UsageProblem

Command = TypeVar("Command", bound=Callable[..., Any])


def pixel_options(command: Command) -> Command:
    """Add --bits and --grey."""
    command = click.option(
        "--grey",
        type=click.Choice(["equal", "bt601", "bt709"]),
        default="equal",
        show_default=True,
        help="How RGB becomes grey: equal takes only channels that are equal, the others are luma formulas.",
    )(command)
    return click.option(
        "--bits",
        type=click.IntRange(1, MAX_BITS),
        default=8,
        show_default=True,
        help="Depth of the images' pixels; above 8 they are 16-bit grey files.",
    )(command)


def scale_option(command: Command) -> Command:
    """Add --scale."""
    return click.option(
        "--scale",
        type=float,
        metavar="GREY_VALUE",
        help="Grey value that counts as 1.0.  [default: 2^bits - 1, the highest one]",
    )(command)


def choose_pixels(bits: int, grey: GreyFormula, scale: float | None = None) -> PixelFormat:
    """Return what was typed; where no scale was, the highest level is white.

    Raises:
        UsageProblem: If no bundle could have the scale.
    """
    white = float(2**bits - 1) if scale is None else scale
    if not MIN_SCALE <= white <= MAX_SCALE:  # written so that NaN fails
        raise UsageProblem(
            f"The scale is the grey value that counts as 1.0, {MIN_SCALE:g} to {MAX_SCALE:g}; got {white:g}.",
            remedy="Leave --scale out where the highest grey value is white.",
        )
    return PixelFormat(grey=grey, bits=bits, scale=white)
