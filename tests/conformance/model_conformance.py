"""What every model must do. Inherit `ModelConformance`, and say which model.

class TestMyNet(ModelConformance):
    model = "my-net-s"
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from edgekit.checkpoints import load_checkpoint, load_network, save_checkpoint
from edgekit.models import MODELS, ModelSpec, build_model
from edgekit.models.counting import RULES, count_cost, count_exit_macs
from edgekit.models.table import read_table
from edgekit_export.exportable import Exportable, Normalisation
from tests.conformance.exportable_conformance import ExportableConformance
from tests.edgekit.records import make_record

CHANNELS = {"grey": 1, "rgb": 3, "bgr": 3}


class ModelConformance(ExportableConformance):
    """Inherited by the tests of each model; a family is tested by one of its members.

    A model is an exportable with an entry in the registry, hence the base class.
    """

    model: str
    """Name in the registry."""

    has_exits = False
    """Set by `ExitConformance`, which a model with early exits inherits."""

    sizes: tuple[tuple[int, int], ...] = ((1, 1), (2, 3), (5, 1))
    """(height, width) to try, in multiples of the model's own multiple."""

    usual_size: tuple[int, int] = (2, 2)
    """(height, width) where one will do, in these multiples."""

    @pytest.fixture
    def spec(self) -> ModelSpec:
        return MODELS.get(self.model)

    @pytest.fixture
    def exportable(self, network: nn.Module) -> nn.Module:
        return network

    @pytest.fixture
    def classes(self, spec: ModelSpec) -> tuple[str, ...]:
        return spec.classes

    @pytest.fixture
    def network(self, spec: ModelSpec) -> nn.Module:
        return build_model(spec, seed=3).eval()

    @pytest.fixture
    def normalisation(self, spec: ModelSpec) -> Normalisation:
        """Return other numbers for every channel: a mixed-up order shows."""
        return Normalisation((0.35, 0.45, 0.4)[: spec.channels], (0.28, 0.22, 0.25)[: spec.channels])

    def draw_image(
        self, spec: ModelSpec, *, batch: int = 2, times: tuple[int, int] | None = None
    ) -> torch.Tensor:
        """Return a normalised batch whose sides are `times` the model's multiple."""
        sides = tuple(factor * spec.multiple for factor in times or self.usual_size)
        return torch.randn(batch, spec.channels, *sides, generator=torch.Generator().manual_seed(1))

    def test_registry_agrees_with_the_network(self, spec: ModelSpec, network: nn.Module) -> None:
        assert isinstance(network, Exportable)
        contract = network.export_input()
        assert network.task == spec.task
        assert CHANNELS[contract.channels] == spec.channels
        assert contract.multiple == spec.multiple
        assert contract.default_size == spec.size
        assert all(side % spec.multiple == 0 for side in spec.size)
        assert len(spec.classes) >= 2
        assert len(set(spec.classes)) == len(spec.classes)
        assert spec.flops_rule in RULES
        assert spec.normal_class is None or spec.normal_class in spec.classes
        assert bool(spec.exit_thresholds) == self.has_exits
        assert bool(spec.parts) == self.has_exits
        if spec.task == "segment":
            assert spec.normal_class == spec.classes[0]

    def test_its_head_follows_the_classes_and_nothing_else_does(self, spec: ModelSpec) -> None:
        if spec.task == "segment":
            assert spec.head == ()
            return
        more = spec.for_classes([*spec.classes, "one more"])
        with torch.device("meta"):
            before, after = build_model(spec).state_dict(), build_model(more).state_dict()
        assert before.keys() == after.keys()
        changed = {name for name in before if before[name].shape != after[name].shape}
        assert changed == {name for name in before if name.startswith(spec.head)}
        assert changed

    def test_outputs_have_the_documented_shape_and_are_finite(
        self, spec: ModelSpec, network: nn.Module
    ) -> None:
        for times in self.sizes:
            image = self.draw_image(spec, times=times)
            with torch.no_grad():
                answers = run_stages(network, image)
            assert all(torch.isfinite(tensor).all() for tensor in answers.values()), times
            assert all(tensor.dtype == torch.float32 for tensor in answers.values()), times
            if spec.task == "segment":
                maps = 1 if len(spec.classes) == 2 else len(spec.classes)
                assert answers["logits"].shape == (2, maps, *image.shape[2:])
            else:
                assert answers.keys() == {stage.exit.output for stage in network.stages()}
                for probabilities in answers.values():
                    assert probabilities.shape == (2, len(spec.classes))
                    assert (probabilities >= 0).all(), times
                    # Float32 sums of a few numbers below one: far from what a missing softmax gives.
                    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2), rtol=0, atol=1e-5)

    def test_forward_gives_logits(self, spec: ModelSpec, network: nn.Module) -> None:
        image = self.draw_image(spec)
        with torch.no_grad():
            logits, answers = network(image), run_stages(network, image)
        if spec.task == "segment":
            assert torch.equal(logits, answers["logits"])
        else:
            (only,) = network.stages()
            torch.testing.assert_close(torch.softmax(logits, dim=1), answers[only.exit.output])

    def test_rows_of_a_batch_do_not_touch_each_other(self, spec: ModelSpec, network: nn.Module) -> None:
        image = self.draw_image(spec)
        with torch.no_grad():
            together = run_stages(network, image)
            alone = run_stages(network, image[1:])
        for name, tensor in together.items():
            # Other batch sizes may sum in another order: float32 noise, far below a logit that matters.
            torch.testing.assert_close(tensor[1:], alone[name], rtol=1e-4, atol=1e-5)

    def test_stages_share_the_parameters_of_the_network(self, network: nn.Module) -> None:
        owned = {id(parameter) for parameter in network.parameters()}
        used = {
            id(parameter) for stage in network.stages() for parameter in nn.Module.parameters(stage.module)
        }
        assert used == owned

    def test_the_seed_decides_the_weights(self, spec: ModelSpec) -> None:
        first, again, other = (build_model(spec, seed=seed).state_dict() for seed in (5, 5, 6))
        assert all(torch.equal(first[name], again[name]) for name in first)
        assert any(not torch.equal(first[name], other[name]) for name in first)

    def test_building_with_a_seed_leaves_the_random_state(self, spec: ModelSpec) -> None:
        before = torch.random.get_rng_state()
        build_model(spec, seed=5)
        assert torch.equal(torch.random.get_rng_state(), before)

    def test_state_survives_a_checkpoint(self, spec: ModelSpec, network: nn.Module, tmp_path: Path) -> None:
        image = self.draw_image(spec)
        record = make_record(spec.name, classes=spec.classes, normal_class=spec.normal_class)
        save_checkpoint(tmp_path / "checkpoint", record, network.state_dict())
        restored = load_network(*load_checkpoint(tmp_path / "checkpoint"))
        assert not restored.training
        state = restored.state_dict()
        assert state.keys() == network.state_dict().keys()
        assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())
        with torch.no_grad():
            expected, found = run_stages(network, image), run_stages(restored, image)
        assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())

    @pytest.mark.parametrize("rule", list(RULES))
    def test_counts_are_positive_and_leave_the_network_as_it_was(
        self, spec: ModelSpec, network: nn.Module, rule: str
    ) -> None:
        state = {name: tensor.clone() for name, tensor in network.train().state_dict().items()}
        shape = (spec.channels, spec.multiple, spec.multiple)
        cost = count_cost(network, shape, rule=rule)
        assert cost.operations > 0
        assert cost.parameters == sum(prod(parameter.shape) for parameter in network.parameters())
        assert all(module.training for module in network.modules())
        assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in state.items())
        assert not any(module._forward_hooks for module in network.modules())

    def test_the_table_that_ships_is_what_the_counter_says(self, spec: ModelSpec, network: nn.Module) -> None:
        rows = {row["name"]: row for row in read_table()["models"]}
        if spec.name not in rows:  # a member of a family: the table holds the models with names of their own
            assert spec.name not in {named.name for named in MODELS}
            return
        macs = count_cost(network, spec.input_shape, rule="macs")
        flops = count_cost(network, spec.input_shape, rule=spec.flops_rule)
        row = rows[spec.name]
        assert (row["parameters"], row["macs"], row["flops"]) == (
            macs.parameters,
            macs.operations,
            flops.operations,
        )
        exits = count_exit_macs(network, spec.input_shape) if spec.exit_thresholds else ()
        assert [(leaving["threshold"], leaving["macs"]) for leaving in row["exits"]] == list(
            zip(spec.exit_thresholds, exits, strict=True)
        )
        assert row["input"] == list(spec.input_shape)
        assert row["flops_rule"] == spec.flops_rule

    def test_a_gradient_reaches_every_parameter(self, spec: ModelSpec) -> None:
        network = build_model(spec, seed=3).train()
        answers = run_stages(network, self.draw_image(spec, batch=4))
        sum((tensor**2).mean() for tensor in answers.values()).backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            if not _feeds_batchnorm(network, name):
                assert (parameter.grad != 0).any(), name


def _feeds_batchnorm(network: nn.Module, parameter: str) -> bool:
    """A convolution's bias before BatchNorm: its exact gradient is zero, for the norm subtracts it again."""
    owner, _, kind = parameter.rpartition(".")
    siblings = list(network.get_submodule(owner.rpartition(".")[0]).children())
    following = siblings[siblings.index(network.get_submodule(owner)) + 1 :]
    return kind == "bias" and bool(following) and isinstance(following[0], nn.BatchNorm2d)


def run_stages(network: Any, image: torch.Tensor) -> dict[str, torch.Tensor]:
    """Run the stages one after the other, as a bundle does, and return every output that is not carried."""
    answers: dict[str, torch.Tensor] = {}
    carried: dict[str, torch.Tensor] | None = None
    for stage in network.stages():
        inputs = (image,) if carried is None else tuple(carried[name] for name in stage.inputs)
        results = stage.module(*inputs)
        named = dict(zip(stage.outputs, results if isinstance(results, tuple) else (results,), strict=True))
        carried = {name: named[name] for name in stage.carries}
        answers |= {name: tensor for name, tensor in named.items() if name not in carried}
    return answers
