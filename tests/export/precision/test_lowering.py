"""From graphs in fp32 to a bundle below it, whole."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_export import Calibration, PrecisionRequest, export_bundle, pipeline
from edgekit_export.graph_io import from_bytes, infer_shapes
from edgekit_export.parity import ParityFailed
from edgekit_runtime import Detector
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import DatasetError, FrameError, GateFailed, UsageProblem
from edgekit_runtime.verification import verify_bundle
from tests.export.building import PROVENANCE, model_info
from tests.export.networks import Segmenter


@pytest.fixture
def export(segmenter, classifier, grey, grey_frames, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that exports the segmenter, or the classifier of two stages, to tmp_path/low.edgekit."""

    def run(precision: PrecisionRequest, *, network: Any = segmenter, **more: Any) -> Any:
        classes = 1 if isinstance(network, Segmenter) else 3
        return export_bundle(
            network,
            out=tmp_path / "low.edgekit",
            name="low",
            model_info=model_info(network.task, classes),
            normalisation=grey,
            samples=list(grey_frames),
            provenance=PROVENANCE,
            size=(32, 48),
            precision=precision,
            **more,
        )

    return run


@pytest.fixture
def int8(grey_frames) -> Callable[..., PrecisionRequest]:
    def make(**changes: Any) -> PrecisionRequest:
        return PrecisionRequest("int8", Calibration(list(grey_frames), "frames", "ab" * 32), **changes)

    return make


@pytest.fixture
def median(built_segmenter) -> dict[str, float]:
    """A threshold in the middle of the logits: whatever moves, pixels change their class."""
    return {"threshold": float(np.median(built_segmenter.expected.outputs["logits"]))}


class Agreement:
    """A metric that says how many answers are those of the first predictor, which is torch's."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames = frames
        self.first: list[np.ndarray] | None = None

    def __call__(self, predict: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
        answers = [predict(frame) for frame in self.frames]
        self.first = self.first or answers
        same = [np.mean(ours == theirs) for ours, theirs in zip(answers, self.first, strict=True)]
        return {"agreement": float(np.mean(same))}


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@pytest.mark.parametrize("batch", [None, 2])
@pytest.mark.parametrize("target", ["any", "cpu", "tensorrt"])
def test_a_segmenting_bundle_reproduces_its_golden_samples(
    export, int8, grey_frames, tmp_path, precision, batch, target
) -> None:
    request = int8() if precision == "int8" else PrecisionRequest("fp16")
    report = export(request, batch=batch, target=target)
    assert all(check.ok for check in report.checks)
    manifest = Bundle.open(tmp_path / "low.edgekit").manifest
    assert manifest.precision == precision
    assert manifest.stages[0].program is None
    assert manifest.lowering.rest == ("fp16" if precision == "fp16" or target == "tensorrt" else "fp32")
    assert manifest.versions["opset"] == ("19" if (precision, target) == ("int8", "tensorrt") else "18")
    verified = verify_bundle(tmp_path / "low.edgekit")
    assert verified.ok, verified.checks
    with Detector(tmp_path / "low.edgekit") as detector:
        assert detector(grey_frames[0]).precision == precision


@pytest.mark.parametrize("target", ["any", "cpu", "tensorrt"])
def test_stages_carry_fp16_and_answer_fp32(export, int8, classifier, grey_frames, tmp_path, target) -> None:
    for request in (PrecisionRequest("fp16"), int8()):
        export(request, network=classifier, target=target)
        manifest = Bundle.open(tmp_path / "low.edgekit").manifest
        first, second = manifest.stages
        dtypes = {tensor.name: tensor.dtype for tensor in (*first.outputs, *second.inputs, *second.outputs)}
        assert dtypes["features"] == ("float16" if manifest.lowering.rest == "fp16" else "float32")
        assert {dtypes[leave.exit.output] for leave in manifest.stages} == {"float32"}
        assert verify_bundle(tmp_path / "low.edgekit").ok
        with Detector(tmp_path / "low.edgekit") as detector:
            assert len(detector.run_batch(grey_frames)) == len(grey_frames)


def test_what_fp16_cannot_hold_is_carried_in_fp32(export, int8, classifier, tmp_path) -> None:
    large = copy.deepcopy(classifier)
    for number in (large.trunk1[1].weight, large.trunk1[1].bias):
        number.data *= 1e5
    for request in (PrecisionRequest("fp16"), int8()):
        export(request, network=large, target="tensorrt")
        manifest = Bundle.open(tmp_path / "low.edgekit").manifest
        assert [tensor.dtype for tensor in manifest.stages[1].inputs] == ["float32"]
        assert verify_bundle(tmp_path / "low.edgekit").ok


def test_weights_shrink(export, int8, segmenter, tmp_path) -> None:
    sizes = {}
    for request in (PrecisionRequest(), PrecisionRequest("fp16"), int8()):
        sizes[request.precision] = export(request, rewrites=frozenset({"subpixel"})).stages[0].weight_bytes
    assert sizes["fp16"] < 0.6 * sizes["fp32"]
    assert sizes["int8"] < sizes["fp32"]


def test_the_same_export_gives_the_same_bytes(export, int8, tmp_path) -> None:
    for request in (PrecisionRequest("fp16"), int8()):
        digests = {export(request).digest for _ in range(2)}
        assert len(digests) == 1


def test_layers_that_are_kept_stay_and_the_manifest_says_why(export, int8) -> None:
    report = export(int8(kept=frozenset({"last.Conv"})))
    layers = {layer.name: layer for layer in report.lowering.layers}
    assert layers["last.Conv"].precision == "fp32"
    assert layers["last.Conv"].reason == "it was asked to stay"
    assert layers["first.0.Conv"].precision == "int8"
    report = export(PrecisionRequest("fp16", kept=frozenset({"last.Conv"})))
    assert [(layer.name, layer.precision) for layer in report.lowering.layers] == [("last.Conv", "fp32")]


def test_kept_layers_of_int8_are_in_what_the_rest_computes_in(export, int8, tmp_path) -> None:
    report = export(int8(kept=frozenset({"last.Conv"})), target="tensorrt")
    [layer] = [layer for layer in report.lowering.layers if layer.name == "last.Conv"]
    assert (layer.precision, layer.reason) == ("fp16", "it was asked to stay")
    assert read_type(tmp_path / "low.edgekit", "last.Conv") == "FLOAT16"


def test_what_fp16_cannot_hold_is_fp32_beside_int8_and_the_manifest_says_so(
    export, int8, segmenter, tmp_path
) -> None:
    large = copy.deepcopy(segmenter)
    large.last.weight.data *= 1e6
    report = export(int8(kept=frozenset({"last.Conv"})), target="tensorrt", network=large)
    [layer] = [layer for layer in report.lowering.layers if layer.name == "last.Conv"]
    assert layer.precision == "fp32"
    assert re.fullmatch(r"it was asked to stay; .* fp16 .*", layer.reason)
    assert read_type(tmp_path / "low.edgekit", "last.Conv") == "FLOAT"


def read_type(path: Path, node: str) -> str:
    """Return the type of what a node of the only stage gives."""
    bundle = Bundle.open(path)
    graph = infer_shapes(from_bytes(bundle.read(bundle.manifest.stages[0].file))).graph
    [value] = next(item.outputs for item in graph if item.name == node)
    return str(value.dtype.name)


def test_calibration_images_are_refused_before_anything_is_traced(
    export, grey_frames, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(pipeline, "build_fp32", lambda *_: pytest.fail("the network was traced"))
    for frames, error, message in (
        ([], DatasetError, "at least one"),
        ([grey_frames[0], grey_frames[0][:8]], FrameError, "Image 1"),
        (list(np.zeros_like(grey_frames)), DatasetError, "one colour"),
    ):
        with pytest.raises(error, match=message):
            export(PrecisionRequest("int8", Calibration(frames, "frames", "ab" * 32)))


def test_a_layer_that_does_not_exist_is_refused(export, int8) -> None:
    for request in (
        PrecisionRequest("fp16", kept=frozenset({"lost"})),
        int8(kept=frozenset({"lost"})),
    ):
        with pytest.raises(UsageProblem, match="no layer 'lost"):
            export(request)


def test_int8_that_costs_too_much_whatever_is_left_writes_nothing(
    export, int8, grey_frames, median, tmp_path
) -> None:
    """A metric that counts every pixel, and none may change: one layer in int8 is too many for random weights."""
    with pytest.raises(GateFailed, match="int8 loses more than 0 points") as caught:
        export(int8(max_drop=0.0), evaluate=Agreement(grey_frames), thresholds=median)
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_what_may_be_lost_decides_how_many_layers_are_left(export, int8, grey_frames, median) -> None:
    counts = []
    for max_drop in (100.0, 1.0):
        report = export(int8(max_drop=max_drop), evaluate=Agreement(grey_frames), thresholds=median)
        counts.append(sum(layer.precision == "int8" for layer in report.lowering.layers))
        [row] = [check for check in report.checks if check.name == "int8: task metric: agreement"]
        assert f"({max_drop:g} may be lost)" in row.detail
    assert counts[0] >= counts[1] >= 1


def test_fp16_that_costs_too_much_fails_with_the_whole_table(export, grey_frames, median) -> None:
    with pytest.raises(ParityFailed) as caught:
        export(
            PrecisionRequest("fp16", max_drop=0.0),
            evaluate=Agreement(grey_frames),
            thresholds=median,
        )
    names = [check.name for check in caught.value.checks if not check.ok]
    assert names == ["fp16: task metric: agreement"]
