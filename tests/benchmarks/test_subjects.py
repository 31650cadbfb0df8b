"""The subject and its frames, with the runtime's own test double."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit_benchmarks.subjects import describe_subject, find_check_thresholds, make_subject, read_batches
from edgekit_runtime import Detector, find_regions
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle


def test_a_subject_says_what_was_measured(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit", height=16, width=24)
    with Detector(bundle, backend=FakeBackend) as detector:
        subject = describe_subject(detector, device="cpu", batch=2)
    assert (subject.digest, subject.backend, subject.precision) == (bundle.digest, "fake", "fp32")
    assert (subject.height, subject.width, subject.batch, subject.macs, subject.frames) == (16, 24, 2, 1, 1)


@pytest.mark.parametrize("batch", [1, 3])
def test_answers_are_those_of_the_frames(tmp_path: Path, batch: int) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit")
    (frames,) = read_batches(bundle, batch)
    assert frames.shape == (batch, 32, 32)
    with Detector(bundle, backend=FakeBackend) as detector:
        subject = make_subject(detector)
        answers = subject.read(subject.call(frames))
    assert len(answers) == batch
    for answer, frame in zip(answers, frames, strict=True):
        assert answer.mask is not None
        np.testing.assert_array_equal(answer.mask, frame >= 128)
        np.testing.assert_array_equal(answer.regions, find_regions(frame >= 128))


def test_probabilities_are_those_of_a_classifier(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "cloth.edgekit", task="classify")
    with Detector(bundle, backend=FakeBackend) as detector:
        subject = make_subject(detector)
        (answer,) = subject.read(subject.call(read_batches(bundle, 1)[0]))
    assert answer.mask is None
    assert answer.probabilities is not None
    assert answer.probabilities.sum() == pytest.approx(1)


def test_every_frame_leads_one_batch(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit", height=4, width=4)

    class ThreeFrames(Bundle):
        def read_array(self, name: str) -> np.ndarray:  # type: ignore[override]
            return np.full((4, 4), int(name), np.uint8)

    sample = bundle.manifest.golden[0]
    golden = tuple(replace(sample, frame=str(number)) for number in range(3))
    three = ThreeFrames(bundle.path, replace(bundle.manifest, golden=golden), digest="")
    batches = read_batches(three, 2)
    assert [[int(frame[0, 0]) for frame in batch] for batch in batches] == [[0, 1], [1, 2], [2, 0]]


def test_a_bundle_without_frames_and_an_empty_batch_are_refused(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit")
    with pytest.raises(UsageProblem, match="at least 1"):
        read_batches(bundle, 0)
    bare = Bundle(bundle.path, replace(bundle.manifest, golden=()), digest="")
    with pytest.raises(UsageProblem, match="no golden sample"):
        read_batches(bare, 1)


def test_random_weights_are_compared_where_their_masks_have_something_in_them(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit")
    assert find_check_thresholds(bundle.manifest) is None  # its golden sample has the default
    golden = (replace(bundle.manifest.golden[0], thresholds={"threshold": 200.0}),)
    random = replace(bundle.manifest, golden=golden)
    assert find_check_thresholds(random) == {"threshold": 200.0}
    assert find_check_thresholds(replace(random, golden=())) is None
    trained = replace(random, provenance=replace(random.provenance, kind="trained"))
    assert find_check_thresholds(trained) is None
    (frames,) = read_batches(bundle, 1)
    with Detector(Bundle(bundle.path, random, digest=""), backend=FakeBackend) as detector:
        subject = make_subject(detector)
        assert subject.check is not None
        (at_default,), (at_other,) = subject.read(subject.call(frames)), subject.check(frames)
    assert at_default.mask is not None
    assert at_default.mask.any()
    assert at_other.mask is not None
    assert not at_other.mask.any()  # nothing is 200 brighter than middle grey
