from __future__ import annotations

import numpy as np
import pytest

from edgekit_export import tracing
from edgekit_export.execution import ChainRunner
from edgekit_export.task_metric import Predictors, check_metric
from edgekit_runtime.errors import FrameError, UsageProblem


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


def test_the_first_sure_exit_answers(classifier, built_classifier, grey_frames):
    outputs = {"p1": np.array([[0.7, 0.2, 0.1]]), "p2": np.array([[0.1, 0.1, 0.8]])}
    chain = ChainRunner(built_classifier.graphs, batch=None)
    predictors = Predictors(lambda _: outputs, chain, built_classifier.infos, None)
    assert predictors.torch(grey_frames[0]).tolist() == [0.7, 0.2, 0.1]
    outputs["p1"] = np.array([[0.5, 0.4, 0.1]])  # below exit 1's threshold of 0.6
    assert predictors.torch(grey_frames[0]).tolist() == [0.1, 0.1, 0.8]


@pytest.mark.parametrize(
    ("difference", "ok"), [(0.0, True), (0.0009, True), (0.0011, False), (np.nan, False)]
)
def test_the_first_metric_may_differ_by_a_thousandth(predictors, difference, ok):
    answers = iter([{"mIoU": 0.9, "mAcc": 0.5}, {"mIoU": 0.9 - difference, "mAcc": 0.9}])
    check = check_metric(lambda _: next(answers), predictors)
    assert (check.name, check.ok) == ("task metric: mIoU", ok)


def test_an_evaluation_without_metric(predictors):
    with pytest.raises(UsageProblem, match="no metric"):
        check_metric(lambda _: {}, predictors)


def test_a_frame_of_another_size(predictors):
    with pytest.raises(FrameError, match=r"\(32, 48\)"):
        predictors.exported(np.zeros((16, 16), np.uint8))
