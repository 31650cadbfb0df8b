from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from edgekit_export import tracing
from edgekit_export.execution import ChainRunner
from edgekit_export.task_metric import Predictors, compare_metrics, measure_metric
from edgekit_runtime import Detector
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle


@pytest.fixture
def predictors(segmenter, grey, built_segmenter) -> Predictors:
    chain = ChainRunner(built_segmenter.graphs, batch=None)
    run = tracing.Reference(segmenter, grey).run
    return Predictors(run, chain, built_segmenter.infos, 0.0)


@pytest.fixture
def classifying(classifier, grey, built_classifier) -> Predictors:
    chain = ChainRunner(built_classifier.graphs, batch=None)
    run = tracing.Reference(classifier, grey).run
    return Predictors(run, chain, built_classifier.infos, None)


def test_both_predict_the_same_mask(predictors, grey_frames):
    mask = predictors.exported(grey_frames[0])
    assert (mask.dtype, mask.shape) == (np.uint8, (32, 48))
    assert 0 < mask.mean() < 1
    assert np.mean(mask != predictors.torch(grey_frames[0])) < 0.01


def test_both_predict_the_same_probabilities(classifying, grey_frames):
    probabilities = classifying.exported(grey_frames[0])
    assert probabilities.shape == (3,)
    assert probabilities.sum() == pytest.approx(1)
    np.testing.assert_allclose(probabilities, classifying.torch(grey_frames[0]), atol=1e-6)


NAN = float("nan")
BELOW = float(np.nextafter(np.float32(0.9), np.float32(0)))


@pytest.mark.parametrize(
    ("first", "number"),
    [
        ([0.95, 0.04, 0.01], 1),
        ([0.04, 0.9, 0.06], 1),  # 0.9 in float32 lies below 0.9 in float64, and on the threshold
        ([0.05, BELOW, 0.05], 2),
        ([0.5, 0.4, 0.1], 2),
        ([0.95, NAN, 0.05], 2),
        ([NAN, NAN, NAN], 2),
        ([float("inf"), 0.0, 0.0], 2),
    ],
)
def test_the_exit_that_answers_is_the_runtimes_own(tmp_path, first, number):
    classes = ("normal", "hole", "stain")
    bundle = fake_bundle(
        tmp_path / "b.edgekit", task="classify", exits=2, exit_threshold=0.9, classes=classes
    )
    outputs = {"p1": np.float32([first]), "p2": np.float32([[NAN, 0.1, 0.8]])}
    answers = {f"exit{index}": {f"p{index}": outputs[f"p{index}"]} for index in (1, 2)}
    frame = np.zeros((32, 32), np.uint8)
    with Detector(bundle, backend=partial(FakeBackend, answers=answers)) as detector:
        result = detector(frame)
    predictors = Predictors(lambda _: outputs, ChainRunner([], batch=None), bundle.manifest.stages, None)
    assert result.exit == number
    np.testing.assert_array_equal(predictors.torch(frame), list(result.probabilities.values()))
    np.testing.assert_array_equal(predictors.torch(frame), outputs[f"p{number}"][0])


@pytest.mark.parametrize(
    ("difference", "ok"), [(0.0, True), (0.0009, True), (0.0011, False), (np.nan, False)]
)
def test_the_first_metric_may_differ_by_a_thousandth(predictors, difference, ok):
    answers = iter([{"mIoU": 0.9, "mAcc": 0.5}, {"mIoU": 0.9 - difference, "mAcc": 0.9}])
    (name, before), (_, after) = (
        measure_metric(lambda _: next(answers), predict)
        for predict in (predictors.torch, predictors.exported)
    )
    check = compare_metrics(name, before, after)
    assert (check.name, check.ok) == ("task metric: mIoU", ok)


def test_an_evaluation_without_metric(predictors):
    with pytest.raises(UsageProblem, match="no metric"):
        measure_metric(lambda _: {}, predictors.torch)


def test_a_frame_of_another_size(predictors):
    with pytest.raises(FrameError, match=r"\(32, 48\)"):
        predictors.exported(np.zeros((16, 16), np.uint8))
