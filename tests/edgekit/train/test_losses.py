"""Losses against their definition."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from edgekit.train.losses import LOSSES

MASK = (torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.7).to(torch.uint8)


def test_bce_equals_the_papers_bce_on_the_sigmoid() -> None:
    logits = 3 * torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    expected = F.binary_cross_entropy(torch.sigmoid(logits), MASK.unsqueeze(1).float())
    # Two float32 ways to one number: agreement to a few units in the last place.
    torch.testing.assert_close(LOSSES["bce"](logits, MASK), expected, rtol=1e-5, atol=1e-6)


def test_bce_by_hand() -> None:
    logits = torch.zeros(1, 1, 2, 2)
    assert float(LOSSES["bce"](logits, torch.ones(1, 2, 2, dtype=torch.uint8))) == pytest.approx(
        0.693147, abs=1e-6
    )


def test_bce_does_not_overflow() -> None:
    logits = torch.full((3, 1, 8, 8), 500.0)
    assert torch.isfinite(LOSSES["bce"](logits, MASK))


def test_another_shape_is_an_error_not_a_broadcast() -> None:
    with pytest.raises(ValueError, match="size"):
        LOSSES["bce"](torch.zeros(3, 1, 8, 8), MASK[:1])
