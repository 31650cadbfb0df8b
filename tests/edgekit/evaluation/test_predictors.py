"""Frame in, mask out: networks and bundles through one interface."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.evaluation.early_exits import plan_exits
from edgekit.evaluation.predictors import predict_with_detector, predict_with_network
from edgekit_export.exportable import Normalisation
from edgekit_runtime import Detector
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.edgekit.evaluation.staged import BRIGHTNESS, Brightness, answer_rows, number_frames

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
    prediction = predict(FRAME)
    assert prediction.mask.dtype == np.uint8
    assert np.array_equal(prediction.mask, FRAME >= 7)
    assert prediction.logits.dtype == np.float32
    assert np.array_equal(prediction.logits, FRAME - np.float32(by))
    assert prediction.probabilities is None


def test_nan_is_a_defect_and_never_a_pass() -> None:
    assert predict_with_network(Shift(float("nan")), PLAIN, multiple=1)(FRAME).mask.all()


def test_the_image_is_normalised() -> None:
    predict = predict_with_network(Shift(0.0), Normalisation((0.5,), (0.25,)), multiple=1)
    frame = np.array([[127, 128]], np.uint8)
    assert predict(frame).mask.tolist() == [[0, 1]]


def test_frames_that_are_read_only_are_taken_without_a_warning() -> None:
    frame = FRAME.copy()
    frame.flags.writeable = False
    assert predict_with_network(Shift(7.0), PLAIN, multiple=1)(frame).mask.sum() == 9


def test_the_network_is_put_into_eval_mode() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)).train()
    before = network[1].running_mean.clone()
    predict_with_network(network, PLAIN, multiple=1)(FRAME)
    assert torch.equal(network[1].running_mean, before)


class Pooled(nn.Module):
    """Row number and the sum of the frame: the padding shows in the one, a wrong crop in the other."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        rows = torch.arange(image.shape[2], dtype=torch.float32).view(1, 1, -1, 1).expand_as(image)
        return rows * 100 + image.sum()


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (3, 3), (8, 8), (1, 1)])
def test_frames_of_any_size_are_padded_and_cropped_back(shape: tuple[int, int]) -> None:
    frame = np.random.default_rng(sum(shape)).integers(0, 256, shape, np.uint8)
    prediction = predict_with_network(Pooled(), PLAIN, multiple=4)(frame)
    height, width = (-(-side // 4) * 4 for side in shape)
    padded = np.pad(frame, [(0, height - shape[0]), (0, width - shape[1])], mode="edge")
    assert prediction.mask.shape == prediction.logits.shape == shape
    rows = np.arange(shape[0], dtype=np.float32)[:, None].repeat(shape[1], axis=1)
    assert np.array_equal(prediction.logits, rows * 100 + padded.sum())


class ChannelMeans(nn.Module):
    """A classifier whose logits are the means of the channels."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.mean(dim=(2, 3))


def test_a_classifier_answers_probabilities() -> None:
    frame = np.zeros((4, 4, 3), np.uint8)
    frame[..., 1] = 2
    predict = predict_with_network(
        ChannelMeans(), PLAIN, multiple=1, pixels=PixelFormat("rgb"), task="classify"
    )
    prediction = predict(frame)
    assert prediction.mask is prediction.logits is None
    assert prediction.probabilities.dtype == np.float32
    weights = np.exp([0, 2, 0])
    assert prediction.probabilities == pytest.approx(weights / weights.sum())


def test_grey_frames_are_repeated_for_a_colour_network() -> None:
    predict = predict_with_network(
        ChannelMeans(), PLAIN, multiple=1, pixels=PixelFormat("rgb"), task="classify"
    )
    assert predict(FRAME).probabilities == pytest.approx(np.full(3, 1 / 3))


def test_deep_frames_are_normalised_by_their_scale_and_others_refused() -> None:
    deep = PixelFormat(bits=12, scale=4095.0)
    frame = FRAME.astype(np.uint16) * 16
    predict = predict_with_network(
        Shift(0.0), Normalisation((0.5,), (0.25,), 4095.0), multiple=1, pixels=deep
    )
    np.testing.assert_allclose(predict(frame).logits, (frame / 4095 - 0.5) / 0.25, atol=1e-5)
    with pytest.raises(FrameError, match="uint16 of 12 bits; got uint8"):
        predict(FRAME)


def test_colour_frames_for_a_grey_network_are_refused() -> None:
    with pytest.raises(FrameError, match="in colour") as caught:
        predict_with_network(Shift(0.0), PLAIN, multiple=4)(np.eye(4, 12, dtype=np.uint8).reshape(4, 4, 3))
    assert "grey" in caught.value.remedy


def test_a_detector_gives_its_mask(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit")
    contract = bundle.manifest.input
    frame = np.random.default_rng(0).integers(0, 256, (contract.height, contract.width), np.uint8)
    with Detector(bundle, backend=FakeBackend) as detector:
        prediction = predict_with_detector(detector)(frame)
        assert np.array_equal(prediction.mask, detector(frame).mask)
    assert prediction.logits is prediction.probabilities is None


def test_a_detector_refuses_frames_of_another_size(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit", height=32, width=48)
    with Detector(bundle, backend=FakeBackend) as detector, pytest.raises(FrameError, match="32, 48"):
        predict_with_detector(detector)(np.zeros((32, 32), np.uint8))


def test_a_detector_that_pads_answers_the_frame_itself(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit", height=32, width=48, fit="pad")
    frame = np.random.default_rng(0).integers(0, 256, (20, 33), np.uint8)
    with Detector(bundle, backend=FakeBackend) as detector:
        assert np.array_equal(predict_with_detector(detector)(frame).mask, frame >= 128)


@pytest.mark.parametrize(("order", "channel"), [("rgb", 0), ("bgr", 2)])
def test_a_colour_bundle_gets_its_own_order_and_grey_frames_repeated(
    tmp_path: Path, order: str, channel: int
) -> None:
    seen = []

    def answer(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        seen.append(next(array for array in inputs.values() if array.ndim == 4))
        return {}

    bundle = fake_bundle(tmp_path / "line.edgekit", pixels=PixelFormat(order))
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    backend = partial(FakeBackend, answers={"segment": answer})
    with Detector(bundle, backend=backend) as detector:
        predict = predict_with_detector(detector)
        predict(red)
        predict(np.full((32, 32), 7, np.uint8))
    assert seen[0][0, 0, 0].tolist() == [255 * (place == channel) for place in range(3)]
    assert (seen[1] == 7).all()


def test_a_bundle_that_classifies_gives_probabilities_in_the_order_of_its_classes(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit", task="classify", classes=("good", "hole", "stain"))
    backend = partial(FakeBackend, answers={"exit1": {"p1": [0.25, 0.5, 0.25]}})
    with Detector(bundle, backend=backend) as detector:
        prediction = predict_with_detector(detector)(np.zeros((32, 32), np.uint8))
    assert prediction.probabilities.tolist() == [0.25, 0.5, 0.25]
    assert prediction.mask is None


MIDDLE_IS_127 = Normalisation((0.5,), (0.25,))


def explain(grey: int) -> list[list[float]]:
    """What both exits of `Brightness` say about a frame of one grey value, in float64."""
    mean = (grey / 255 - 0.5) / 0.25
    return [[1 / (1 + np.exp(2 * gain * mean)), 1 / (1 + np.exp(-2 * gain * mean))] for gain in (1, 2)]


@pytest.mark.parametrize(
    ("grey", "exit_", "low"), [(0, 1, False), (255, 1, False), (90, 2, False), (128, 2, True)]
)
def test_the_first_exit_of_a_network_that_is_sure_answers(grey: int, exit_: int, low: bool) -> None:
    exits = plan_exits(Brightness(), BRIGHTNESS)
    frame = np.full((16, 16), grey, np.uint8)
    for every_exit in (False, True):
        predict = predict_with_network(
            Brightness(),
            MIDDLE_IS_127,
            multiple=4,
            task="classify",
            exits=exits.points,
            every_exit=every_exit,
        )
        prediction = predict(frame)
        assert (prediction.exit, prediction.low_confidence) == (exit_, low)
        assert prediction.probabilities == pytest.approx(explain(grey)[exit_ - 1], abs=1e-6)
        if every_exit:
            assert prediction.exit_probabilities.dtype == np.float32
            assert prediction.exit_probabilities == pytest.approx(np.array(explain(grey)), abs=1e-6)
        else:
            assert prediction.exit_probabilities is None


def test_exits_of_a_network_cannot_be_forgotten() -> None:
    predict = predict_with_network(Brightness(), MIDDLE_IS_127, multiple=4, task="classify")
    with pytest.raises(UsageProblem, match="2 exits; 0 thresholds"):
        predict(np.zeros((16, 16), np.uint8))


ANSWERS = np.array(
    [
        [[0.95, 0.05], [0.2, 0.8], [0.3, 0.7]],
        [[0.6, 0.4], [0.1, 0.9], [0.3, 0.7]],
        [[0.6, 0.4], [0.5, 0.5], [0.3, 0.7]],
    ],
    np.float32,
)


@pytest.mark.parametrize("every_exit", [False, True])
def test_exits_of_a_bundle(tmp_path: Path, every_exit: bool) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit", task="classify", exits=3, height=4, width=4)
    with Detector(bundle, backend=answer_rows(ANSWERS)) as detector:
        predict = predict_with_detector(detector, every_exit=every_exit)
        predictions = [predict(frame) for frame in number_frames(3)]
    assert [one.exit for one in predictions] == [1, 2, 3]
    assert [one.low_confidence for one in predictions] == [False, False, True]
    for row, one in enumerate(predictions):
        assert np.array_equal(one.probabilities, ANSWERS[row, row])
        if every_exit:
            assert np.array_equal(one.exit_probabilities, ANSWERS[row])
        else:
            assert one.exit_probabilities is None


def test_a_bundle_of_one_exit_has_no_early_ones(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path / "line.edgekit", task="classify", exit_threshold=1.0)
    with Detector(bundle, backend=FakeBackend) as detector:
        prediction = predict_with_detector(detector)(np.full((32, 32), 90, np.uint8))
    assert prediction.exit is prediction.exit_probabilities is None
    assert not prediction.low_confidence
