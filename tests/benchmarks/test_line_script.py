"""The measurement of the paper's line: which exits answer there, and on what."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "line.py"


@pytest.fixture
def script(monkeypatch) -> ModuleType:
    """Return the script, for a web of 6 tiles."""
    spec = importlib.util.spec_from_file_location("line_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "line_script", module)  # its dataclasses look there for their types
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "WIDTH", 96)
    monkeypatch.setattr(module, "ROWS", 16)
    return module


@pytest.fixture
def staged(tmp_path) -> Path:
    pixels = PixelFormat("rgb")
    path = tmp_path / "staged.edgekit"
    return fake_bundle(path, task="classify", exits=4, height=16, width=16, pixels=pixels).path


def test_strips_are_what_the_bundle_takes(script) -> None:
    grey, colour = script.make_strips(PixelFormat()), script.make_strips(PixelFormat("rgb"))
    assert grey[0].shape == (16, 96)
    assert len(grey) == len(colour) == script.CLOTH
    np.testing.assert_array_equal(colour[1], np.repeat(grey[1][:, :, None], 3, axis=2))


@pytest.mark.parametrize(("exits", "wanted"), [("none", {4}), ("mix", {1, 2, 3, 4}), ("bundle", {1})])
def test_exits_are_those_that_were_asked_for(script, staged, exits, wanted) -> None:
    choice = replace(script.Case(staged, exits).choice, backend=FakeBackend)
    detector = choice.open(staged)
    try:
        results = detector.run_batch(np.zeros((300, 16, 16, 3), np.uint8))  # dark: the first exit is sure
    finally:
        detector.close()
    assert {result.exit for result in results} == wanted


def test_every_detector_draws_the_same_exits(script, staged) -> None:
    found = []
    for _ in range(2):
        detector = replace(script.Case(staged, "mix").choice, backend=FakeBackend).open(staged)
        found.append([result.exit for result in detector.run_batch(np.zeros((50, 16, 16, 3), np.uint8))])
        detector.close()
    assert found[0] == found[1]


def test_shares_of_four_exits_are_not_for_one(script, tmp_path) -> None:
    one = fake_bundle(tmp_path / "one.edgekit", task="classify", exits=1).path
    assert script.Case(one, "bundle").exits == "bundle"
    with pytest.raises(UsageProblem, match="has 1 stages"):
        script.Case(one, "none")


def test_rows_tell_how_exits_were_chosen(script) -> None:
    summary = {"tiles_per_s": 12.34, "greatest_speed_m_per_min": 104.5}
    paced = {
        "latency_p50_ms": 1,
        "latency_p99_ms": 2,
        "latency_max_ms": 3,
        "late": 4,
        "parts": 5,
        "memory_mb": 6,
    }
    entry = {"bundle": "dinet.edgekit", "exits": "mix", "rounds": [summary], "paced": paced}
    assert script.describe(entry) == (
        "| `dinet`, exits: mix | 12.3 (12.3 to 12.3) | 104 (104 to 104) | 1.0 / 2.0 / 3.0 | 4 of 5 | 6 |"
    )
