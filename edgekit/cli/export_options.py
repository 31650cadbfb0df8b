"""Options of `edgekit export` that say in which precision, and for what, a bundle is made."""

from __future__ import annotations

from collections.abc import Callable

import click

from edgekit.cli.options import Command
from edgekit_export.targets import EXPORT_PRECISIONS, TARGETS
from edgekit_runtime.backends.tensorrt.compute_capability import DEFAULT_TARGETS, check_targets, parse_targets
from edgekit_runtime.backends.tensorrt.nvidia_library import TENSORRT_RTX
from edgekit_runtime.errors import UsageProblem


def precision_options(command: Command) -> Command:
    """Add --precision and what belongs to it, --target and --engine."""
    options: tuple[Callable[[Command], Command], ...] = (
        click.option(
            "--precision",
            type=click.Choice(EXPORT_PRECISIONS),
            default="fp32",
            show_default=True,
            help="Of the graphs; one per bundle.",
        ),
        click.option(
            "--calibrate-on",
            metavar="FOLDER|synthetic:NAME[/CLASS]",
            help="Images for int8, with masks or without.  [default: the training part of the training data]",
        ),
        click.option(
            "--calibration",
            "method",
            type=click.Choice(["percentile", "entropy", "max"]),
            default="percentile",
            show_default=True,
            help="How int8 finds the range of a tensor.",
        ),
        click.option(
            "--max-drop",
            type=float,
            default=0.5,
            show_default=True,
            help="Points of the task metric that the precision may cost; int8 leaves its most sensitive layers in a "
            "higher one for that.",
        ),
        click.option(
            "--keep",
            "kept",
            multiple=True,
            metavar="LAYER",
            help="A layer that stays in the higher precision; may be given several times.",
        ),
        click.option(
            "--target",
            type=click.Choice(list(TARGETS)),
            help="What the bundle is for: chooses the rewrites that are fastest there.  [default: any; tensorrt with "
            "--engine]",
        ),
        click.option(
            "--engine",
            type=click.Choice(["tensorrt-rtx"]),
            help="Compile engines into the bundle, for desktop RTX cards; needs no GPU.",
        ),
        click.option(
            "--sm",
            "sms",
            metavar="SM[,SM…]",
            help="Compute capabilities of the engines, such as 86,89,120.  [default: 86,89,120]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def choose_target(target: str | None, engine: str | None) -> str:
    """Return what the bundle is for.

    Raises:
        UsageProblem: If engines are asked for and the graphs are to be those for CPUs.
    """
    if engine is not None and target == "cpu":
        raise UsageProblem(
            f"--engine {engine} compiles the form that is best on GPUs, and --target cpu asks for another.",
            remedy="Leave one of them out.",
        )
    return target or ("any" if engine is None else "tensorrt")


def choose_engine_targets(engine: str | None, sms: str | None) -> tuple[int, ...] | None:
    """Return the compute capabilities to compile for, checked before anything is exported; None for no engines.

    Raises:
        UsageProblem: If --sm is there without --engine, or names what the compiler does not take.
        MissingDependency: If the compiler is not installed.
    """
    if engine is None:
        if sms is not None:
            raise UsageProblem("--sm is for engines.", remedy="Add --engine tensorrt-rtx, or leave --sm out.")
        return None
    return check_targets(DEFAULT_TARGETS if sms is None else parse_targets(sms), TENSORRT_RTX)
