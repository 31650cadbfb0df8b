"""What TensorRT-RTX must make of every exportable. Inherited through `ExportableConformance`."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit_export import export_bundle
from edgekit_export.compiling import compile_stages, make_check, render_check
from edgekit_export.precision.request import Calibration, PrecisionRequest
from edgekit_runtime.backends.tensorrt.compute_capability import DEFAULT_TARGETS
from edgekit_runtime.backends.tensorrt.profiles import Batches
from edgekit_runtime.bundle import Bundle, ModelInfo, Provenance

BATCHES = Batches(1, 2, 8)


class CompilingConformance:
    """Compiles the stages of the exported bundle for every target in one build.

    A compile check says nothing of Jetson and nothing of speed. The engines are not run: that needs a GPU.
    """

    compiled: tuple[tuple[str, int | None], ...] = (("fp32", None), ("fp32", 1), ("fp16", 1), ("int8", None))
    """Precision and batch of each export; the whole matrix is `make compile-all`."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Let a subclass choose."""
        if "compiled_precision" in metafunc.fixturenames:
            metafunc.parametrize(("compiled_precision", "batch"), self.compiled)

    def request_precision(self, name: str, frames) -> PrecisionRequest:
        """Return what an export to this precision is asked for; its cost is no matter here."""
        if name != "int8":
            return PrecisionRequest(name, max_drop=100)
        return PrecisionRequest(name, Calibration(frames, "test frames", "00" * 32), max_drop=100)

    @pytest.mark.slow
    def test_it_compiles_for_every_target(
        self, exportable, classes, normalisation, size, frames, batch, compiled_precision, tmp_path: Path
    ):
        pytest.importorskip("tensorrt_rtx", reason="compiling needs TensorRT-RTX (edgekit[tensorrt-rtx])")
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
            precision=self.request_precision(compiled_precision, frames),
            target="tensorrt",
        )
        bundle = Bundle.open(report.path)
        stages = [(stage, bundle.read(stage.file)) for stage in bundle.manifest.stages]
        check = make_check(compile_stages(stages, batches=BATCHES if batch is None else None))
        assert check.targets == DEFAULT_TARGETS
        assert not check.faults, render_check(check)
        for stage in check.stages:
            assert stage.layers <= stage.nodes, render_check(check)
        if exportable.task == "segment":
            assert check.stages[-1].outputs["mask"] == "UInt8"
        else:
            assert set(check.stages[-1].outputs.values()) == {"Float"}
