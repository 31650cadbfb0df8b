"""Whether a lower precision is called faster."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.benching.precision_speed import PrecisionSpeed, compare_precisions, make_chain
from edgekit.shipped import DEMO_BUNDLE
from edgekit_benchmarks.ratios import Ratio
from edgekit_runtime.bundle import Bundle


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(1.2, 1.6, "int8 is faster"), (0.4, 0.6, "int8 is slower"), (0.9, 1.1, "int8 is no faster")],
)
def test_the_interval_decides_what_is_said(low: float, high: float, words: str) -> None:
    speed = PrecisionSpeed(3.0, 2.0, Ratio((low + high) / 2, low, high, 11))
    text = speed.describe("int8", has_program=False)
    assert words in text
    assert f"{low:.2f} to {high:.2f}" in text
    assert ("export in fp32" in text) == (low <= 1)


def test_a_network_with_a_program_is_for_cpus_in_fp32_whatever_int8_gains() -> None:
    text = PrecisionSpeed(3.0, 2.0, Ratio(1.5, 1.4, 1.6, 11)).describe("int8", has_program=True)
    assert "int8 is faster" in text
    assert text.endswith("for CPUs export in fp32.")


def test_graphs_are_timed_in_turn() -> None:
    bundle = Bundle.open(DEMO_BUNDLE)
    [stage] = bundle.manifest.stages
    graph = bundle.read(stage.file)
    frame = bundle.read_array(bundle.manifest.golden[0].frame)
    inputs = {"frame": frame[np.newaxis], "threshold": np.array(0, np.float32)}
    found = compare_precisions([graph], [graph], inputs, seconds=0.1)
    assert min(found.fp32_ms, found.lowered_ms, found.ratio.low) > 0
    assert found.ratio.rounds >= 11
    answers = make_chain([graph], inputs)(0)
    assert isinstance(answers, dict)
    assert answers["mask"].shape == (1, *frame.shape)
