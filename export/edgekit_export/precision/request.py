"""What an export to a lower precision is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy.typing as npt

from edgekit_export.targets import EXPORT_PRECISIONS, ExportPrecision
from edgekit_runtime.errors import UsageProblem

Method = Literal["percentile", "entropy", "max"]

DEFAULT_MAX_DROP = 0.5


@dataclass(frozen=True, eq=False)
class Calibration:
    """Images that int8 ranges are measured on.

    Attributes:
        frames: As a camera gives them, (H, W) or (H, W, 3), of the export's size; read one at a time, twice.
        data: What they are called.
        fingerprint: sha256 of them.
        method: How a tensor's range is found among its values.
    """

    frames: Sequence[npt.NDArray[Any]]
    data: str
    fingerprint: str
    method: Method = "percentile"


@dataclass(frozen=True, eq=False)
class PrecisionRequest:
    """A precision and what it may cost.

    Attributes:
        precision: Of the bundle.
        calibration: For int8.
        max_drop: Points (hundredths) of the task metric that may be lost against fp32.
        kept: Names of nodes that stay in fp32 (in int8: in what the rest computes in).
    """

    precision: ExportPrecision = "fp32"
    calibration: Calibration | None = None
    max_drop: float = DEFAULT_MAX_DROP
    kept: frozenset[str] = frozenset()


FP32 = PrecisionRequest()


def check_request(request: PrecisionRequest) -> None:
    """Refuse a request that contradicts itself.

    Raises:
        UsageProblem: Saying what is missing or too much.
    """
    if request.precision not in EXPORT_PRECISIONS:
        raise UsageProblem(
            f"There is no precision {request.precision!r}.",
            remedy=f"Choose from: {', '.join(EXPORT_PRECISIONS)}.",
        )
    if request.precision == "int8" and request.calibration is None:
        raise UsageProblem(
            "int8 is calibrated on images, and none were given.",
            remedy="Name images with --calibrate-on DATA.",
        )
    if request.precision != "int8" and request.calibration is not None:
        raise UsageProblem(
            f"{request.precision} is not calibrated.",
            remedy="Leave --calibrate-on out, or take --precision int8.",
        )
    if request.precision == "fp32" and request.kept:
        raise UsageProblem("Every layer of an fp32 bundle is in fp32.", remedy="Leave --keep out.")
    # False for NaN, too.
    if not 0 <= request.max_drop <= 100:
        raise UsageProblem(
            f"The metric may drop by 0 to 100 points, got {request.max_drop}.",
            remedy="Name hundredths of it: --max-drop 0.5 allows mIoU to fall from 0.900 to 0.895.",
        )
