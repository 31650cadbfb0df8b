"""Classes at every exit: the loss by its formula, what it leaves out, and how each exit is measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.train.exit_classification import ExitClassification
from edgekit.train.recipe import ExitWeights, Objective
from edgekit.train.task_table import make_task
from edgekit_runtime.errors import UsageProblem
from tests.edgekit.train.arrays import ArrayDataset, make_batch, make_store
from tests.edgekit.train.small_networks import SMALL, SMALL_EXITS

LABELS = ("good", "hole", "stain")
WEIGHTS = ExitWeights((1.0, 0.5, 0.0), (0.25, 1.0, 2.0))


def make(
    exits: ExitWeights | None,
    *,
    labels: tuple[int, ...] = (0, 1, 2),
    normal: str | None = "good",
    **changes: Any,
) -> ExitClassification:
    images = [np.zeros((4, 4), np.uint8) for _ in labels]
    dataset = ArrayDataset(images, labels=labels, names=LABELS, normal=normal)
    task = make_task(SMALL_EXITS.for_classes(LABELS), dataset, Objective("ce", exits=exits, **changes))
    assert isinstance(task, ExitClassification)
    task.prepare(make_store(dataset))
    return task


def batch_of(labels: list[int]) -> Any:
    return make_batch(np.zeros((len(labels), 4, 4), np.uint8), np.array(labels))


def draw_logits(images: int, *, seed: int = 0, exits: int = 3) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(3 * torch.randn(images, len(LABELS), generator=generator) for _ in range(exits))


# The loss


@settings(deadline=None)
@given(
    labels=st.lists(st.integers(0, 2), min_size=1, max_size=9),
    normal=st.sampled_from([None, *LABELS]),
    weights=st.lists(
        st.lists(st.sampled_from([0.0, 0.25, 1.0, 3.0]), min_size=3, max_size=3), min_size=2, max_size=2
    ),
    counted=st.sampled_from([(0, 1, 2), (0, 0, 0, 1, 1, 2)]),
    balanced=st.booleans(),
    seed=st.integers(0, 99),
)
def test_the_loss_is_the_formula(
    labels: list[int],
    normal: str | None,
    weights: list[list[float]],
    counted: tuple[int, ...],
    balanced: bool,
    seed: int,
) -> None:
    weights[0][0] = weights[0][0] or 1.0  # some exit counts
    task = make(
        ExitWeights(tuple(weights[0]), tuple(weights[1])),
        labels=counted,
        normal=normal,
        class_weights="balanced" if balanced else "none",
    )
    logits = draw_logits(len(labels), seed=seed)
    total, weight = 0.0, 0.0
    for row, label in enumerate(labels):
        kind = 0 if normal is not None and LABELS[label] == normal else 1
        share = len(counted) / (len(LABELS) * counted.count(label)) if balanced else 1.0
        for exit_ in range(3):
            scores = logits[exit_][row].double().numpy()
            log_p = scores[label] - np.log(np.exp(scores).sum())
            total -= share * weights[kind][exit_] * log_p
        weight += share
    # float32 logits of size 10 against float64.
    assert float(task.loss(logits, batch_of(labels))) == pytest.approx(total / weight, rel=1e-4, abs=1e-6)


def test_without_weights_every_exit_counts_1() -> None:
    logits, batch = draw_logits(4), batch_of([0, 1, 2, 0])
    ones = ExitWeights((1.0,) * 3, (1.0,) * 3)
    assert float(make(None).loss(logits, batch)) == float(make(ones).loss(logits, batch))


def test_an_exit_that_weighs_nothing_is_left_out_altogether() -> None:
    """Not multiplied by 0, which keeps a NaN and costs a backward pass through the layers of the exit."""
    task = make(ExitWeights((0.0, 1.0, 0.0), (0.0, 1.0, 0.0)))
    logits = tuple(each.requires_grad_() for each in draw_logits(2))
    with torch.no_grad():
        logits[0][:] = float("nan")
    loss = task.loss(logits, batch_of([0, 1]))
    loss.backward()
    assert torch.isfinite(loss)
    assert [each.grad is not None for each in logits] == [False, True, False]


def test_a_weight_of_one_kind_of_image_moves_only_its_rows() -> None:
    task = make(WEIGHTS)
    logits = tuple(each.requires_grad_() for each in draw_logits(3))
    task.loss(logits, batch_of([0, 1, 2])).backward()
    assert logits[2].grad is not None
    assert logits[2].grad.abs().sum(dim=1).bool().tolist() == [False, True, True]


# A teacher


def test_one_answer_of_a_teacher_teaches_every_exit_by_its_weight() -> None:
    task, student, teacher = make(WEIGHTS), draw_logits(3), draw_logits(1, seed=1)[0].repeat(3, 1)
    batch = batch_of([0, 1, 2])
    wanted = teacher.softmax(dim=1)
    expected = 0.0
    for exit_ in range(3):
        each = -(wanted * student[exit_].log_softmax(dim=1)).sum(dim=1)
        weights = torch.tensor([WEIGHTS.normal[exit_], *[WEIGHTS.defective[exit_]] * 2])
        expected += float((each * weights).mean())
    assert float(task.distance(student, teacher, batch)) == pytest.approx(expected, rel=1e-5)


# Measuring


def test_every_exit_is_measured_and_those_that_count_are_averaged() -> None:
    task = make(ExitWeights((1.0, 1.0, 0.0), (0.0, 1.0, 0.0)))
    meter = task.meter()
    right, wrong, half = (torch.eye(3)[rows] for rows in ([0, 0, 1, 1], [2, 2, 2, 2], [0, 0, 1, 2]))
    meter.add((right, half, wrong), batch_of([0, 0, 1, 1]))
    found = meter.metrics()
    assert found == {
        "accuracy": (1.0 + 0.75) / 2,
        "macc": (1.0 + 0.75) / 2,
        "exits": [
            {"accuracy": 1.0, "macc": 1.0, "recall": {"good": 1.0, "hole": 1.0, "stain": None}},
            {"accuracy": 0.75, "macc": 0.75, "recall": {"good": 1.0, "hole": 0.5, "stain": None}},
            {"accuracy": 0.0, "macc": 0.0, "recall": {"good": 0.0, "hole": 0.0, "stain": None}},
        ],
        "images": 4,
    }


def test_an_empty_meter_has_no_figures() -> None:
    found = make(WEIGHTS).meter().metrics()
    assert (found["macc"], found["accuracy"], found["images"]) == (None, None, 0)


# What is refused


@pytest.mark.parametrize("count", [2, 4])
def test_weights_of_another_number_of_exits_are_refused(count: int) -> None:
    with pytest.raises(UsageProblem, match=f"weighs {count} exits, and small-exits has 3"):
        make(ExitWeights((1.0,) * count, (1.0,) * count))


def test_weights_for_a_network_without_exits_are_refused() -> None:
    dataset = ArrayDataset([np.zeros((4, 4), np.uint8)], labels=[0], names=LABELS)
    with pytest.raises(UsageProblem, match="small-classifier has none") as caught:
        make_task(SMALL.for_classes(LABELS), dataset, Objective("ce", exits=WEIGHTS))
    assert "dinet" in caught.value.remedy


def test_a_segmenting_network_with_exits_is_refused() -> None:
    spec = replace(SMALL_EXITS, task="segment")
    dataset = ArrayDataset([np.zeros((4, 4), np.uint8)], [np.zeros((4, 4), np.uint8)])
    with pytest.raises(UsageProblem, match="no way to train"):
        make_task(spec, dataset, Objective("bce"))
