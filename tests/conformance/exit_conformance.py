"""What every model with early exits must do besides. Inherit `ExitConformance` in place of `ModelConformance`."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import nn

from edgekit.models import ModelSpec, build_model
from edgekit.models.counting import count_cost, count_exit_macs
from tests.conformance.model_conformance import ModelConformance, run_stages


class ExitConformance(ModelConformance):
    """Inherited by the tests of each model whose images may leave before the last stage."""

    has_exits = True

    def test_every_stage_ends_in_an_exit_of_the_agreed_names(
        self, spec: ModelSpec, network: nn.Module
    ) -> None:
        stages = network.stages()
        count = len(spec.exit_thresholds)
        assert count > 1
        assert [stage.name for stage in stages] == [f"exit{number}" for number in range(1, count + 1)]
        assert [stage.exit.output for stage in stages] == [f"p{number}" for number in range(1, count + 1)]
        assert tuple(stage.exit.threshold for stage in stages) == spec.exit_thresholds
        assert [stage.carries for stage in stages] == [
            *((f"features{number}",) for number in range(1, count)),
            (),
        ]

    def test_thresholds_are_confidences_that_the_classes_can_reach(self, spec: ModelSpec) -> None:
        # A confidence is never below 1 / classes: an exit of such a threshold would let nothing on.
        assert all(1 / len(spec.classes) < threshold < 1 for threshold in spec.exit_thresholds)

    def test_forward_gives_logits(self, spec: ModelSpec, network: nn.Module) -> None:
        image = self.draw_image(spec)
        with torch.no_grad():
            logits, answers = network(image), run_stages(network, image)
        assert isinstance(logits, tuple), "a network with exits answers with a tuple, one entry per exit"
        assert [answer.shape for answer in logits] == [(2, len(spec.classes))] * len(spec.exit_thresholds)
        for number, answer in enumerate(logits, 1):
            assert torch.equal(torch.softmax(answer, dim=1), answers[f"p{number}"]), number

    def test_everything_learned_belongs_to_one_part(self, spec: ModelSpec, network: nn.Module) -> None:
        # Running statistics, too: what is frozen must not count batches on.
        owners = {
            name: [part for part, starts in spec.parts.items() if name.startswith(starts)]
            for name in network.state_dict()
        }
        assert all(len(parts) == 1 for parts in owners.values()), owners
        starts = [start for names in spec.parts.values() for start in names]
        assert all(any(name.startswith(start) for name in owners) for start in starts), starts

    def test_the_last_exit_does_not_see_the_early_part(self, spec: ModelSpec, network: nn.Module) -> None:
        """Phase 2 of the training rests on it: what phase 1 learned stays, bit for bit."""
        image = self.draw_image(spec)
        with torch.no_grad():
            before = network(image)
            for parameter in _parameters_of(network, spec, "early"):
                parameter.add_(0.1)
            after = network(image)
        assert torch.equal(after[-1], before[-1])
        assert not any(torch.equal(*pair) for pair in zip(after[:-1], before[:-1], strict=True))

    @pytest.mark.parametrize(
        ("part", "exits"), [("final", slice(-1, None)), ("early", slice(0, -1))], ids=["final", "early"]
    )
    def test_each_phase_trains_its_whole_part_and_nothing_else(
        self, spec: ModelSpec, part: str, exits: slice
    ) -> None:
        network = build_model(spec, seed=3).train()
        trained = _parameters_of(network, spec, part)
        for parameter in network.parameters():
            parameter.requires_grad = any(parameter is other for other in trained)
        logits = network(self.draw_image(spec, batch=4))
        sum((answer**2).mean() for answer in logits[exits]).backward()
        for name, parameter in network.named_parameters():
            reached = parameter.grad is not None and bool((parameter.grad != 0).any())
            assert reached == name.startswith(spec.parts[part]), name

    def test_leaving_later_costs_more_and_the_last_exit_everything(
        self, spec: ModelSpec, network: nn.Module
    ) -> None:
        spent = count_exit_macs(network, spec.input_shape)
        assert len(spent) == len(spec.exit_thresholds)
        assert list(spent) == sorted(set(spent))
        assert spent[-1] == count_cost(network, spec.input_shape).operations


def _parameters_of(network: nn.Module, spec: ModelSpec, part: str) -> Sequence[nn.Parameter]:
    return [value for name, value in network.named_parameters() if name.startswith(spec.parts[part])]
