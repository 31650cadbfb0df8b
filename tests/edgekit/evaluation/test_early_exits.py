"""Where exits are and what they cost; which of them answers, by recorded probabilities and by a run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgekit.evaluation.early_exits import ExitPoint, plan_exits, read_exits
from edgekit.models import MODELS, build_model
from edgekit_runtime import Detector
from edgekit_runtime.exits import confidence, gate_rows
from edgekit_runtime.testing import fake_bundle
from tests.edgekit.evaluation.staged import BRIGHTNESS, Brightness, answer_rows, number_frames

tenths = st.integers(0, 10).map(lambda value: np.float32(value / 10))
"""Few values, so that many lie exactly on a threshold."""


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=arrays(np.float32, (6, 3, 2), elements=st.one_of(tenths, st.just(np.float32("nan")))))
def test_the_runtime_decides_the_same(tmp_path: Path, answers: np.ndarray) -> None:
    path = tmp_path / "cloth.edgekit"
    bundle = fake_bundle(path, task="classify", exits=3, exit_threshold=0.7, height=4, width=4)
    exits = read_exits(bundle.manifest)
    assert exits is not None
    confidences = np.stack([confidence(row) for row in answers])
    gated = gate_rows(confidences, [point.threshold for point in exits.points])
    with Detector(bundle, backend=answer_rows(answers)) as detector:
        results = detector.run_batch(number_frames(6))
    assert [result.exit for result in results] == [exits.points[place].number for place in gated.places]
    assert [result.low_confidence for result in results] == gated.low_confidence.tolist()


def test_exits_of_a_bundle_count_its_stages_and_cost_all_up_to_them(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "a.edgekit", task="classify", exits=3, exit_threshold=0.75)
    stages = [
        dataclasses.replace(stage, macs=macs, exit=stage.exit if leave else None)
        for stage, macs, leave in zip(bundle.manifest.stages, (100, 20, 3), (True, False, True), strict=True)
    ]
    exits = read_exits(dataclasses.replace(bundle.manifest, stages=tuple(stages)))
    assert exits is not None
    # The stage in the middle has no exit, and results call the last one by its own number.
    assert exits.points == (ExitPoint(1, "exit1", 0.75), ExitPoint(3, "exit3", 0.75))
    assert tuple(exits.count_macs(8, 8)) == (100, 123)


def test_one_exit_decides_nothing_early(tmp_path: Path) -> None:
    assert read_exits(fake_bundle(tmp_path / "a.edgekit", task="classify").manifest) is None
    assert read_exits(fake_bundle(tmp_path / "b.edgekit").manifest) is None
    spec = MODELS.get("shufflenet-v2-0.5")
    assert plan_exits(build_model(spec, seed=0), spec) is None


def test_a_network_is_counted_at_the_size_that_it_runs_at() -> None:
    exits = plan_exits(Brightness(), BRIGHTNESS)
    assert exits is not None
    assert exits.points == (ExitPoint(1, "exit1", 0.9), ExitPoint(2, "exit2", 0.6))
    assert tuple(exits.count_macs(16, 16)) == (64 * 4 + 2, 64 * 4 + 2 + 16 * 4 + 2)
    # 13 and 15 rows are padded to 16.
    assert exits.count_macs(13, 15) == exits.count_macs(16, 16)
    assert tuple(exits.count_macs(32, 16)) == (128 * 4 + 2, 128 * 4 + 2 + 32 * 4 + 2)


@pytest.mark.slow
def test_dinet_costs_what_the_paper_s_widths_cost() -> None:
    spec = MODELS.get("dinet")
    exits = plan_exits(build_model(spec, seed=0), spec)
    assert exits is not None
    assert [round(macs / 1e9, 3) for macs in exits.count_macs(512, 512)] == [4.912, 12.428, 22.226, 28.601]
    assert [point.threshold for point in exits.points] == [0.8, 0.7, 0.6, 0.5]
