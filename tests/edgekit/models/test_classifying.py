"""From logits to the bundle's probabilities."""

from __future__ import annotations

import torch
from torch import nn

from edgekit.models.classifying import make_only_stage


def test_the_stage_answers_the_softmax_of_the_logits_and_always_answers() -> None:
    network = nn.Flatten()
    (stage,) = make_only_stage(network)
    logits = torch.tensor([[[[0.0, 1.0]]], [[[3.0, -2.0]]]])
    expected = torch.exp(logits.flatten(1))
    expected = expected / expected.sum(dim=1, keepdim=True)
    torch.testing.assert_close(stage.module(logits), expected)
    assert stage.exit.output == stage.outputs[0] == "probabilities"
    assert stage.exit.threshold == 0
    assert stage.module.network is network
