"""Losses against their definitions, by hand, and blind to padding."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from edgekit.train.losses import CLASSIFYING, SEGMENTING, binary_cross_entropy, cross_entropy

GENERATOR = torch.Generator().manual_seed(0)
MASK = (torch.rand(3, 8, 8, generator=GENERATOR) > 0.7).to(torch.uint8)
LOGITS = 3 * torch.randn(3, 1, 8, 8, generator=GENERATOR)


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def define_bce(found: np.ndarray, truth: np.ndarray) -> float:
    """−[g·ln p + (1 − g)·ln(1 − p)], mean over all pixels."""
    return float(-(truth * np.log(found) + (1 - truth) * np.log(1 - found)).mean())


def define_dice(found: np.ndarray, truth: np.ndarray) -> float:
    """LOS-UNet: 1 − (2Σpg + ε) / (Σp² + Σg² + ε), ε = 1, sums per image, then the mean."""
    terms = [
        1 - (2 * (p * g).sum() + 1) / ((p**2).sum() + (g**2).sum() + 1)
        for p, g in zip(found, truth, strict=True)
    ]
    return float(np.mean(terms))


def define_tversky(found: np.ndarray, truth: np.ndarray) -> float:
    """U-BiNet: 1 − (TP + ε) / (TP + 0.3·FP + 0.7·FN + ε), ε = 1e-6, soft counts."""
    hits, alarms, misses = (
        (found * truth).sum(),
        (found * (1 - truth)).sum(),
        ((1 - found) * truth).sum(),
    )
    return float(1 - (hits + 1e-6) / (hits + 0.3 * alarms + 0.7 * misses + 1e-6))


DEFINITIONS = {
    "bce": define_bce,
    "dice": define_dice,
    "dice-bce": lambda found, truth: define_dice(found, truth) + 0.5 * define_bce(found, truth),
    "tversky": define_tversky,
}


def test_every_loss_has_a_definition_here() -> None:
    assert DEFINITIONS.keys() == SEGMENTING.keys()
    assert set(CLASSIFYING) == {"ce"}


@pytest.mark.parametrize("name", list(DEFINITIONS))
def test_a_loss_is_what_its_paper_says(name: str) -> None:
    found = torch.sigmoid(LOGITS.double()).numpy()[:, 0]
    expected = DEFINITIONS[name](found, MASK.numpy().astype(float))
    # float32 against float64 over 192 pixels: a few units in the last place.
    assert float(SEGMENTING[name](LOGITS, MASK, None)) == pytest.approx(expected, rel=2e-5)


def test_bce_equals_the_papers_bce_on_the_sigmoid() -> None:
    logits = LOGITS.double()
    expected = F.binary_cross_entropy(torch.sigmoid(logits), MASK.unsqueeze(1).double())
    # Two ways to one number, in float64: in float32 the sigmoid of 10 has already lost four digits of 1 − p.
    torch.testing.assert_close(binary_cross_entropy(logits, MASK), expected, rtol=1e-9, atol=0)


def test_by_hand() -> None:
    """Two pixels: p = (0.75, 0.25), g = (1, 0)."""
    logits = torch.tensor([logit(0.75), logit(0.25)]).view(1, 1, 1, 2)
    mask = torch.tensor([[[1, 0]]], dtype=torch.uint8)
    expected = {
        "bce": -math.log(0.75),
        "dice": 1 - (2 * 0.75 + 1) / (0.5625 + 0.0625 + 1 + 1),
        # TP 0.75, FP 0.25, FN 0.25.
        "tversky": 1 - 0.75 / (0.75 + 0.3 * 0.25 + 0.7 * 0.25),
    }
    expected["dice-bce"] = expected["dice"] + 0.5 * expected["bce"]
    for name, value in expected.items():
        assert float(SEGMENTING[name](logits, mask, None)) == pytest.approx(value, abs=2e-6), name


def test_a_miss_costs_tversky_more_than_a_false_alarm() -> None:
    truth = torch.tensor([[[1, 1, 0, 0]]], dtype=torch.uint8)
    missing = torch.tensor([9.0, -9, -9, -9]).view(1, 1, 1, 4)
    alarming = torch.tensor([9.0, 9, 9, -9]).view(1, 1, 1, 4)
    assert SEGMENTING["tversky"](missing, truth, None) > SEGMENTING["tversky"](alarming, truth, None) + 0.1


@pytest.mark.parametrize("size", [5e2, 1e4, 1e30])
@pytest.mark.parametrize("name", list(SEGMENTING))
@pytest.mark.parametrize(
    "mask", [torch.zeros(3, 8, 8), torch.ones(3, 8, 8), MASK], ids=["none", "all", "some"]
)
def test_extreme_logits_stay_finite_and_so_do_their_gradients(
    name: str, size: float, mask: torch.Tensor
) -> None:
    for sign in (1, -1):
        logits = torch.full((3, 1, 8, 8), sign * size, requires_grad=True)
        loss = SEGMENTING[name](logits, mask.to(torch.uint8), None)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(logits.grad).all()


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=3),
    filling=st.floats(-1e4, 1e4, width=32),
    seed=st.integers(0, 2**31),
)
@pytest.mark.parametrize("name", list(SEGMENTING))
def test_padding_does_not_count_whatever_it_holds(
    name: str, sizes: list[tuple[int, int]], filling: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    frames = [generator.normal(0, 3, size).astype(np.float32) for size in sizes]
    masks = [generator.integers(0, 2, size).astype(np.uint8) for size in sizes]
    side = 8
    logits = torch.full((len(sizes), 1, side, side), filling, requires_grad=True)
    truth = torch.from_numpy(generator.integers(0, 2, (len(sizes), side, side)).astype(np.uint8))
    counts = torch.zeros(len(sizes), side, side, dtype=torch.bool)
    with torch.no_grad():
        for row, (height, width) in enumerate(sizes):
            logits[row, 0, :height, :width] = torch.from_numpy(frames[row])
            truth[row, :height, :width] = torch.from_numpy(masks[row])
            counts[row, :height, :width] = True
    loss = SEGMENTING[name](logits, truth, counts)
    assert float(loss.detach()) == pytest.approx(evaluate_alone(name, frames, masks), rel=1e-4, abs=1e-6)
    loss.backward()
    assert not logits.grad[~counts.unsqueeze(1)].any()


def evaluate_alone(name: str, frames: list[np.ndarray], masks: list[np.ndarray]) -> float:
    """The definition over the frames themselves: sums over all their pixels (bce, tversky), per image (dice)."""

    def sigmoid(values: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-values.astype(np.float64)))

    if name == "dice-bce":
        return evaluate_alone("dice", frames, masks) + 0.5 * evaluate_alone("bce", frames, masks)
    if name == "dice":
        each = [define_dice(sigmoid(f)[None], m[None]) for f, m in zip(frames, masks, strict=True)]
        return float(np.mean(each))
    pixels = np.concatenate([sigmoid(frame).reshape(-1) for frame in frames])
    truth = np.concatenate([mask.reshape(-1) for mask in masks]).astype(float)
    return DEFINITIONS[name](pixels, truth)


def test_a_positive_weight_by_hand() -> None:
    """p = (0.8, 0.3), g = (1, 0), weight 5 on the defective pixel: the mean is over pixels, as torch's own."""
    logits = torch.tensor([logit(0.8), logit(0.3)]).view(1, 1, 1, 2)
    mask = torch.tensor([[[1, 0]]], dtype=torch.uint8)
    expected = (-5 * math.log(0.8) - math.log(0.7)) / 2
    assert float(binary_cross_entropy(logits, mask, positive_weight=5.0)) == pytest.approx(expected, rel=1e-5)


def test_weights_by_hand() -> None:
    logits = torch.tensor([logit(0.8), logit(0.3), 50.0]).view(1, 1, 1, 3)
    mask = torch.tensor([[[1, 0, 0]]], dtype=torch.uint8)
    weights = torch.tensor([[[3.0, 0.5, 0.0]]])
    expected = (-3 * math.log(0.8) - 0.5 * math.log(0.7)) / 3.5
    assert float(binary_cross_entropy(logits, mask, weights)) == pytest.approx(expected, rel=1e-5)


def test_another_shape_is_an_error_not_a_broadcast() -> None:
    with pytest.raises(ValueError, match="size"):
        binary_cross_entropy(torch.zeros(3, 1, 8, 8), MASK[:1])


def test_cross_entropy_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]]))
    labels = torch.tensor([0, 2])
    assert float(cross_entropy(logits, labels)) == pytest.approx(
        -(math.log(0.7) + math.log(0.3)) / 2, rel=1e-5
    )
    weighted = cross_entropy(logits, labels, class_weights=torch.tensor([3.0, 1.0, 1.0]))
    assert float(weighted) == pytest.approx(-(3 * math.log(0.7) + math.log(0.3)) / 4, rel=1e-5)


def test_cross_entropy_of_extreme_logits_is_finite() -> None:
    assert torch.isfinite(cross_entropy(torch.tensor([[1e4, -1e4, 0.0]]), torch.tensor([1])))
