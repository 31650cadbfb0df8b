"""A shipped network that answers frames by tiles: the mask is that of the same network run on the whole frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgekit.bundling import export_model
from edgekit.checkpoints import load_checkpoint, load_network
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.evaluation.prediction import Predict
from edgekit.evaluation.predictors import predict_with_network
from edgekit.media.images import read_image
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit.shipped import find_shipped_checkpoint
from edgekit_runtime import Bundle, Detector, verify_bundle
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.padding import pad_frame, padded_size

pytestmark = pytest.mark.slow  # exports take seconds each

TILE = 128
ROUNDING = 1e-3
"""Of a logit: the exports' own parity tables allow up to 5e-4 between torch and a graph, and find 2e-5."""

Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Tiled:
    """A bundle that cuts frames, and the network that it was made of."""

    path: Path
    network: Predict

    def find_logits(self, frame: Frame) -> npt.NDArray[np.float32]:
        """Run the network on the whole frame, padded as the tiles are: a network's own padding begins behind that."""
        height, width = padded_size(*frame.shape, multiple=16)
        whole = self.network(pad_frame(frame, (max(height, TILE), max(width, TILE))))
        assert whole.logits is not None
        return whole.logits[: frame.shape[0], : frame.shape[1]]


def load_shipped(model: str) -> Predict:
    folder = find_shipped_checkpoint(model)
    assert folder is not None
    record, weights = load_checkpoint(folder)
    return predict_with_network(load_network(record, weights), record.normalisation, multiple=16)


@pytest.fixture(scope="module", params=["cheapnet-s", "cheapnet-m"])
def tiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tiled:
    path = tmp_path_factory.mktemp("tiled") / f"{request.param}.edgekit"
    spec = MODELS.get(request.param)
    export_model(spec, path, size=(TILE, TILE), fit="tile", batch=None, reporter=Reporter(quiet=True))
    return Tiled(path, load_shipped(request.param))


def check_masks(tiled: Tiled, frames: list[Frame], backend: str) -> int:
    """Compare every pixel that rounding leaves decided; return how many of them are defects."""
    defects = 0
    with Detector(tiled.path, backend=backend, device="cpu") as detector:
        for frame, result in zip(frames, detector.run_batch(frames), strict=True):
            logits = tiled.find_logits(frame)
            decided = np.abs(logits) > ROUNDING
            assert result.mask is not None
            np.testing.assert_array_equal(result.mask[decided] > 0, logits[decided] >= 0)
            assert decided.mean() > 0.95
            defects += int(np.count_nonzero(logits[decided] >= 0))
    return defects


def test_the_overlap_is_twice_the_reach_on_the_networks_grid(tiled: Tiled) -> None:
    contract = Bundle.open(tiled.path).manifest.input
    assert (contract.fit, contract.height, contract.width) == ("tile", TILE, TILE)
    assert (contract.reach, contract.overlap) == (31, 64)


@pytest.mark.parametrize("backend", ["onnxruntime", "fused"])
def test_tiles_answer_as_the_whole_frame(tiled: Tiled, backend: str) -> None:
    generator = np.random.default_rng(0)
    sizes = [(1, 1), (1, 300), (129, 127), (128, 192), (193, 65), (301, 211)]
    noise = [generator.integers(0, 256, size, np.uint8) for size in sizes]
    generated = [SyntheticDagm((6,), size=(277, 331)).load(index).image for index in range(0, 150, 30)]
    assert check_masks(tiled, [*noise, *generated], backend) > 1000


@pytest.mark.parametrize("backend", ["onnxruntime", "fused"])
def test_tiles_answer_as_the_whole_frame_on_real_images(tiled: Tiled, real_data: Path, backend: str) -> None:
    images = sorted((real_data / "magnetic-tile").glob("MT_*/Imgs/*.jpg"))[::120]
    frames = [read_image(path, channels="grey") for path in images]
    assert len({frame.shape for frame in frames}) > 3
    check_masks(tiled, frames, backend)


def test_golden_samples_are_reproduced(tiled: Tiled) -> None:
    report = verify_bundle(tiled.path)
    assert report.ok, report.error
    assert any(check.name.startswith("golden") for check in report.checks)


def test_tiles_without_overlap_show_their_seams(tmp_path: Path) -> None:
    """The tests above can fail: the same network and frames, and no overlap."""
    path = tmp_path / "seams.edgekit"
    spec = MODELS.get("cheapnet-s")
    export_model(
        spec, path, size=(TILE, TILE), fit="tile", overlap=0, batch=None, reporter=Reporter(quiet=True)
    )
    network = load_shipped("cheapnet-s")
    frame = np.random.default_rng(0).integers(0, 256, (301, 211), np.uint8)
    with pytest.raises(AssertionError, match="Mismatched"):
        check_masks(Tiled(path, network), [frame], "onnxruntime")


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("cheapnet-s", {"fit": "tile", "size": (96, 96)}, "must share 64"),
        ("cheapnet-s", {"fit": "tile", "overlap": 24}, "multiples of 16"),
        ("cheapnet-s", {"fit": "pad", "overlap": 64}, "Only tiles overlap"),
        ("shufflenet-v2-0.5", {"fit": "tile", "untrained": True}, "whole frame"),
    ],
)
def test_tiles_that_cannot_be_are_refused(
    tmp_path: Path, model: str, options: dict[str, object], message: str
) -> None:
    path = tmp_path / "b.edgekit"
    with pytest.raises(UsageProblem, match=message):
        export_model(MODELS.get(model), path, reporter=Reporter(quiet=True), **options)  # type: ignore[arg-type]
    assert not path.exists()
