"""A global threshold must not find the defects, local texture must."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edgekit.data.synthetic import render

Image = npt.NDArray[np.uint8]


def otsu_threshold(image: Image) -> int:
    """Return the grey level that maximises the variance between the pixels up to it and those above."""
    share = np.bincount(image.ravel(), minlength=256) / image.size
    weight, moment = np.cumsum(share), np.cumsum(share * np.arange(256))
    spread = weight * (1.0 - weight)
    between = np.divide((moment[-1] * weight - moment) ** 2, spread, out=np.zeros(256), where=spread > 1e-12)
    return int(np.argmax(between))


def pooled_miou(truths: list[Image], guesses: list[npt.NDArray[np.bool_]]) -> float:
    truth, guess = np.stack(truths).astype(bool), np.stack(guesses)
    ious = [
        np.sum((truth == label) & (guess == label)) / np.sum((truth == label) | (guess == label))
        for label in (False, True)
    ]
    return float(np.mean(ious))


def test_otsu_separates_two_grey_levels() -> None:
    image = np.array([[10, 12, 200], [11, 205, 210]], dtype=np.uint8)
    assert 12 <= otsu_threshold(image) < 200


@pytest.mark.parametrize("kind", range(1, 11))
def test_otsu_does_not_solve_the_class(kind: int) -> None:
    pairs = [render(kind, index, defective=True) for index in range(8)]
    truths = [mask for _, mask in pairs]
    bright = [image > otsu_threshold(image) for image, _ in pairs]
    dark = [~guess for guess in bright]
    assert max(pooled_miou(truths, bright), pooled_miou(truths, dark)) < 0.5


@pytest.mark.parametrize("kind", range(1, 11))
def test_defects_differ_from_their_surroundings_in_local_texture(kind: int) -> None:
    scores = [_separation(*render(kind, index, defective=True)) for index in range(6)]
    # An ellipse put anywhere without a defect scores about 0.5 on average; see the test below.
    assert np.median(scores) > 0.8


def test_separation_of_no_defect_is_near_chance() -> None:
    scores = []
    for index in range(12):
        image, _ = render(6, index, defective=False)
        _, mask = render(6, index, defective=True)
        scores.append(_separation(image, mask))
    assert np.median(scores) < 0.75


def _separation(image: Image, mask: Image) -> float:
    """Return how well the best local feature ranks blocks in the ellipse's core above the others (AUC)."""
    best = 0.5
    core = _blocks(mask.astype(float), 16) > 0.8
    away = _blocks(mask.astype(float), 16) == 0.0
    for feature in _features(image.astype(float)):
        inside, outside = feature[core], feature[away]
        auc = float(np.mean(inside[:, None] > outside[None, :]))
        best = max(best, auc, 1.0 - auc)
    return best


def _features(image: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
    """Return per 16 px block: mean, extremes, and the energy of differences at several distances."""
    step = [np.abs(image - np.roll(image, lag, axis)) for lag in (1, 2, 4, 8) for axis in (0, 1)]
    tiles = image.reshape(image.shape[0] // 16, 16, image.shape[1] // 16, 16)
    return [
        _blocks(image, 16),
        tiles.min(axis=(1, 3)),
        tiles.max(axis=(1, 3)),
        *(_blocks(s, 16) for s in step),
    ]


def _blocks(values: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.float64]:
    height, width = values.shape
    return values.reshape(height // side, side, width // side, side).mean(axis=(1, 3))
