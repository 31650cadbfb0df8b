"""BatchNorm statistics for networks whose fresh ones tell nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.models import ModelSpec, build_model
from tests.conformance.model_conformance import ModelConformance


class SettledConformance(ModelConformance):
    """Gives the network the BatchNorm statistics of some noise.

    A MobileNetV3 as it is initialised, with means 0 and variances 1, shrinks its maps to 1e-6 of the image: below what
    half precision can hold, and every image gets the same answer.
    """

    @pytest.fixture
    def network(self, spec: ModelSpec) -> nn.Module:
        network = build_model(spec, seed=3)
        norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = None  # the plain mean of all batches, so that one is enough
        with torch.no_grad():
            network.train()(self.draw_image(spec, batch=8))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        return network.eval()

    def test_two_images_get_different_answers(self, spec: ModelSpec, network: nn.Module) -> None:
        with torch.no_grad():
            logits = network(self.draw_image(spec))
        for answer in logits if isinstance(logits, tuple) else (logits,):
            assert (answer[0] - answer[1]).abs().max() > 1e-3
