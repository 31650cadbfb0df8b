"""The networks of these tests, settled once, and what they are exported with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgekit_export.exportable import Normalisation
from tests.export.building import Built, build
from tests.export.networks import Classifier, ClassSegmenter, Segmenter, settle

SIZE = (32, 48)


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Two workers on two cores: more threads than that only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def segmenter() -> Segmenter:
    return settle(Segmenter(), 1)


@pytest.fixture(scope="session")
def class_segmenter() -> ClassSegmenter:
    return settle(ClassSegmenter(), 3)


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return settle(Classifier(), 1)


@pytest.fixture(scope="session")
def grey() -> Normalisation:
    return Normalisation((0.348,), (0.278,))


@pytest.fixture(scope="session")
def colour() -> Normalisation:
    return Normalisation((0.4, 0.5, 0.3), (0.2, 0.25, 0.3))


@pytest.fixture(scope="session")
def grey_frames() -> np.ndarray:
    return smooth_frames((*SIZE,))


@pytest.fixture(scope="session")
def colour_frames() -> np.ndarray:
    return smooth_frames((*SIZE, 3))


def smooth_frames(shape: tuple[int, ...], count: int = 3) -> np.ndarray:
    """Return textures with a bright spot, uint8 (count, *shape)."""
    rng = np.random.default_rng(3)
    frames = rng.integers(60, 120, (count, *shape), np.uint8)
    for index, frame in enumerate(frames):
        frame[4 + index : 10 + index, 8:16] = 230
    return frames


@pytest.fixture(scope="session")
def built_segmenter(segmenter, grey, grey_frames) -> Built:
    return build(segmenter, grey, grey_frames, classes=1)


@pytest.fixture(scope="session")
def built_class_segmenter(class_segmenter, colour, colour_frames) -> Built:
    return build(class_segmenter, colour, colour_frames, classes=3)


@pytest.fixture(scope="session")
def built_classifier(classifier, grey, grey_frames) -> Built:
    return build(classifier, grey, grey_frames, classes=3)
