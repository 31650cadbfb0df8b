"""Frame in, mask out: networks and bundles through one interface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.evaluation.predictors import predict_with_detector, predict_with_network
from edgekit_export.exportable import Normalisation
from edgekit_runtime import Detector
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle

PLAIN = Normalisation((0.0,), (1.0,), scale=1.0)
FRAME = np.arange(16, dtype=np.uint8).reshape(4, 4)


class Shift(nn.Module):
    """Logits are the normalised image minus a number."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image - self.by


@pytest.mark.parametrize(("by", "threshold"), [(7.0, 0.0), (0.0, 7.0), (3.0, 4.0)])
def test_a_pixel_is_a_defect_from_the_threshold_on(by: float, threshold: float) -> None:
    predict = predict_with_network(Shift(by), PLAIN, multiple=1, threshold=threshold)
    mask = predict(FRAME)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, FRAME >= 7)


def test_nan_is_a_defect_and_never_a_pass() -> None:
    assert predict_with_network(Shift(float("nan")), PLAIN, multiple=1)(FRAME).all()


def test_the_image_is_normalised() -> None:
    predict = predict_with_network(Shift(0.0), Normalisation((0.5,), (0.25,)), multiple=1)
    frame = np.array([[127, 128]], np.uint8)
    assert predict(frame).tolist() == [[0, 1]]


def test_frames_that_are_read_only_are_taken_without_a_warning() -> None:
    frame = FRAME.copy()
    frame.flags.writeable = False
    assert predict_with_network(Shift(7.0), PLAIN, multiple=1)(frame).sum() == 9


def test_the_network_is_put_into_eval_mode() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)).train()
    before = network[1].running_mean.clone()
    predict_with_network(network, PLAIN, multiple=1)(FRAME)
    assert torch.equal(network[1].running_mean, before)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (3, 3)])
def test_sides_that_the_network_cannot_halve_are_refused(shape: tuple[int, int]) -> None:
    predict = predict_with_network(Shift(0.0), PLAIN, multiple=4)
    with pytest.raises(FrameError, match="multiples of 4"):
        predict(np.zeros(shape, np.uint8))


def test_a_detector_gives_its_mask(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit")
    contract = bundle.manifest.input
    frame = np.random.default_rng(0).integers(0, 256, (contract.height, contract.width), np.uint8)
    with Detector(bundle, backend=FakeBackend) as detector:
        assert np.array_equal(predict_with_detector(detector)(frame), detector(frame).mask)


def test_a_bundle_that_classifies_has_no_mask(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit", task="classify")
    contract = bundle.manifest.input
    with Detector(bundle, backend=FakeBackend) as detector, pytest.raises(UsageProblem, match="classifies"):
        predict_with_detector(detector)(np.zeros((contract.height, contract.width), np.uint8))
