"""The measurement of early exit, on tiny bundles: who runs what, and what is refused."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edgekit_benchmarks.early_exit import (
    CONDITIONAL,
    FULL,
    JOINED,
    JOINED_SINGLY,
    PLAIN,
    SINGLY,
    WARM_UPS,
    Measured,
    Sides,
    Task,
    check_sides,
    measure_loop,
    measure_sides,
)
from edgekit_benchmarks.early_exit_tables import render_gated, render_loop, render_others, render_stages
from edgekit_runtime import Detector
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import GateFailed, UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.export.steps import export_steps

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "early-exit.py"
ROWS, ROUNDS = 3, 2
EXITS = {"normal": np.array([[1, 2, 2], [1, 1, 4]]), "mix": np.array([[2, 3, 4], [4, 1, 4]])}


def answer_alike(bundle: Bundle) -> Sides:
    """Return sides whose graphs answer as a fake backend does: by brightness."""
    staged, plain = (Detector(bundle, backend=FakeBackend) for _ in range(2))

    def ask(frames: np.ndarray) -> np.ndarray:
        grey = frames.reshape(len(frames), -1).mean(axis=1) / 255
        return np.stack([1 - grey, grey], axis=1).astype(np.float32)

    return Sides(
        staged,
        plain,
        lambda frame, leave: (leave, ask(frame[np.newaxis])[0]),
        lambda frames: [ask(frames)] * 4,
    )


@pytest.fixture
def sides(tmp_path):
    bundle = fake_bundle(tmp_path / "fake.edgekit", task="classify", exits=4, height=2, width=2)
    made = answer_alike(bundle)
    with made.staged, made.plain:
        yield made


@pytest.fixture
def task() -> Task:
    return Task([np.full((ROWS, 2, 2), value, np.uint8) for value in (10, 200)], EXITS, apart="mix")


def measure(sides: Sides, task: Task) -> Measured:
    return measure_sides(sides, task, ROUNDS, np.random.default_rng(0))


def test_every_contestant_is_timed_once_per_round(sides, task) -> None:
    found = measure(sides, task)
    names = {PLAIN, FULL, "normal", "mix", SINGLY, CONDITIONAL, JOINED, JOINED_SINGLY}
    assert {name: len(times) for name, times in found.rounds_ms.items()} == dict.fromkeys(names, ROUNDS)
    assert np.shape(found.stages_ms) == (ROUNDS, 4)
    assert all(ratio.rounds == ROUNDS for ratio in found.over_gated.values())


def test_rows_run_through_the_stages_up_to_their_exits(sides, task) -> None:
    before = {stage: len(rows) for stage, rows in sides.staged.backend.rows.items()}
    measure(sides, task)
    ran = {stage: sum(rows[before[stage] :]) for stage, rows in sides.staged.backend.rows.items()}
    # Round 0 warms up, too: a full batch, both kinds together, and the mix frame by frame.
    rounds = (*[0] * WARM_UPS, 0, 1)
    for stage in (1, 2, 3, 4):
        reaching = {kind: (exits >= stage).sum(axis=1) for kind, exits in EXITS.items()}
        wanted = sum(ROWS + reaching["normal"][number] + 2 * reaching["mix"][number] for number in rounds)
        assert ran[f"exit{stage}"] == wanted


def test_only_the_mix_is_asked_of_the_graph_with_if(sides, task) -> None:
    asked: list[int] = []

    def ask(frame: np.ndarray, leave: int) -> Any:
        asked.append(leave)
        return sides.ask_conditional(frame, leave)

    measure(replace(sides, ask_conditional=ask), task)
    first, second = (EXITS["mix"][number].tolist() for number in (0, 1))
    assert asked == first * WARM_UPS + first + second


def test_sides_that_answer_alike_pass(sides, task) -> None:
    check_sides(sides, task.batches[0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"ask_conditional": lambda frame, leave: (leave + 1, np.array([1, 0], np.float32))},
        {"ask_conditional": lambda frame, leave: (leave, np.array([0, 1], np.float32))},
        {"ask_conditional": lambda frame, leave: (leave, np.full(2, np.nan, np.float32))},
        {"ask_joined": lambda frames: [np.full((len(frames), 2), np.nan, np.float32)] * 4},
    ],
    ids=["another exit", "other probabilities", "NaN of If", "NaN of one graph"],
)
def test_what_answers_otherwise_is_not_measured(sides, task, wrong) -> None:
    with pytest.raises(GateFailed, match="differ by"):
        check_sides(replace(sides, **wrong), task.batches[0])


def test_bundles_for_other_frames_are_not_compared(sides, task, tmp_path) -> None:
    other = fake_bundle(tmp_path / "other.edgekit", task="classify", exits=1, height=4, width=2)
    with Detector(other, backend=FakeBackend) as plain, pytest.raises(UsageProblem, match="frames of"):
        check_sides(replace(sides, plain=plain), task.batches[0])


def test_the_loop_is_taken_per_row(sides, task) -> None:
    cost = measure_loop(sides.staged, task.batches, EXITS["mix"])
    assert (cost.rows, cost.batches, cost.size) == (ROWS, ROUNDS, (2, 2))
    assert 0 < cost.rest_us[1] <= cost.rest_us[0] <= cost.rest_us[2]
    assert 0 < cost.share_of_time < 1


def test_tables_have_a_row_for_everything(sides, task) -> None:
    found = measure(sides, task)
    stages = render_stages(found, [1_000_000_000] * 4, 3_000_000_000)
    assert [line.split(" | ")[0] for line in stages.splitlines()[2:]] == [
        "| exit1", "| exit2", "| exit3", "| exit4", "| without exits",
    ]  # fmt: skip
    ratios = {"normal": 1.71, "mix": 1.46}
    assert "| 1.71 | 1.25 |" in render_gated(found, ratios, {"normal": 1.25, "mix": 1.18})
    assert len(render_others(found, "mix").splitlines()) == 2 + 5
    assert "2×2 | 3 |" in render_loop([measure_loop(sides.staged, task.batches, EXITS["mix"])])


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("early_exit_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_script_measures_real_graphs(script, tmp_path, capsys) -> None:
    staged = export_steps(tmp_path / "staged.edgekit")
    plain = export_steps(tmp_path / "plain.edgekit", exits=(4,))
    words = [
        staged.path,
        plain.path,
        "--small",
        staged.path,
        "--quick",
        "--rows",
        5,
        "--write",
        tmp_path / "a.json",
    ]
    script.main([str(word) for word in words])
    document = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert document["schema"] == "edgekit.early-exit/1"
    assert document["staged"]["digest"] == staged.digest
    assert np.shape(document["exits"]["mix"]) == (2, 5)
    assert {len(times) for times in document["measured"]["rounds_ms"].values()} == {2}
    assert [cost["rows"] for cost in document["loops"]] == [5, 1]
    assert "realised" in capsys.readouterr().out
