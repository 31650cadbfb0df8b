"""Detectors of bundles with early exits: what every exit thinks, and what does not fit."""

import dataclasses

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
