"""Leave as few layers in a higher precision as a task metric allows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from edgekit_runtime.errors import GateFailed

Key = TypeVar("Key", bound=Hashable)


MOST_ATTEMPTS = 16
"""Each one lowers the whole network and evaluates it."""


@dataclass(frozen=True)
class Attempt:
    """One measurement.

    Attributes:
        left: How many layers, the most sensitive ones, were left in a higher precision.
        drop: Points of the task metric that the rest lost in int8; negative where it gained.
    """

    left: int
    drop: float


@dataclass(frozen=True)
class Choice(Generic[Key]):
    """Layers that run in int8, and what that was measured to cost.

    Attributes:
        layers: In int8.
        left: In a higher precision, the most sensitive first.
        drop: Points of the task metric that are lost.
        attempts: All measurements in their order.
    """

    layers: frozenset[Key]
    left: tuple[Key, ...]
    drop: float
    attempts: tuple[Attempt, ...]


def choose_layers(
    order: Sequence[Key], measure: Callable[[frozenset[Key]], float], max_drop: float
) -> Choice[Key]:
    """Return the largest set of layers found that loses no more than was allowed.

    Where all of them lose too much, the number of the most sensitive ones to leave is bisected. A loss need not fall
    with every layer that is left: where the bisection finds nothing, the numbers that it passed over are tried from the
    smallest, up to `MOST_ATTEMPTS` in all. What is returned was itself measured, and not inferred.

    Args:
        order: Layers that can run in int8, the most sensitive first.
        measure: Points of the task metric that these layers in int8 lose; NaN counts as too many.
        max_drop: Points that may be lost.

    Raises:
        GateFailed: If there is no layer, or too much was lost in every attempt; the message has the best one.
    """
    if not order:
        raise GateFailed(
            "No layer of the network can run in int8.",
            remedy="Take --precision fp16; the table of layers says why each stays in floating point.",
        )
    attempts: list[Attempt] = []

    def attempt(left: int) -> bool:
        attempts.append(Attempt(left, float(measure(frozenset(order[left:])))))
        return attempts[-1].drop <= max_drop

    fits = _find_least(attempt, len(order))
    if fits is None:
        tried = {item.left for item in attempts}
        others = [left for left in range(len(order)) if left not in tried][: MOST_ATTEMPTS - len(attempts)]
        fits = next((left for left in others if attempt(left)), None)
    if fits is None:
        raise _failure(attempts, len(order), max_drop)
    drop = next(item.drop for item in attempts if item.left == fits)
    return Choice(frozenset(order[fits:]), tuple(order[:fits]), drop, tuple(attempts))


def _find_least(fits: Callable[[int], bool], count: int) -> int | None:
    """Return a number that fits and whose neighbour below does not, or 0; None where count - 1 does not fit."""
    if fits(0):
        return 0
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high if high < count else None


def _failure(attempts: Sequence[Attempt], count: int, max_drop: float) -> GateFailed:
    # NaN is never the best of several.
    best = min(attempts, key=lambda item: (item.drop != item.drop, item.drop))
    tried = ", ".join(str(count - item.left) for item in sorted(attempts, key=lambda item: item.left))
    return GateFailed(
        f"int8 loses more than {max_drop:g} points of the task metric with {tried} of {count} layers in it; with "
        f"{count - best.left} the metric {describe_drop(best.drop)}.",
        remedy="Calibrate on more images or by another method, allow more (--max-drop), keep other layers (--keep), or "
        "take --precision fp16.",
    )


def describe_drop(drop: float) -> str:
    """Return what a metric does that drops by so many points, such as "loses 0.17 points"."""
    points = f"{abs(drop):.2f}" if abs(drop) >= 0.01 or drop == 0 else f"{abs(drop):.1g}"
    return f"{'gains' if drop < 0 else 'loses'} {points} points"
