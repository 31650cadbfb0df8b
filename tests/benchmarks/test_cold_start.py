"""Fresh processes, faked but for one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from edgekit.shipped import DEMO_BUNDLE
from edgekit_benchmarks.cold_start import measure_cold_start, start_process
from edgekit_runtime.errors import EdgekitError
from tests.benchmarks.building import Clock


def test_figures_are_medians_and_memory_is_the_largest() -> None:
    clock = Clock()
    reports = iter([(0.5, 100), (0.9, 300), (0.7, 200)])
    commands: list[list[str]] = []

    def start(command: list[str]) -> str:
        commands.append(command)
        until_first, peak = next(reports)
        figures = {
            "import": 0.1,
            "open": 0.2,
            "first": 0.01,
            "second": 0.002,
            "peak": peak,
            "peak_import": None,
        }
        return json.dumps({**figures, "ended": clock.now + until_first})

    cold = measure_cold_start(
        Path("a.edgekit"),
        device="cpu",
        backend="fused",
        threads=None,
        batch=2,
        starts=3,
        start=start,
        clock=clock,
    )
    assert cold.until_first_ms == pytest.approx(700)
    assert (cold.import_ms, cold.open_ms) == (pytest.approx(100), pytest.approx(200))
    assert (cold.peak_bytes, cold.import_bytes, cold.starts) == (300, None, 3)
    assert commands[0][3:] == [str(Path("a.edgekit").absolute()), "cpu", "fused", "0", "2"]


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 2])
def test_a_real_process_answers(batch: int) -> None:
    cold = measure_cold_start(
        DEMO_BUNDLE, device="cpu", backend="onnxruntime", threads=1, batch=batch, starts=1
    )
    assert cold.until_first_ms > cold.import_ms + cold.open_ms + cold.first_ms
    assert cold.peak_bytes is not None
    assert cold.import_bytes is not None
    assert cold.peak_bytes > cold.import_bytes > 1 << 20


def test_a_process_that_fails_says_its_last_line() -> None:
    with pytest.raises(EdgekitError, match="ValueError: broken"):
        start_process([sys.executable, "-c", "raise ValueError('broken')"])
