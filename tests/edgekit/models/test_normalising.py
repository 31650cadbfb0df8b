"""From frames to what a network sees."""

from __future__ import annotations

import numpy as np
import torch

from edgekit.models.normalising import normalise
from edgekit_export.exportable import Normalisation


def test_grey_frames_follow_the_documented_formula() -> None:
    frames = torch.arange(2 * 4 * 4, dtype=torch.uint8).reshape(2, 4, 4)
    found = normalise(frames, Normalisation((0.4,), (0.2,)))
    expected = (frames.numpy().astype(np.float64) / 255 - 0.4) / 0.2
    assert found.shape == (2, 1, 4, 4)
    assert found.dtype == torch.float32
    # float32 has 24 bits; values are below 3.
    assert np.allclose(found.numpy()[:, 0], expected, atol=1e-6)


def test_colour_is_normalised_by_channel() -> None:
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (2, 4, 5, 3), dtype=torch.uint8, generator=generator)
    mean, std = (0.1, 0.2, 0.3), (1.0, 2.0, 4.0)
    found = normalise(frames, Normalisation(mean, std))
    assert found.shape == (2, 3, 4, 5)
    expected = (frames[1, 2, 3].double() / 255 - torch.tensor(mean)) / torch.tensor(std)
    assert torch.allclose(found[1, :, 2, 3].double(), expected.double(), atol=1e-6)


def test_another_scale() -> None:
    frames = torch.full((1, 2, 2), 100, dtype=torch.uint8)
    assert float(normalise(frames, Normalisation((0.0,), (1.0,), scale=100.0))[0, 0, 0, 0]) == 1.0


def test_the_frames_stay_as_they_were() -> None:
    frames = torch.full((1, 2, 2), 100, dtype=torch.uint8)
    normalise(frames, Normalisation((0.5,), (0.5,)))
    assert (frames == 100).all()
