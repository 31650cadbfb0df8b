import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.exits import (
    ReplayExits,
    ThresholdExits,
    check_policy,
    confidence,
    gate_rows,
    skip_exits,
)
from edgekit_runtime.testing import fake_bundle

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def manifest(tmp_path):
    return fake_bundle(tmp_path / "fake.edgekit", task="classify", exits=3, exit_threshold=0.75).manifest


def test_confidence_is_the_largest_probability_and_nan_for_rows_that_are_not_finite():
    rows = np.array([[0.2, 0.8], [NAN, 0.9], [0.9, NAN], [INF, 0.1], [-INF, INF], [0.5, 0.5]], np.float32)
    found = confidence(rows)
    np.testing.assert_array_equal(np.isnan(found), [False, True, True, True, True, False])
    np.testing.assert_array_equal(found[[0, 5]], np.float32([0.8, 0.5]))


def test_thresholds_answer_from_the_threshold_on_and_never_nan():
    policy = ThresholdExits([0.8, None])
    rows = np.array([[0.2, 0.8], [0.21, 0.79], [NAN, 0.9], [1.0, 0.0]], np.float32)
    assert policy(0, "s", rows, np.arange(4)).tolist() == [True, False, False, True]
    assert ThresholdExits([0.0])(0, "s", rows, np.arange(4)).tolist() == [True, True, False, True]


def test_the_bundle_has_its_own_thresholds(manifest):
    assert ThresholdExits.of(manifest).thresholds == (0.75, 0.75, 0.75)


@given(
    st.lists(
        st.lists(st.one_of(st.floats(width=32), st.sampled_from([NAN, INF, -INF])), min_size=3, max_size=3),
        min_size=1,
        max_size=60,
    )
)
def test_confidence_is_the_same_for_few_rows_and_for_many(rows):
    expected = [max(row) if np.isfinite(row).all() else NAN for row in rows]
    found = confidence(np.array(rows, np.float32))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.float32(expected))
    many = np.tile(np.array(rows, np.float32), (60, 1))
    np.testing.assert_array_equal(confidence(many), np.tile(found, 60))


def test_a_threshold_is_the_number_that_float32_holds():
    """0.7 in float32 lies below 0.7: a graph that answers it has reached the threshold 0.7."""
    rows = np.array([[0.3, 0.7]], np.float32)
    assert float(rows[0, 1]) < 0.7
    assert ThresholdExits([0.7])(0, "s", rows, np.arange(1)).tolist() == [True]


def test_skipping_exits_answers_nothing():
    found = skip_exits(0, "s", np.ones((3, 2), np.float32), np.arange(3))
    assert found.dtype == np.bool_
    assert found.tolist() == [False] * 3


@pytest.mark.parametrize("policy", [0.5, "0.5", [0.5, 0.5, 0.5]])
def test_a_policy_is_called(manifest, policy):
    with pytest.raises(UsageProblem, match="policy is called") as caught:
        check_policy(policy, manifest, 1)
    assert "ThresholdExits" in caught.value.remedy


@pytest.mark.parametrize("values", [0.5, "0.5", 1])
def test_thresholds_come_as_a_list(values):
    with pytest.raises(UsageProblem, match="come as a list"):
        ThresholdExits(values)


@pytest.mark.parametrize("value", [-0.1, 1.1, NAN, INF, "0.5", [0.5]])
def test_thresholds_outside_0_to_1_are_refused(value):
    with pytest.raises(UsageProblem, match="from 0 to 1"):
        ThresholdExits([0.5, value])


@pytest.mark.parametrize("values", [[], [0.5] * 2, [0.5] * 4])
def test_there_is_one_threshold_per_stage(manifest, values):
    with pytest.raises(UsageProblem, match="3 exit thresholds"):
        ThresholdExits(values).check(manifest, 1)


def test_an_exit_without_a_threshold_is_named(manifest):
    with pytest.raises(UsageProblem, match="'exit2' has an exit and was given no threshold"):
        ThresholdExits([0.5, None, 0.5]).check(manifest, 1)


def test_a_stage_without_an_exit_answers_nothing():
    assert not ThresholdExits([None])(0, "s1", np.ones((1, 2), np.float32), np.arange(1)).any()


TENTHS = st.integers(0, 10).map(lambda value: value / 10)
"""Few values, so that many lie exactly on a threshold."""


def gate_plainly(confidences, thresholds):
    """One row, exit by exit, by the policy of a run."""
    policy = ThresholdExits(thresholds)
    sure = [
        policy(place, "", np.array([[value]]), np.arange(1))[0] for place, value in enumerate(confidences)
    ]
    return (sure.index(True), False) if any(sure) else (len(sure) - 1, True)


@given(
    st.lists(
        st.tuples(
            *[st.one_of(TENTHS.map(np.float32), st.sampled_from([np.float32(NAN), np.float32(-INF)]))] * 3
        ),
        max_size=7,
    ),
    st.tuples(TENTHS, TENTHS, TENTHS),
)
def test_recorded_rows_are_answered_by_the_first_exit_that_is_sure(rows, thresholds):
    gated = gate_rows(np.array(rows, np.float32).reshape(-1, 3), thresholds)
    assert list(zip(gated.places, gated.low_confidence, strict=True)) == [
        gate_plainly(row, thresholds) for row in rows
    ]


def test_recorded_rows_need_a_threshold_per_exit():
    with pytest.raises(UsageProblem, match="2 exits; 3 thresholds"):
        gate_rows(np.zeros((1, 2), np.float32), (0.9, 0.8, 0.7))
    with pytest.raises(UsageProblem, match="from 0 to 1"):
        gate_rows(np.zeros((1, 2), np.float32), (0.9, 1.8))


def test_replay_answers_where_the_list_says(manifest):
    policy = ReplayExits([1, 3, 2, 1])
    policy.check(manifest, 4)
    nothing = np.zeros((3, 2), np.float32)
    assert policy(0, "exit1", nothing, np.array([0, 1, 3])).tolist() == [True, False, True]
    assert policy(1, "exit2", nothing, np.array([1, 2])).tolist() == [False, True]


@pytest.mark.parametrize("exits", [[], [0], [1, -1], [1.0], ["1"], [[1]], [None]])
def test_exits_to_replay_are_numbers_from_1_on(exits):
    with pytest.raises(UsageProblem, match="from 1 on"):
        ReplayExits(exits)


def test_replay_must_fit_the_batch_and_the_bundle(manifest):
    with pytest.raises(UsageProblem, match="2 exits to replay do not fit a batch of 3"):
        ReplayExits([1, 2]).check(manifest, 3)
    with pytest.raises(UsageProblem, match="no exit 4; it has 1, 2, 3"):
        ReplayExits([1, 4]).check(manifest, 2)
