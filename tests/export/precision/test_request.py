"""What an export to a lower precision may be asked for."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit_export.precision.request import (
    Calibration,
    PrecisionRequest,
    check_request,
)
from edgekit_runtime.errors import UsageProblem

FRAMES = Calibration([np.zeros((32, 48), np.uint8)], "test", "0" * 64)


@pytest.mark.parametrize(
    "request_", [PrecisionRequest(), PrecisionRequest("fp16"), PrecisionRequest("int8", FRAMES)]
)
def test_whole_requests_pass(request_: PrecisionRequest) -> None:
    check_request(request_)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (PrecisionRequest("bf16"), "no precision 'bf16'"),
        (PrecisionRequest("int8"), "none were given"),
        (PrecisionRequest("fp16", FRAMES), "fp16 is not calibrated"),
        (PrecisionRequest("fp32", kept=frozenset({"main.Conv"})), "Every layer of an fp32 bundle"),
        (PrecisionRequest("fp16", max_drop=-1), "0 to 100 points, got -1"),
        (PrecisionRequest("fp16", max_drop=float("nan")), "got nan"),
    ],
)
def test_requests_that_contradict_themselves_are_refused(request_: PrecisionRequest, message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        check_request(request_)
