"""Fields of a checkpoint's record, from JSON; each raises ValueError for what defines nothing."""

from __future__ import annotations

import math
from typing import Any, cast, get_args

from edgekit_export.exportable import Normalisation
from edgekit_runtime.bundle.contract import MAX_BITS, GreyFormula


def decode_normalisation(data: dict[str, Any]) -> Normalisation:
    """Return what a record says of the network's input."""
    normalisation = Normalisation(
        mean=tuple(map(float, data["mean"])), std=tuple(map(float, data["std"])), scale=float(data["scale"])
    )
    numbers = (*normalisation.mean, *normalisation.std, normalisation.scale)
    if not all(map(math.isfinite, numbers)) or min(*normalisation.std, normalisation.scale) <= 0:
        raise ValueError(f"names a normalisation that defines no image: {normalisation}")
    return normalisation


def decode_normal_class(data: dict[str, Any]) -> str | None:
    """Return the class without defect, one of the record's classes."""
    name = data["normal_class"]
    if name is not None and name not in data["classes"]:
        raise ValueError(f"names the normal class {name!r}, which is none of the classes")
    return None if name is None else str(name)


def decode_bits(bits: Any) -> int:
    """Return the depth of the frames."""
    if type(bits) is not int or not 1 <= bits <= MAX_BITS:
        raise ValueError(f"names pixels of {bits!r} bits, 1 to {MAX_BITS} are possible")
    return bits


def decode_grey(formula: Any) -> GreyFormula:
    """Return how colours become grey."""
    if formula not in get_args(GreyFormula):
        raise ValueError(f"names the grey formula {formula!r}")
    return cast("GreyFormula", formula)
