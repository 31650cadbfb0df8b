"""What the manifest of a tuned bundle says of the choice."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.choosing.confidence import Support
from edgekit.choosing.image_rates import ImageRates
from edgekit.data.splitting.parts import ChosenPart
from edgekit_runtime.bundle import TuningInfo


def describe_tuning(
    rates: ImageRates, part: ChosenPart, *, goal: Sequence[str], support: Sequence[Support]
) -> TuningInfo:
    """Return which images thresholds were chosen on, and what they do there.

    Args:
        rates: Of the choice.
        part: The images.
        goal: What was asked for, in words, and what else belongs to it.
        support: Of the limits: those that so few images cannot support are named.
    """
    doubts = [each.describe() for each in support if not each.shown]
    return TuningInfo(
        data=f"{part.source}, {part.part} part",
        fingerprint=part.dataset.fingerprint(),
        goal="; ".join([*goal, *doubts]),
        defective_images=rates.escape.total,
        escapes=rates.escape.count,
        normal_images=rates.overkill.total,
        overkills=rates.overkill.count,
    )
