"""What exits do on a dataset, against counts that are taken one image after the other."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgekit.data.contract import Sample
from edgekit.evaluation.classification import ClassMetrics
from edgekit.evaluation.early_exits import EarlyExits, ExitPoint
from edgekit.evaluation.evaluate import evaluate_classes
from edgekit.evaluation.prediction import Prediction
from edgekit.reporting import Reporter
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.exits import GatedRows, confidence, gate_rows
from tests.edgekit.evaluation.building import InMemory, answer_in_turn

CLASSES = ("good", "hole", "stain")
POINTS = tuple(ExitPoint(number, f"exit{number}", value) for number, value in ((1, 0.8), (2, 0.7), (4, 0.5)))
"""The third stage has no exit."""
EXITS = EarlyExits(POINTS, lambda height, width: (height * width, 3 * height * width, 10 * height * width))


def gate(answers: np.ndarray) -> GatedRows:
    confidences = np.stack([confidence(answers[:, place]) for place in range(len(POINTS))], axis=1)
    return gate_rows(confidences, [point.threshold for point in POINTS])


def measure(
    truths: list[int], answers: np.ndarray, *, every_exit: bool = False, normal: str | None = "good"
) -> ClassMetrics:
    """Evaluate answers, float32 (N, exits, classes); image i has i + 1 rows of 2 pixels."""
    samples = [
        Sample(str(index), np.zeros((index + 1, 2), np.uint8), None, ()) for index in range(len(truths))
    ]
    gated = gate(answers)
    predictions = [
        Prediction(
            probabilities=row[place],
            exit=POINTS[place].number,
            low_confidence=bool(low),
            exit_probabilities=row if every_exit else None,
        )
        for row, place, low in zip(answers, gated.places, gated.low_confidence, strict=True)
    ]
    return evaluate_classes(
        answer_in_turn(predictions),
        InMemory(samples, labels=CLASSES, label_of=truths),
        classes=CLASSES,
        normal_class=normal,
        reporter=Reporter(quiet=True),
        exits=EXITS,
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits)
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


sets = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        st.lists(st.integers(0, 2), min_size=count, max_size=count),
        arrays(np.float64, (count, 3, 3), elements=st.floats(-4, 4)).map(softmax),
    )
)


@settings(deadline=None)
@given(data=sets)
def test_counts_and_costs_are_those_of_the_images(data: tuple[list[int], np.ndarray]) -> None:
    truths, answers = data
    metrics = measure(truths, answers)
    exits = metrics.exits
    gated = gate(answers)
    for index, name in enumerate(CLASSES):
        own = [place for place, truth in zip(gated.places, truths, strict=True) if truth == index]
        assert exits.answered[name] == tuple(own.count(place) for place in range(3))
    right = [
        int(row[place].argmax()) == truth
        for row, place, truth in zip(answers, gated.places, truths, strict=True)
    ]
    for place, rate in enumerate(exits.correct):
        here = [one for one, at in zip(right, gated.places, strict=True) if at == place]
        assert (rate.count, rate.total) == (sum(here), len(here))
    assert exits.low_confidence.count == gated.low_confidence.sum()
    pixels = [2 * (index + 1) for index in range(len(truths))]
    spent = [(1, 3, 10)[place] * area for place, area in zip(gated.places, pixels, strict=True)]
    assert exits.cost.mean == pytest.approx(sum(spent) / len(spent))
    assert exits.cost.last_exit == pytest.approx(10 * sum(pixels) / len(pixels))
    assert exits.cost.relative == pytest.approx(sum(spent) / (10 * sum(pixels)))
    for index, name in enumerate(CLASSES):
        own = [one for one, truth in zip(spent, truths, strict=True) if truth == index]
        assert exits.cost.per_class[name] == (pytest.approx(sum(own) / len(own)) if own else None)


@settings(deadline=None)
@given(data=sets)
def test_an_exit_alone_is_a_classifier_of_its_own(data: tuple[list[int], np.ndarray]) -> None:
    truths, answers = data
    whole = measure(truths, answers, every_exit=True)
    gated = gate(answers)
    for place, alone in enumerate(whole.exits.alone):
        for found, rows in (
            (alone.every_image, range(len(truths))),
            (alone.reached, np.flatnonzero(gated.places >= place)),
        ):
            assert found.figures.images == len(rows)
            kept = [(truths[row], answers[row, place]) for row in rows]
            correct = [int(answer.argmax()) == truth for truth, answer in kept]
            assert found.figures.correct.count == sum(correct)
            missed = sum(truth > 0 and int(answer.argmax()) == 0 for truth, answer in kept)
            if kept:
                assert found.figures.image_level.escape.count == missed
                assert found.calibration.confidence == pytest.approx(
                    np.mean([answer.max() for _, answer in kept]), abs=1e-6
                )
                assert found.calibration.accuracy == pytest.approx(np.mean(correct))
            else:
                assert found.calibration.expected is None
    # What is measured beside them does not change what the network answers.
    assert whole.confusion.tolist() == measure(truths, answers).confusion.tolist()


TWO = softmax(np.array([[[4, 0, 0], [0, 0, 0], [0, 0, 0]], [[0, 0.1, 0], [0, 0.2, 0], [0, 0, 0.1]]], float))


def test_the_document() -> None:
    metrics = measure([0, 1], TWO, every_exit=True)
    document = metrics.to_dict()["exits"]
    assert [one["exit"] for one in document["exits"]] == [1, 2, 4]
    assert [one["answered"] for one in document["exits"]] == [1, 0, 1]
    assert document["exits"][0]["classes"]["good"] == {"answered": 1, "share": 1.0}
    assert document["exits"][0]["classes"]["stain"] == {"answered": 0, "share": None}
    assert document["exits"][1]["correct"]["rate"] is None
    assert document["low_confidence"]["count"] == 1
    # 2 pixels answered at the first exit, 4 at the last.
    assert document["macs"] == {
        "mean": (2 + 40) / 2,
        "last_exit": 30.0,
        "relative": 21 / 30,
        "classes": {"good": 2.0, "hole": 40.0, "stain": None},
    }
    assert document["exits"][1]["alone"]["reached"]["images"] == 1
    json.dumps(document, allow_nan=False)
    assert measure([0, 1], TWO).to_dict()["exits"]["exits"][0]["alone"] is None


def test_probabilities_that_are_no_numbers_are_no_exit_s_success() -> None:
    answers = np.full((1, 3, 3), math.nan, np.float32)
    metrics = measure([0], answers, every_exit=True)
    assert metrics.exits.answered["good"] == (0, 0, 1)
    assert (metrics.exits.correct[2].count, metrics.exits.low_confidence.count) == (0, 1)
    alone = metrics.exits.alone[0].every_image
    assert (alone.calibration.unusable, alone.figures.image_level.overkill.value) == (1, 1.0)
    json.dumps(metrics.to_dict(), allow_nan=False)


def test_no_image_and_no_normal_class() -> None:
    metrics = measure([], np.zeros((0, 3, 3), np.float32), every_exit=True)
    assert metrics.exits.cost is None
    json.dumps(metrics.to_dict(), allow_nan=False)
    metrics = measure([0, 1], TWO, every_exit=True, normal=None)
    assert metrics.exits.alone[0].every_image.figures.image_level is None


def test_an_answer_of_no_exit_is_refused() -> None:
    for number in (None, 3, 5):
        predict = answer_in_turn([Prediction(probabilities=TWO[0, 0], exit=number)])
        sample = Sample("a", np.zeros((1, 1), np.uint8), None, ())
        with pytest.raises(UsageProblem, match=f"exit {number}"):
            evaluate_classes(
                predict,
                InMemory([sample], labels=CLASSES, label_of=[0]),
                classes=CLASSES,
                normal_class="good",
                reporter=Reporter(quiet=True),
                exits=EXITS,
            )
