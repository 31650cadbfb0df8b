"""Figures of classifiers against torchmetrics."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import (
    binary_auroc,
    multiclass_accuracy,
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_precision,
    multiclass_recall,
)

from edgekit.evaluation.classification import ClassMetrics
from edgekit.evaluation.evaluate import evaluate_classes
from edgekit.evaluation.rates import Rate
from edgekit.reporting import Reporter
from tests.edgekit.evaluation.building import InMemory, answer_probabilities, make_sample

CLASSES = ("good", "hole", "stain")


def measure(
    truths: list[int], rows: list[list[float]], *, normal: str | None = "good", seed: int | None = None
) -> ClassMetrics:
    samples = [make_sample(str(index), [[0]], CLASSES[truth]) for index, truth in enumerate(truths)]
    dataset = InMemory(samples, labels=CLASSES, label_of=truths)
    return evaluate_classes(
        answer_probabilities(*rows),
        dataset,
        classes=CLASSES,
        normal_class=normal,
        reporter=Reporter(quiet=True),
        intervals_seed=seed,
    )


def one_hot(index: int) -> list[float]:
    return [float(index == other) for other in range(3)]


@settings(deadline=None, max_examples=60)
@given(pairs=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=30), seed=st.integers(0, 999))
def test_equals_torchmetrics(pairs: list[tuple[int, int]], seed: int) -> None:
    # Every class is there and answered: without cases torchmetrics answers 0, edgekit None.
    pairs = [*pairs, (0, 0), (1, 1), (2, 2)]
    weight = np.random.default_rng(seed).integers(1, 4, len(pairs))
    rows = [[float(w) * v + 1 for v in one_hot(p)] for (_, p), w in zip(pairs, weight, strict=True)]
    rows = [[value / sum(row) for value in row] for row in rows]
    metrics = measure([truth for truth, _ in pairs], rows)
    truth, answer = (torch.tensor(column) for column in zip(*pairs, strict=True))
    each = {"num_classes": 3, "average": None}
    assert metrics.confusion[:, :3].tolist() == multiclass_confusion_matrix(answer, truth, 3).tolist()
    assert metrics.accuracy == pytest.approx(
        float(multiclass_accuracy(answer, truth, num_classes=3, average="micro"))
    )
    assert metrics.macc == pytest.approx(
        float(multiclass_accuracy(answer, truth, num_classes=3, average="macro"))
    )
    for name, function in (
        ("precision", multiclass_precision),
        ("recall", multiclass_recall),
        ("f1", multiclass_f1_score),
    ):
        figures = [getattr(one, name) for one in metrics.per_class.values()]
        assert figures == pytest.approx(function(answer, truth, **each).tolist(), abs=1e-6)
    scores = torch.tensor([sum(row[1:]) for row in np.array(rows, np.float32).astype(float)])
    assert metrics.image_level.auroc == pytest.approx(
        float(binary_auroc(scores, (truth > 0).int())), abs=1e-6
    )


def test_a_wrong_kind_of_defect_is_no_escape() -> None:
    metrics = measure([1, 2, 0, 0], [one_hot(2), one_hot(0), one_hot(0), one_hot(1)])
    assert metrics.accuracy == 0.25
    assert (metrics.image_level.escape.count, metrics.image_level.escape.total) == (1, 2)
    assert (metrics.image_level.overkill.count, metrics.image_level.overkill.total) == (1, 2)
    assert {kind: rate.value for kind, rate in metrics.per_kind.items()} == {
        "good": 0.5,
        "hole": 0,
        "stain": 1,
    }


def test_the_normal_class_may_stand_anywhere() -> None:
    metrics = measure([0, 1, 1, 2], [one_hot(1), one_hot(1), one_hot(0), one_hot(2)], normal="hole")
    image_level = metrics.image_level
    assert image_level is not None
    assert (image_level.escape, image_level.overkill) == (Rate(1, 2), Rate(1, 2))
    assert image_level.auroc == 0.5


def test_where_no_class_is_normal_nothing_escapes() -> None:
    metrics = measure([0, 1], [one_hot(0), one_hot(0)], normal=None)
    assert (metrics.image_level, metrics.per_kind) == (None, {})
    assert metrics.accuracy == 0.5
    assert metrics.to_dict()["image_level"] is None


def test_an_answer_that_is_no_number_is_wrong_and_a_rejection() -> None:
    nan = [math.nan] * 3
    metrics = measure([0, 1], [nan, nan])
    assert metrics.accuracy == 0.0
    assert metrics.confusion[:, 3].tolist() == [1, 1, 0]
    assert (metrics.image_level.escape.value, metrics.image_level.overkill.value) == (0.0, 1.0)
    assert metrics.image_level.auroc == 0.5
    json.dumps(metrics.to_dict(), allow_nan=False)


def test_a_class_without_cases_has_no_figures() -> None:
    figures = measure([0, 0], [one_hot(0), one_hot(0)]).per_class["stain"]
    assert figures.to_dict() == {"precision": None, "recall": None, "f1": None, "images": 0}
    absent = measure([0], [one_hot(2)]).per_class["stain"]
    assert absent.to_dict() == {"precision": 0.0, "recall": None, "f1": 0.0, "images": 0}


def test_no_image_at_all() -> None:
    metrics = measure([], [], seed=0)
    assert math.isnan(metrics.accuracy)
    assert metrics.to_dict()["accuracy"] is metrics.to_dict()["macc"] is None


def test_intervals_hold_the_figures() -> None:
    truths = [index % 3 for index in range(60)]
    rows = [one_hot(truth if index % 4 else (truth + 1) % 3) for index, truth in enumerate(truths)]
    metrics = measure(truths, rows, seed=0)
    figures = {
        "accuracy": metrics.accuracy,
        "macc": metrics.macc,
        "escape": metrics.image_level.escape.value,
        "overkill": metrics.image_level.overkill.value,
    }
    assert set(metrics.intervals.bounds) == set(figures)
    for name, (low, high) in metrics.intervals.bounds.items():
        assert low < figures[name] < high
