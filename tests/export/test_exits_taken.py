"""Which stage answers each row."""

from __future__ import annotations

import numpy as np

from edgekit_export.exits_taken import take_exits
from edgekit_runtime.bundle import ExitInfo, StageInfo


def stage(name: str, threshold: float | None) -> StageInfo:
    leave = None if threshold is None else ExitInfo(f"p-{name}", threshold)
    return StageInfo(name, f"{name}.onnx", (), (), (), leave, 0, 0)


def test_the_first_sure_exit_answers_and_the_last_one_whatever_is_left() -> None:
    stages = [stage("one", 0.8), stage("between", None), stage("two", 0.9)]
    outputs = {
        "p-one": np.array([[0.8, 0.2], [0.7, 0.3], [0.5, 0.5]], np.float32),
        "p-two": np.array([[0.1, 0.9], [0.05, 0.95], [0.4, 0.6]], np.float32),
    }
    taken = list(take_exits(stages, outputs))
    assert [name for name, _ in taken] == ["one", "two", "two"]
    np.testing.assert_array_equal(taken[0][1], outputs["p-one"][0])
    np.testing.assert_array_equal(taken[2][1], outputs["p-two"][2])
