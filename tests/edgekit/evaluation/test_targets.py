"""What a person may name where a command evaluates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.evaluation.targets import open_target
from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Detector
from edgekit_runtime.errors import ArtefactRefused, UnusableInput, UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.edgekit.evaluation.staged import save_brightness


def test_a_checkpoint(checkpoint_folder: Path) -> None:
    with open_target(checkpoint_folder) as opened:
        mask = opened.predict(np.zeros((32, 48), np.uint8)).mask
    assert (mask.dtype, mask.shape) == (np.uint8, (32, 48))
    assert (opened.backend, opened.precision, opened.provenance) == ("torch", "fp32", "trained")
    assert (opened.task, opened.classes) == ("segment", ("background", "defect"))
    assert opened.normal_class == "background"
    assert opened.data is opened.mm_per_px is None


def test_a_bundle() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (512, 512), np.uint8)
    with open_target(DEMO_BUNDLE, threads=1) as opened, Detector(DEMO_BUNDLE) as detector:
        assert np.array_equal(opened.predict(frame).mask, detector(frame).mask)
        assert opened.data == detector.manifest.data
    assert (opened.backend, opened.provenance) == ("fused", "demo")


def test_the_threshold_reaches_a_checkpoint_and_a_bundle(checkpoint_folder: Path) -> None:
    frame = np.zeros((512, 512), np.uint8)
    for target in (checkpoint_folder, DEMO_BUNDLE):
        for threshold, share in ((1e6, 0.0), (-1e6, 1.0)):
            with open_target(target, threshold=threshold) as opened:
                assert opened.predict(frame).mask.mean() == share


def test_a_bundle_is_closed_afterwards() -> None:
    with open_target(DEMO_BUNDLE) as opened:
        pass
    with pytest.raises(UsageProblem, match="not ready"):
        opened.predict(np.zeros((512, 512), np.uint8))


@pytest.mark.parametrize("option", [{"device": "cuda"}, {"backend": "onnxruntime"}, {"threads": 2}])
def test_a_checkpoint_takes_no_option_that_it_would_ignore(checkpoint_folder: Path, option) -> None:
    with pytest.raises(UsageProblem, match="CPU"), open_target(checkpoint_folder, **option):
        pass


def test_every_exit_of_what_has_none_is_refused(checkpoint_folder: Path, tmp_path: Path) -> None:
    classifier = fake_bundle(tmp_path / "c.edgekit", task="classify").path
    for target in (checkpoint_folder, DEMO_BUNDLE, classifier):
        backend = FakeBackend if target == classifier else "auto"
        with (
            pytest.raises(UsageProblem, match="no early exits"),
            open_target(target, backend=backend, every_exit=True),
        ):
            pass
    with open_target(checkpoint_folder) as opened:
        assert opened.exits is None


def test_exits_of_a_checkpoint_answer_by_the_thresholds_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_brightness(tmp_path / "c", monkeypatch)
    with open_target(folder, every_exit=True) as opened:
        predictions = [opened.predict(np.full((16, 16), grey, np.uint8)) for grey in (0, 90, 128)]
    assert [point.threshold for point in opened.exits.points] == [0.9, 0.6]
    assert [one.exit for one in predictions] == [1, 2, 2]
    assert [one.low_confidence for one in predictions] == [False, False, True]
    assert all(one.exit_probabilities.shape == (2, 2) for one in predictions)


def test_what_is_neither(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match="neither"), open_target(tmp_path):
        pass
    (tmp_path / "a.edgekit").mkdir()
    with pytest.raises(ArtefactRefused), open_target(tmp_path / "a.edgekit"):
        pass


def test_the_folder_of_a_run_says_which_checkpoint_to_name(tmp_path: Path) -> None:
    (tmp_path / "run" / "best").mkdir(parents=True)
    (tmp_path / "run" / "best" / "checkpoint.json").write_text("{}")
    with pytest.raises(UnusableInput) as caught, open_target(tmp_path / "run"):
        pass
    assert str(tmp_path / "run" / "best") in caught.value.remedy
