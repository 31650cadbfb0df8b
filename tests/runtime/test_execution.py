from functools import partial

import numpy as np
import pytest

import edgekit_runtime.execution
from edgekit_runtime.backends import BackendOptions, Device
from edgekit_runtime.backends.onnxruntime_cpu import OnnxRuntimeCpu
from edgekit_runtime.errors import ArtefactRefused, FrameError, UsageProblem
from edgekit_runtime.execution import (
    resolve_thresholds,
    run_every_exit,
    run_every_stage,
    run_stages,
)
from edgekit_runtime.exits import ReplayExits, ThresholdExits
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.runtime.onnx_graphs import classify_bundle

NAN = float("nan")


def classifier(path, *, exits=3, batch=None, threshold=0.75, classes=("normal", "hole", "stain")):
    return fake_bundle(
        path, task="classify", exits=exits, batch=batch, exit_threshold=threshold, classes=classes
    )


def by_row(probabilities):
    """Answer each row by its own number, which the frame's first pixel holds and every stage carries on."""

    def answer(stage, inputs):
        (source,) = inputs.values()
        numbers = source.reshape(len(source), -1)[:, 0].astype(int)
        told = {f"p{stage}": np.asarray(probabilities)[numbers, stage - 1]}
        if stage < 3:
            told[f"features{stage}"] = np.broadcast_to(numbers[:, None, None], (len(numbers), 2, 2))
        return told

    return {f"exit{stage}": partial(answer, stage) for stage in (1, 2, 3)}


def numbered(count):
    frames = np.zeros((count, 32, 32), np.uint8)
    frames[:, 0, 0] = np.arange(count)
    return frames


SURE, UNSURE = [0.1, 0.9, 0.0], [0.4, 0.3, 0.3]
#            exit 1            exit 2            exit 3
ROWS = [
    [UNSURE, UNSURE, [0.0, 0.2, 0.8]],
    [SURE, [9, 9, 9], [9, 9, 9]],
    [UNSURE, [0.8, 0.1, 0.1], [9, 9, 9]],
    [UNSURE, UNSURE, [0.2, 0.5, 0.3]],
    [[NAN, 0.9, 0.1], [0.75, 0.25, 0.0], [9, 9, 9]],
    [[NAN] * 3, [NAN] * 3, [NAN] * 3],
    [SURE, [9, 9, 9], [9, 9, 9]],
]
EXITS = [3, 1, 2, 3, 2, 3, 1]


def expected_probabilities():
    return np.float32([row[number - 1] for row, number in zip(ROWS, EXITS, strict=True)])


@pytest.mark.parametrize("batch", [None, 1, 2, 3, 7, 10])
def test_rows_are_gated_compacted_and_put_back_in_order(tmp_path, batch):
    bundle = classifier(tmp_path / "fake.edgekit", batch=batch)
    with FakeBackend(bundle, answers=by_row(ROWS)) as backend:
        answer = run_stages(backend, bundle.manifest, numbered(7))
    assert answer.exits.tolist() == EXITS
    np.testing.assert_array_equal(answer.probabilities, expected_probabilities())
    assert answer.low_confidence.tolist() == [False, False, False, True, False, True, False]
    assert answer.outputs == {}


def test_only_undecided_rows_go_on(tmp_path):
    bundle = classifier(tmp_path / "fake.edgekit")
    with FakeBackend(bundle, answers=by_row(ROWS)) as backend:
        run_stages(backend, bundle.manifest, numbered(7))
        assert backend.rows == {"exit1": [7], "exit2": [5], "exit3": [3]}


def test_stages_stop_when_no_row_is_left(tmp_path):
    bundle = classifier(tmp_path / "fake.edgekit")
    with FakeBackend(bundle, answers={"exit1": {"p1": SURE}}) as backend:
        run_stages(backend, bundle.manifest, numbered(4))
        assert backend.rows == {"exit1": [4], "exit2": [], "exit3": []}


def test_a_fixed_batch_runs_full(tmp_path):
    bundle = classifier(tmp_path / "fake.edgekit", batch=4)
    with FakeBackend(bundle, answers=by_row(ROWS)) as backend:
        run_stages(backend, bundle.manifest, numbered(7))
        assert backend.rows == {"exit1": [4, 4], "exit2": [4, 4], "exit3": [4, 4]}


def test_a_gate_reads_probabilities_alone(tmp_path):
    class Counting(FakeBackend):
        read = 0

        def _download_impl(self, tensor):
            self.read += tensor.size
            return super()._download_impl(tensor)

    bundle = classifier(tmp_path / "fake.edgekit")
    with Counting(bundle, answers=by_row(ROWS)) as backend:
        run_stages(backend, bundle.manifest, numbered(7))
        assert backend.read == (7 + 5 + 3) * 3


@pytest.mark.parametrize("batch", [None, 2])
def test_a_policy_sees_stages_and_row_numbers(tmp_path, batch):
    seen = []

    def policy(stage, name, probabilities, rows):
        seen.append((stage, name, rows.tolist()))
        assert probabilities.shape == (len(rows), 3)
        return rows % 2 == 0

    bundle = classifier(tmp_path / "fake.edgekit", batch=batch)
    with FakeBackend(bundle) as backend:
        answer = run_stages(backend, bundle.manifest, numbered(3), exit_policy=policy)
    assert answer.exits.tolist() == [1, 3, 1]
    if batch is None:
        assert seen == [(0, "exit1", [0, 1, 2]), (1, "exit2", [1])]
    else:
        assert seen == [(0, "exit1", [0, 1]), (1, "exit2", [1]), (0, "exit1", [2])]


@pytest.mark.parametrize("answer", [True, [True], np.ones(2, int), np.ones((2, 1), bool), None])
def test_a_policy_must_answer_a_bool_per_row(tmp_path, answer):
    bundle = classifier(tmp_path / "fake.edgekit")
    with FakeBackend(bundle) as backend, pytest.raises(UsageProblem, match=r"bool \(2,\) at stage 'exit1'"):
        run_stages(backend, bundle.manifest, numbered(2), exit_policy=lambda *_: answer)


@pytest.mark.parametrize("batch", [None, 3])
def test_recorded_exits_are_replayed(tmp_path, batch):
    exits = [3, 1, 2, 2, 3, 1, 1]
    bundle = classifier(tmp_path / "fake.edgekit", batch=batch)
    with FakeBackend(bundle, answers=by_row(ROWS)) as backend:
        answer = run_stages(backend, bundle.manifest, numbered(7), exit_policy=ReplayExits(exits))
        assert answer.exits.tolist() == exits
        # Frame 4 is replayed at the last exit and lies below its threshold in no way: 9 ≥ 0.75.
        assert answer.low_confidence.tolist() == [False] * 7
        with pytest.raises(UsageProblem, match="do not fit"):
            run_stages(backend, bundle.manifest, numbered(6), exit_policy=ReplayExits(exits))


def test_own_thresholds_replace_the_bundles(tmp_path):
    bundle = classifier(tmp_path / "fake.edgekit")
    with FakeBackend(bundle, answers=by_row(ROWS)) as backend:
        answer = run_stages(
            backend, bundle.manifest, numbered(7), exit_policy=ThresholdExits([1.0, 1.0, 0.9])
        )
        assert answer.exits.tolist() == [3, 2, 3, 3, 3, 3, 2]
        assert answer.low_confidence[0]
        with pytest.raises(UsageProblem, match="3 exit thresholds"):
            run_stages(backend, bundle.manifest, numbered(1), exit_policy=ThresholdExits([1.0]))


@pytest.mark.parametrize("batch", [None, 2])
def test_every_stage_answers_every_row_without_gates(tmp_path, batch):
    bundle = classifier(tmp_path / "fake.edgekit", batch=batch)
    with FakeBackend(bundle, answers=by_row(ROWS)) as backend:
        outputs = run_every_stage(backend, bundle.manifest, numbered(7))
    assert list(outputs) == ["p1", "p2", "p3"]
    for number, name in enumerate(outputs):
        np.testing.assert_array_equal(outputs[name], np.float32([row[number] for row in ROWS]))


@pytest.mark.parametrize("batch", [None, 1, 4, 9])
def test_masks_come_in_order_from_any_batch(tmp_path, batch):
    frames = np.random.default_rng(3).integers(0, 256, (7, 32, 32), np.uint8)
    bundle = fake_bundle(tmp_path / "fake.edgekit", batch=batch)
    with FakeBackend(bundle) as backend:
        answer = run_stages(backend, bundle.manifest, frames, {"threshold": 10.0})
    np.testing.assert_array_equal(answer.outputs["mask"], frames >= 138)
    assert answer.exits is None
    assert answer.probabilities is None


@pytest.mark.parametrize("batch", [None, 3])
def test_real_graphs_give_what_the_fake_gives(tmp_path, batch):
    bundle = classify_bundle(tmp_path / "real.edgekit", batch=batch)
    frames = np.repeat(np.arange(0, 256, 15, dtype=np.uint8), 64).reshape(-1, 8, 8)
    with OnnxRuntimeCpu(bundle, BackendOptions(Device("cpu"), 1)) as real, FakeBackend(bundle) as fake:
        found, expected = (run_stages(backend, bundle.manifest, frames) for backend in (real, fake))
    assert found.exits.tolist() == expected.exits.tolist()
    assert set(found.exits) == {1, 2}
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)


@pytest.mark.parametrize("batch", [None, 2])
def test_every_exit_of_every_frame(tmp_path, batch):
    bundle = classifier(tmp_path / "fake.edgekit", batch=batch)
    with FakeBackend(bundle, answers=by_row(ROWS)) as backend:
        found = run_every_exit(backend, bundle.manifest, numbered(7))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.float32(ROWS))


def test_frames_that_no_caller_has_counted_run_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(edgekit_runtime.execution, "MOST_UNCOUNTED_PIXELS", 3 * 32 * 32 + 5)
    bundle = classifier(tmp_path / "fake.edgekit")
    with FakeBackend(bundle, answers=by_row(ROWS)) as backend:
        run_every_exit(backend, bundle.manifest, numbered(7))
        assert backend.rows == {f"exit{number}": [3, 3, 1] for number in (1, 2, 3)}


def test_masks_have_no_exits(tmp_path):
    bundle = fake_bundle(tmp_path / "fake.edgekit")
    with FakeBackend(bundle) as backend, pytest.raises(UsageProblem, match="gives no probabilities"):
        run_every_exit(backend, bundle.manifest, numbered(1))


@pytest.mark.parametrize("most_rows", [1, 3, 7, 100])
def test_what_a_backend_takes_at_once_is_not_exceeded(tmp_path, most_rows):
    bundle = fake_bundle(tmp_path / "fake.edgekit")
    frames = np.random.default_rng(3).integers(0, 256, (7, 32, 32), np.uint8)
    with FakeBackend(bundle, most_rows=most_rows) as backend:
        answer = run_stages(backend, bundle.manifest, frames)
        outputs = run_every_stage(backend, bundle.manifest, frames)
        assert max(backend.rows["segment"]) == min(most_rows, 7)
    for mask in (answer.outputs["mask"], outputs["mask"]):
        np.testing.assert_array_equal(mask, frames >= 128)


def test_a_batch_of_none_is_refused(tmp_path):
    bundle = fake_bundle(tmp_path / "fake.edgekit")
    with FakeBackend(bundle) as backend:
        for run in (run_stages, run_every_stage, run_every_exit):
            with pytest.raises(FrameError, match="no frame"):
                run(backend, bundle.manifest, np.zeros((0, 32, 32), np.uint8))


def test_thresholds_default_to_the_manifest(tmp_path):
    manifest = fake_bundle(tmp_path / "fake.edgekit").manifest
    assert resolve_thresholds(manifest) == {"threshold": 0.0}
    assert resolve_thresholds(manifest, {"threshold": np.float32(2)}) == {"threshold": 2.0}


@pytest.mark.parametrize("value", [NAN, float("inf"), -float("inf"), 1e39, "1", None, [1.0, 2.0]])
def test_thresholds_are_finite_numbers(tmp_path, value):
    bundle = fake_bundle(tmp_path / "fake.edgekit")
    with (
        FakeBackend(bundle) as backend,
        pytest.raises(UsageProblem, match="'threshold' must be a finite number"),
    ):
        run_stages(backend, bundle.manifest, numbered(1), {"threshold": value})


def test_unknown_thresholds_are_named(tmp_path):
    manifest = fake_bundle(tmp_path / "fake.edgekit").manifest
    with pytest.raises(UsageProblem, match="No threshold 'treshold'; the bundle has: threshold"):
        resolve_thresholds(manifest, {"treshold": 0.5})


def test_an_answer_that_breaks_the_promise_is_refused(tmp_path):
    class Broken(FakeBackend):
        def _download_impl(self, tensor):
            return tensor.astype(np.float64)

    bundle = fake_bundle(tmp_path / "fake.edgekit")
    with Broken(bundle) as backend, pytest.raises(ArtefactRefused, match="is float64"):
        run_stages(backend, bundle.manifest, numbered(1))
