"""Detectors of bundles with early exits: what every exit thinks, and what does not fit."""

import dataclasses
import threading

import numpy as np
import pytest

from edgekit_runtime import (
    BundleFormatError,
    BundleIntegrityError,
    Detector,
    FrameError,
    ReplayExits,
    ThresholdExits,
    UsageProblem,
)
from edgekit_runtime.bundle.manifest_bytes import manifest_bytes
from edgekit_runtime.exits import skip_exits
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.runtime.staged_graphs import HEIGHT, WIDTH, staged_bundle


@pytest.fixture
def classifier(tmp_path):
    return fake_bundle(tmp_path / "classify.edgekit", task="classify", exits=2)


@pytest.fixture
def frame():
    return np.zeros((32, 32), np.uint8)


def test_probabilities_of_every_exit_come_frame_by_frame(classifier):
    greys = (0, 140, 255)
    with Detector(classifier, backend=FakeBackend) as detector:
        found = detector.find_probabilities([np.full((32, 32), grey, np.uint8) for grey in greys])
        assert detector.backend.rows == {"exit1": [3], "exit2": [3]}
    assert found.dtype == np.float32
    expected = np.float32([[1 - grey / 255, grey / 255] for grey in greys])
    np.testing.assert_allclose(found, np.stack([expected, expected], axis=1), atol=1e-6)


def test_recorded_exits_give_the_recorded_answers(classifier):
    frames = np.repeat(np.arange(0, 250, 25, dtype=np.uint8), 32 * 32).reshape(-1, 32, 32)
    with Detector(classifier, backend=FakeBackend) as detector:
        recorded = detector.run_batch(frames)
        assert {result.exit for result in recorded} == {1, 2}
        with Detector(classifier, backend=FakeBackend, exit_policy=ThresholdExits([0.0, 0.0])) as other:
            assert {result.exit for result in other.run_batch(frames)} == {1}
            replayed = other.run_batch(frames, exit_policy=ReplayExits(result.exit for result in recorded))
    for one, again in zip(recorded, replayed, strict=True):
        assert (again.exit, again.probabilities, again.verdict) == (one.exit, one.probabilities, one.verdict)


def test_every_frame_goes_through_all_exits_where_they_are_skipped(classifier):
    frames = np.zeros((3, 32, 32), np.uint8)
    with Detector(classifier, backend=FakeBackend, exit_policy=skip_exits) as detector:
        assert [result.exit for result in detector.run_batch(frames)] == [2, 2, 2]
        assert detector.backend.rows == {"exit1": [3], "exit2": [3]}


def test_probabilities_are_asked_of_bundles_that_classify(tmp_path, classifier, frame):
    segmenter = fake_bundle(tmp_path / "segment.edgekit")
    with (
        Detector(segmenter, backend=FakeBackend) as detector,
        pytest.raises(UsageProblem, match="gives no probabilities"),
    ):
        detector.find_probabilities([frame])
    with pytest.raises(UsageProblem, match="not ready"):
        Detector(classifier, backend=FakeBackend).find_probabilities([frame])


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no frame"),
        (np.zeros((0, 32, 32), np.uint8), "no frame"),
        (np.zeros((1, 32, 32), np.float32), "uint8"),
        (np.zeros((1, 31, 32), np.uint8), "32, 32"),
        (np.zeros((32, 32), np.uint8), "one array of shape"),
    ],
    ids=["none", "no rows", "dtype", "too small", "one frame"],
)
def test_frames_that_exits_cannot_see_are_refused(classifier, frames, message):
    with Detector(classifier, backend=FakeBackend) as detector:
        for call in (detector.run_batch, detector.find_probabilities):
            with pytest.raises(FrameError, match=message):
                call(frames)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (ThresholdExits([0.5]), "2 exit thresholds are needed, got 1"),
        (ThresholdExits([0.5, 0.5, 0.5]), "2 exit thresholds are needed, got 3"),
        (ThresholdExits([None, 0.5]), "'exit1' has an exit and was given no threshold"),
        (ReplayExits([1, 2]), "do not fit a batch of 1"),
        (ReplayExits([3]), "no exit 3"),
        (0.5, "policy is called"),
    ],
)
def test_a_policy_that_does_not_fit_is_named(classifier, frame, policy, message):
    with (
        Detector(classifier, backend=FakeBackend, exit_policy=policy) as detector,
        pytest.raises(UsageProblem, match=message),
    ):
        detector(frame)


@pytest.mark.parametrize(
    ("missing", "message"),
    [(0, "stage 'exit2' takes"), (1, "stage 'exit3' takes"), (2, "carries features2")],
)
def test_a_bundle_that_lacks_a_stage_is_not_written(tmp_path, missing, message):
    manifest = fake_bundle(tmp_path / "fake.edgekit", task="classify", exits=3).manifest
    stages = tuple(stage for number, stage in enumerate(manifest.stages) if number != missing)
    with pytest.raises(BundleFormatError, match=message):
        manifest_bytes(dataclasses.replace(manifest, stages=stages, golden=()))


def test_a_bundle_whose_stage_is_gone_does_not_open(classifier):
    (classifier.path / "exit2.onnx").unlink()
    with pytest.raises(BundleIntegrityError, match=r"exit2\.onnx"):
        Detector(classifier.path, backend=FakeBackend).open()


# Feature maps stay in memory that the next batch writes into


def greys(*values):
    return np.repeat(np.array(values, np.uint8), HEIGHT * WIDTH).reshape(-1, HEIGHT, WIDTH)


def probabilities_of(results):
    return [list(result.probabilities.values()) for result in results]


def test_a_second_thread_waits_until_a_batch_is_answered(tmp_path):
    first, second = greys(10, 40, 90), greys(200, 130, 60)
    answered, found = threading.Event(), {}

    def wait(stage, name, probabilities, rows):
        other.start() if stage == 0 else None
        # Nobody may come between two stages; without a turn the other batch is answered at once.
        assert not answered.wait(0.3)
        return np.zeros(len(rows), bool)

    with Detector(staged_bundle(tmp_path / "real.edgekit"), threads=1) as detector:
        expected = [detector.run_batch(frames, exit_policy=skip_exits) for frames in (first, second)]

        def answer():
            found["second"] = detector.run_batch(second, exit_policy=skip_exits)
            answered.set()

        other = threading.Thread(target=answer)
        found["first"] = detector.run_batch(first, exit_policy=wait)
        other.join()
    assert probabilities_of(found["first"]) == probabilities_of(expected[0])
    assert probabilities_of(found["second"]) == probabilities_of(expected[1])


@pytest.mark.parametrize("call", [Detector.run_batch, Detector.find_probabilities])
def test_a_policy_may_not_call_the_detector_that_asks_it(tmp_path, call):
    frames = greys(10, 40, 90)
    with Detector(staged_bundle(tmp_path / "real.edgekit"), threads=1) as detector:
        expected = detector.run_batch(frames)
        with pytest.raises(UsageProblem, match="called the detector that was asking it"):
            detector.run_batch(frames, exit_policy=lambda *_: call(detector, frames[::-1]))
        assert probabilities_of(detector.run_batch(frames)) == probabilities_of(expected)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_after_a_policy_that_raised_the_next_batch_is_answered_as_ever(tmp_path, stage):
    def fail(number, name, probabilities, rows):
        if number == stage:
            raise ZeroDivisionError
        return np.arange(len(rows)) == 0

    frames = greys(10, 40, 90, 120, 60)
    with Detector(staged_bundle(tmp_path / "real.edgekit"), threads=1) as detector:
        expected = detector.run_batch(frames)
        with pytest.raises(ZeroDivisionError):
            detector.run_batch(greys(200, 130, 60, 5, 9, 80, 77), exit_policy=fail)
        assert probabilities_of(detector.run_batch(frames)) == probabilities_of(expected)
        np.testing.assert_array_equal(detector.find_probabilities(frames), find_with_new(detector, frames))


def find_with_new(detector, frames):
    with Detector(detector.bundle, threads=1) as other:
        return other.find_probabilities(frames)


def test_answers_and_frames_are_the_callers(tmp_path):
    """What was answered stays as it is whatever is run afterwards, and no run writes into a frame."""
    frames, others = greys(10, 40, 90), greys(200, 130, 60, 5)
    kept = frames.copy()
    with Detector(staged_bundle(tmp_path / "real.edgekit"), threads=1) as detector:
        every = detector.find_probabilities(frames)
        answers = [result.probabilities for result in detector.run_batch(frames)]
        before = every.copy(), [dict(answer) for answer in answers]
        detector.run_batch(others)
        detector.find_probabilities(others)
    np.testing.assert_array_equal(every, before[0])
    assert answers == before[1]
    np.testing.assert_array_equal(frames, kept)
