"""No float32 evaluation leaves the bound, whatever its order; and the bound is about as large as rounding is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_export.fusing.program import Program
from edgekit_export.fusing.reference import evaluate_program
from edgekit_export.fusing.rounding_bounds import UNIT, Ball, activate, enclose_frame, gamma
from edgekit_runtime.bundle import OperationInfo, ProgramInfo
from tests.export.fusing.random_programs import SIZE, ShuffledEvaluation, fill_program, programs


def random_frame(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, SIZE, np.uint8)


@settings(deadline=None, max_examples=150)
@given(programs(), st.integers(0, 1 << 16))
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_no_order_of_sums_leaves_the_bound(program: Program, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = random_frame(rng)
    answer = evaluate_program(program, frame[np.newaxis])
    for _ in range(3):
        found = ShuffledEvaluation(program, rng).run(frame).astype(np.float64)
        distance = np.abs(found - answer.logits[0, 0])
        inside = distance <= answer.bounds[0, 0]
        assert inside.all(), f"{distance[~inside].max()} beyond {answer.bounds[0, 0][~inside].min()}"


def test_the_bound_is_of_the_order_of_rounding() -> None:
    info = ProgramInfo(
        "main.fused.npz",
        91.5,
        (
            OperationInfo("stem", "convolution", ("frame",), 2, 1, 0.25),
            OperationInfo("down", "convolution", ("stem",), 2, 2, 0.25),
            OperationInfo("up", "transposed", ("down",), 2, 2, 0.25),
            OperationInfo("head", "head", ("stem", "up"), 1, 1, 0.25),
        ),
    )
    worst = 0.0
    for seed in range(10):
        program, rng = fill_program(info, seed=seed), np.random.default_rng(seed)
        frame = random_frame(rng)
        answer = evaluate_program(program, frame[np.newaxis])
        runs = [ShuffledEvaluation(program, rng).run(frame) - answer.logits[0, 0] for _ in range(20)]
        worst = max(worst, float(np.max(np.abs(runs) / answer.bounds[0, 0])))
    # Some pixel of some order comes to a tenth of its bound: a bound ten times as wide would say nothing more.
    assert 0.1 < worst <= 1


def test_gamma_is_what_n_roundings_do_at_most() -> None:
    for terms in (1, 11, 2050):
        assert (1 + UNIT) ** terms - 1 < gamma(terms) < 1.001 * terms * UNIT


def test_a_frame_without_a_shift_is_exact() -> None:
    frame = np.array([[0, 7, 255]], np.uint8)
    assert not enclose_frame(frame, 0.0).radius.any()
    np.testing.assert_array_equal(enclose_frame(frame, 91.5).radius, UNIT * np.abs(frame - 91.5))


@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0])
def test_the_activation_encloses_every_value_of_the_ball(slope: float) -> None:
    centre, radius = np.array([[-5.0, -1.0, 0.0, 0.5, 5.0]]), np.array([[1.0, 2.0, 0.0, 1.0, 1.0]])
    made = activate(Ball(centre.copy(), radius.copy()), 9, slope)
    np.testing.assert_array_equal(made.centre, np.where(centre < 0, slope * centre, centre))
    for value in (centre - radius, centre + radius, centre):
        single = np.where(value < 0, np.float32(slope) * value.astype(np.float32), value)
        assert (np.abs(single - made.centre) <= made.radius).all()
    # Surely negative, and surely positive: distances shrink with the slope, and stay.
    assert made.radius[0, 0] == pytest.approx(slope or 0.0, rel=1e-5)
    assert made.radius[0, 4] == 1.0


def test_sums_that_may_overflow_are_bound_by_nothing() -> None:
    info = ProgramInfo(
        "main.fused.npz",
        0.0,
        (
            OperationInfo("stem", "convolution", ("frame",), 1, 1, 0.0),
            OperationInfo("head", "head", ("stem",), 1, 1, 0.0),
        ),
    )
    program = fill_program(info, seed=0)
    huge = replace(program, weights={**program.weights, "stem.weight": np.full((1, 3, 3), 1e38, np.float32)})
    frame = np.full((1, *SIZE), 200, np.uint8)
    assert evaluate_program(huge, frame).find_undecided(0.0).all()
    assert not evaluate_program(program, frame).find_undecided(1e6).any()
