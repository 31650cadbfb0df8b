from __future__ import annotations

import io

import numpy as np
import pytest

from edgekit_export import golden
from edgekit_export.execution import ChainRunner
from edgekit_export.fusing.program import Program
from edgekit_export.golden import make_mask_samples, make_probability_samples
from edgekit_runtime.bundle import OperationInfo, ProgramInfo
from edgekit_runtime.errors import GateFailed
from edgekit_runtime.masks import mask_of


class FakeChain:
    """Answers the mask of given logits, by the frame's first pixel."""

    def __init__(self, logits: np.ndarray) -> None:
        self.logits = logits

    def run(self, frames, scalars):
        return {"mask": mask_of(self.logits[[frames[0, 0, 0]]], scalars["threshold"])}


def numbered(count: int) -> np.ndarray:
    frames = np.zeros((count, 40, 50), np.uint8)
    frames[:, 0, 0] = np.arange(count)
    return frames


def make(logits: np.ndarray, threshold: float = 0.0, bound: float = 1e-6):
    logits = logits.astype(np.float32)
    return make_mask_samples(
        numbered(len(logits)), logits, FakeChain(logits), threshold=threshold, bound=bound
    )


def load(data: bytes) -> np.ndarray:
    return np.load(io.BytesIO(data), allow_pickle=False)


def clean(count: int) -> np.ndarray:
    """Logits far below 0."""
    return np.random.default_rng(0).uniform(-9, -5, (count, 1, 40, 50))


def with_defect(logits: np.ndarray, index: int, pixels: int) -> np.ndarray:
    logits[index, 0].reshape(-1)[:pixels] = 3.0
    return logits


def test_frames_with_a_usual_share_of_positives_are_chosen():
    logits = clean(6)
    for index, pixels in ((1, 1), (2, 30), (3, 1500), (5, 900)):
        with_defect(logits, index, pixels)
    made = make(logits)
    assert [sample.positive_fraction for sample in made.samples] == [30 / 2000, 900 / 2000]
    assert [load(made.files[sample.frame])[0, 0] for sample in made.samples] == [2, 5]
    for sample in made.samples:
        assert sample.thresholds == {"threshold": 0.0}
        assert load(made.files[sample.outputs["mask"]]).mean() == sample.positive_fraction


def test_no_more_than_three():
    logits = clean(5)
    for index in range(5):
        with_defect(logits, index, 40)
    assert [sample.name for sample in make(logits).samples] == ["sample0", "sample1", "sample2"]


def test_where_the_default_finds_nothing_a_threshold_that_does_is_recorded():
    made = make(clean(2))
    assert len(made.samples) == 2
    for sample in made.samples:
        assert sample.positive_fraction == pytest.approx(0.02, abs=0.001)
        assert sample.thresholds["threshold"] < -5
        assert np.float32(sample.thresholds["threshold"]) == sample.thresholds["threshold"]


def test_where_the_default_finds_everything_a_threshold_that_does_not_is_recorded():
    (sample,) = make(clean(1) + 20).samples
    assert sample.thresholds["threshold"] > 10
    assert sample.positive_fraction == pytest.approx(0.02, abs=0.001)


def test_undecided_pixels_are_counted():
    logits = with_defect(clean(1), 0, 40)
    logits[0, 0, 5, :3] = [0.0005, -0.0005, 0.5]
    (sample,) = make(logits, bound=0.001).samples
    assert sample.undecided_px == 2


def test_a_frame_that_rounding_leaves_open_is_not_chosen():
    logits = with_defect(clean(2), 0, 40)
    logits[0, 0, 10:12] = 0.0005
    with_defect(logits, 1, 50)
    (sample,) = make(logits, bound=0.001).samples
    assert sample.positive_fraction == 50 / 2000


def test_two_values_are_enough():
    logits = np.full((1, 1, 40, 50), -8.0)
    (sample,) = make(with_defect(logits, 0, 400) - 5).samples
    assert -13 < sample.thresholds["threshold"] < -2
    assert sample.positive_fraction == 0.2


@pytest.mark.parametrize("value", [0.0, -3.0, np.nan])
def test_constant_logits_are_refused(value):
    with pytest.raises(GateFailed, match="no golden sample can be recorded") as caught:
        make(np.full((2, 1, 40, 50), value))
    assert caught.value.exit_code == 3


def test_logits_that_differ_by_rounding_only_are_refused():
    noise = np.random.default_rng(0).uniform(-1e-7, 1e-7, (1, 1, 40, 50))
    with pytest.raises(GateFailed):
        make(1 + noise, bound=1e-6)


def test_several_classes():
    logits = np.zeros((1, 3, 40, 50))
    logits[:, 0] = 5
    logits[0, 2, :2] = 9
    (sample,) = make(logits).samples
    assert sample.positive_fraction == 0.05


def test_probabilities_of_every_exit_are_recorded(built_classifier, grey_frames):
    chain = ChainRunner(built_classifier.graphs, batch=None)
    made = make_probability_samples(grey_frames, chain, built_classifier.infos)
    assert len(made.samples) == golden.MOST_SAMPLES
    for index, sample in enumerate(made.samples):
        assert set(sample.outputs) == {"p1", "p2"}
        assert (sample.positive_fraction, sample.undecided_px, sample.thresholds) == (None, 0, {})
        np.testing.assert_array_equal(load(made.files[sample.frame]), grey_frames[index])
        for name, file in sample.outputs.items():
            wanted = built_classifier.expected.outputs[name][index]
            np.testing.assert_allclose(load(made.files[file]), wanted, atol=1e-6)


def test_pixels_that_the_program_leaves_open_are_undecided_too():
    logits = with_defect(clean(1), 0, 30).astype(np.float32)
    # Everywhere 0, the threshold: which side it falls on is rounding, whatever the logits of the graph are.
    operations = (
        OperationInfo("stem", "convolution", ("frame",), 1, 1, 1.0),
        OperationInfo("head", "head", ("stem",), 1, 1, 1.0),
    )
    shapes = {"stem.weight": (1, 3, 3), "stem.bias": (1,), "head.weight": (1,), "head.bias": (1,)}
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    program = Program(ProgramInfo("main.fused.npz", 0.0, operations), weights)
    for given, undecided in ((None, 0), (program, 2000)):
        made = make_mask_samples(
            numbered(1), logits, FakeChain(logits), threshold=0.0, bound=1e-6, program=given
        )
        assert [sample.undecided_px for sample in made.samples] == [undecided]
