from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch

from edgekit_export import export_bundle
from edgekit_export.parity import ParityFailed
from edgekit_export.passes.fold_batchnorm import FoldBatchNorm
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import CheckpointError, GateFailed, UsageProblem
from edgekit_runtime.verification import verify_bundle
from tests.export.building import PROVENANCE, model_info
from tests.export.networks import Classifier, ClassSegmenter, Segmenter, settle


@pytest.fixture(scope="module")
def export(grey, colour, grey_frames, colour_frames):
    """Return a function that exports a network of the tests."""

    def run(network, out: Path, **more):
        coloured = isinstance(network, ClassSegmenter)
        classes = 1 if isinstance(network, Segmenter) else 3
        arguments = {
            "name": "test",
            "model_info": model_info(network.task, classes),
            "normalisation": colour if coloured else grey,
            "samples": list(colour_frames if coloured else grey_frames),
            "provenance": PROVENANCE,
            "size": (32, 48),
            **more,
        }
        return export_bundle(network, out=out, **arguments)

    return run


def contents(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", ["segmenter", "class_segmenter", "classifier"])
def test_the_bundle_runs_and_reproduces_its_golden_samples(name, request, export, tmp_path):
    report = export(request.getfixturevalue(name), tmp_path / "a.edgekit")
    assert all(check.ok for check in report.checks)
    verified = verify_bundle(tmp_path / "a.edgekit", backend="onnxruntime", device="cpu")
    assert verified.ok, verified.checks
    assert Bundle.open(report.path).digest == report.digest


def test_the_manifest(segmenter, export, tmp_path):
    lines = []
    out = tmp_path / "a.edgekit"
    report = export(segmenter, out, thresholds={"threshold": 0.1}, mm_per_pixel=0.2, report=lines.append)
    manifest = Bundle.open(out).manifest
    assert (manifest.name, manifest.precision, manifest.provenance) == ("test", "fp32", PROVENANCE)
    assert (manifest.input.height, manifest.input.width, manifest.input.batch) == (32, 48, None)
    assert (manifest.input.fit, manifest.input.mm_per_pixel) == ("refuse", 0.2)
    (threshold,) = manifest.thresholds
    assert (threshold.name, threshold.stage, threshold.default) == (
        "threshold",
        "main",
        float(np.float32(0.1)),
    )
    assert manifest.parity == report.checks
    assert manifest.stages == report.stages
    assert {"edgekit", "torch", "onnx", "onnx-ir", "opset"} <= set(manifest.versions)
    assert manifest.versions["torch"] == "2.13.0"
    assert len(manifest.golden) == report.golden
    for sample in manifest.golden:
        assert 0.001 <= sample.positive_fraction <= 0.5
    assert lines[-1] == f"writing {out}"


@pytest.mark.slow
def test_exporting_twice_in_both_orders_gives_the_same_bytes(segmenter, classifier, export, tmp_path):
    for order in ("first", "second"):
        (tmp_path / order).mkdir()
    export(segmenter, tmp_path / "first" / "a.edgekit")
    export(classifier, tmp_path / "first" / "b.edgekit")
    export(classifier, tmp_path / "second" / "b.edgekit")
    export(segmenter, tmp_path / "second" / "a.edgekit")
    for name in ("a.edgekit", "b.edgekit"):
        assert contents(tmp_path / "first" / name) == contents(tmp_path / "second" / name)


EXPORT_ALONE = """
import sys
from pathlib import Path
from edgekit_export import Normalisation, export_bundle
from tests.export.building import PROVENANCE, model_info
from tests.export.conftest import smooth_frames
from tests.export.networks import Segmenter, settle
export_bundle(
    settle(Segmenter(), 1), out=Path(sys.argv[1]), name="test", model_info=model_info("segment", 1),
    normalisation=Normalisation((0.348,), (0.278,)), samples=list(smooth_frames((32, 48))),
    provenance=PROVENANCE, size=(32, 48),
)
"""


@pytest.mark.slow
def test_exporting_in_another_process_gives_the_same_bytes(segmenter, export, tmp_path):
    root = Path(__file__).parents[2]
    folders = [str(root), str(root / "export"), str(root / "runtime")]
    code = f"import sys; sys.path[:0] = {folders!r}\n{EXPORT_ALONE}"
    subprocess.run([sys.executable, "-c", code, tmp_path / "alone.edgekit"], check=True, cwd=tmp_path)
    export(segmenter, tmp_path / "here.edgekit")
    assert contents(tmp_path / "alone.edgekit") == contents(tmp_path / "here.edgekit")


def test_the_callers_network_is_left_as_it_is(export, tmp_path):
    network = settle(Segmenter(), 1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    export(network, tmp_path / "a.edgekit")
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("batch", [1, 2])
def test_a_fixed_batch(segmenter, export, tmp_path, batch):
    report = export(segmenter, tmp_path / "a.edgekit", batch=batch)
    assert report.stages[0].inputs[0].shape == (batch, 32, 48)
    assert verify_bundle(report.path, backend="onnxruntime", device="cpu").ok


def test_subpixel_is_a_choice(segmenter, export, tmp_path):
    report = export(segmenter, tmp_path / "a.edgekit", rewrites=frozenset({"subpixel"}))
    data = Bundle.open(report.path).read("main.onnx")
    assert b"DepthToSpace" in data
    assert b"ConvTranspose\x3a" not in data
    assert verify_bundle(report.path, backend="onnxruntime", device="cpu").ok


def evaluate(frame):
    def run(predict):
        return {"share": float(np.mean(predict(frame) > 0))}

    return run


def test_the_task_metric_is_a_row(segmenter, export, tmp_path, grey_frames):
    report = export(segmenter, tmp_path / "a.edgekit", evaluate=evaluate(grey_frames[0]))
    assert report.checks[-1].name == "task metric: share"


def test_another_task_metric_fails_and_writes_nothing(segmenter, export, tmp_path):
    answers = iter([{"mIoU": 0.9}, {"mIoU": 0.8}])
    with pytest.raises(ParityFailed) as caught:
        export(segmenter, tmp_path / "a.edgekit", evaluate=lambda predict: next(answers))
    assert [check.name for check in caught.value.checks if not check.ok] == ["task metric: mIoU"]
    assert list(tmp_path.iterdir()) == []


def test_a_failed_parity_leaves_the_old_bundle(segmenter, export, tmp_path, monkeypatch):
    out = tmp_path / "a.edgekit"
    export(segmenter, out)
    before = contents(out)
    # A pass that is allowed anything and bends a weight a little: only parity is left to see it.
    original = FoldBatchNorm.rewrite

    def bend(self, graph):
        original(self, graph)
        weight = graph.initializers["last.weight"]
        weight.const_value = ir.tensor(weight.const_value.numpy() * np.float32(1.00005))
        return True

    monkeypatch.setattr(FoldBatchNorm, "rewrite", bend)
    with pytest.raises(ParityFailed) as caught:
        export(segmenter, out)
    assert caught.value.exit_code == 3
    assert contents(out) == before


def test_a_broken_pass_is_named(segmenter, export, tmp_path, monkeypatch):
    monkeypatch.setattr("edgekit_export.passes.fold_batchnorm._fold", lambda graph, norm: None)
    with pytest.raises(GateFailed, match="fold_batchnorm"):
        export(segmenter, tmp_path / "a.edgekit")
    assert list(tmp_path.iterdir()) == []


def test_constant_logits_give_no_bundle(export, tmp_path):
    network = settle(Segmenter(), 1)
    network.last.weight.data.zero_()
    with pytest.raises(GateFailed, match="golden"):
        export(network, tmp_path / "a.edgekit")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_not_finite_are_refused_before_tracing(export, tmp_path, monkeypatch):
    monkeypatch.setattr("edgekit_export.tracing.trace_stages", pytest.fail)
    network = Segmenter()
    network.last.bias.data[0] = float("inf")
    with pytest.raises(CheckpointError):
        export(network, tmp_path / "a.edgekit")


def test_a_bad_target_is_refused_before_anything_is_done(segmenter, export, tmp_path, monkeypatch):
    monkeypatch.setattr("edgekit_export.pipeline.make_plan", pytest.fail)
    with pytest.raises(UsageProblem, match="edgekit"):
        export(segmenter, tmp_path / "a.onnx")


def test_a_network_that_fixes_its_dtype_is_exported_with_a_wider_bound(export, tmp_path):
    class FixedDtype(Segmenter):
        def forward(self, image):
            return super().forward(image.float())

    assert export(settle(FixedDtype(), 1), tmp_path / "a.edgekit").golden >= 1


def test_a_classifier_is_compared_stage_by_stage(export, tmp_path):
    report = export(settle(Classifier(), 1), tmp_path / "a.edgekit")
    assert {"values: features", "values: p1", "values: p2"} <= {check.name for check in report.checks}
