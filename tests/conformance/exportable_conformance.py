"""What every exportable must do. Inherit `ExportableConformance`, and give it the network.

    class TestMyNetwork(ExportableConformance):
        @pytest.fixture
        def exportable(self):
            return MyNetwork()

Weights may be random; they need not be trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgekit_export import Normalisation, argument_checks, export_bundle, render_parity, tracing
from edgekit_export.graph_io import to_bytes
from edgekit_export.macs import count_macs
from edgekit_runtime.bundle import Bundle, ModelInfo, Provenance
from edgekit_runtime.verification import verify_bundle
from tests.conformance.compiling_conformance import CompilingConformance


class ExportableConformance(CompilingConformance):
    """Inherited by the tests of each exportable network."""

    smallest_sides = (32, 48)
    """Height and width are the next multiples that the network takes: small, and not square."""

    @pytest.fixture
    def exportable(self) -> Any:
        """Return the network."""
        raise NotImplementedError

    @pytest.fixture
    def classes(self) -> tuple[str, ...]:
        """Return the class names; one defect class by default."""
        return ("background", "defect")

    @pytest.fixture
    def normalisation(self) -> Normalisation:
        return Normalisation((0.348,), (0.278,))

    @pytest.fixture
    def size(self, exportable) -> tuple[int, int]:
        multiple = exportable.export_input().multiple
        height, width = (-(-side // multiple) * multiple for side in self.smallest_sides)
        return height, width

    @pytest.fixture
    def frames(self, exportable, size) -> list[np.ndarray]:
        """Return grey texture with a bright spot."""
        colours = () if exportable.export_input().channels == "grey" else (3,)
        rng = np.random.default_rng(1)
        frames = rng.integers(60, 120, (2, *size, *colours), np.uint8)
        frames[:, 4:10, 8:16] = 230
        return list(frames)

    @pytest.fixture
    def traced(self, exportable, size):
        return tracing.trace_stages(exportable, size=size, batch=None)

    def test_it_is_exportable(self, exportable):
        assert tracing.is_exportable(exportable)
        assert exportable.task in ("segment", "classify")

    def test_its_stages_fit_together(self, exportable):
        argument_checks.check_stages(exportable.stages(), exportable.task)

    def test_its_stages_are_the_same_at_every_call(self, exportable):
        def stated() -> list[tuple[object, ...]]:
            stages: Sequence[Any] = exportable.stages()
            return [(item.name, item.inputs, item.outputs, item.carries, item.exit) for item in stages]

        assert stated() == stated()

    def test_its_default_size_is_one_that_it_takes(self, exportable):
        entry = exportable.export_input()
        argument_checks.check_size(entry.default_size, entry.multiple)

    def test_tracing_again_gives_the_same_bytes_and_leaves_it_alone(self, exportable, size, traced):
        before = {name: tensor.clone() for name, tensor in exportable.state_dict().items()}
        modes = [module.training for module in exportable.modules()]
        again = tracing.trace_stages(exportable, size=size, batch=None)
        assert [to_bytes(model) for model in again] == [to_bytes(model) for model in traced]
        assert [module.training for module in exportable.modules()] == modes
        assert all(torch.equal(tensor, before[name]) for name, tensor in exportable.state_dict().items())

    def test_macs_are_those_of_its_modules(self, exportable, traced, normalisation, frames):
        counted = _count_modules(exportable, normalisation, frames[0])
        assert sum(count_macs(model) for model in traced) == counted

    @pytest.mark.parametrize("batch", [None, 2])
    def test_its_bundle_answers_like_it(
        self, exportable, classes, normalisation, size, frames, batch, tmp_path: Path
    ):
        report = export_bundle(
            exportable,
            out=tmp_path / "network.edgekit",
            name="network",
            model_info=ModelInfo("network", exportable.task, classes, classes[0], "", 0),
            normalisation=normalisation,
            samples=frames,
            provenance=Provenance("untrained", "0" * 64, "", None),
            size=size,
            batch=batch,
        )
        assert all(check.ok for check in report.checks), render_parity(report.checks)
        stages = Bundle.open(report.path).manifest.stages
        assert [stage.name for stage in stages] == [stage.name for stage in exportable.stages()]
        verified = verify_bundle(report.path, backend="onnxruntime", device="cpu")
        assert verified.ok, verified.checks


def _count_modules(network: Any, normalisation: Normalisation, frame: np.ndarray) -> int:
    """Count multiply-accumulates by hooks on the modules, one frame through every stage."""
    reference = tracing.Reference(network, normalisation)
    total = 0

    def count(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, torch.nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, torch.nn.ConvTranspose2d):
            total += inputs[0].numel() * module.weight[0].numel()
        elif isinstance(module, torch.nn.Linear):
            total += output.numel() * module.in_features

    leaves = {
        leaf for stage in reference.stages for leaf in stage.module.modules() if not any(leaf.children())
    }
    for leaf in leaves:
        leaf.register_forward_hook(count)
    reference.run(frame[np.newaxis])
    return total
