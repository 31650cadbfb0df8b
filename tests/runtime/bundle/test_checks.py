"""The rules of checks.py and stage_checks.py, one broken at a time."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from edgekit_runtime.bundle import BATCH, FileInfo, Manifest, TensorInfo, ThresholdInfo
from edgekit_runtime.bundle.checks import MAX_FILE_BYTES, MAX_FILES, find_manifest_fault

Change = Callable[[Manifest], Manifest]
FILE = FileInfo("00" * 32, 1)


def with_files(manifest: Manifest, names: Any) -> Manifest:
    return replace(manifest, files=dict.fromkeys(names, FILE))


@pytest.fixture
def segment(segment_manifest: Manifest, segment_files: dict[str, bytes]) -> Manifest:
    return with_files(segment_manifest, segment_files)


@pytest.fixture
def classify(classify_manifest: Manifest, classify_files: dict[str, bytes]) -> Manifest:
    return with_files(classify_manifest, classify_files)


def change(path: str, value: Any) -> Change:
    """Set the value at a path such as "stages.0.exit.threshold"; a callable gets the old value."""

    def at(node: Any, parts: list[str]) -> Any:
        if not parts:
            return value(node) if callable(value) else value
        first, *rest = parts
        if dataclasses.is_dataclass(node) and not isinstance(node, type):
            return replace(node, **{first: at(getattr(node, first), rest)})
        if isinstance(node, tuple):
            index = int(first)
            return (*node[:index], at(node[index], rest), *node[index + 1 :])
        return {**node, first: at(node.get(first), rest)}

    parts = path.split(".", 1 if path.startswith("files.") else -1)  # names of files hold dots
    return lambda manifest: at(manifest, parts)


def test_good_manifests_have_no_fault(segment: Manifest, classify: Manifest) -> None:
    assert find_manifest_fault(segment) is None
    assert find_manifest_fault(classify) is None


def test_files_that_nothing_uses_yet_are_allowed(segment: Manifest) -> None:
    assert find_manifest_fault(change("files.engines/sm87.plan", FILE)(segment)) is None


def test_a_fixed_batch_stands_in_every_shape(segment: Manifest) -> None:
    fixed = change("input.batch", 4)(segment)
    assert "batch of this bundle is 4" in (find_manifest_fault(fixed) or "")
    fixed = change("stages.0.inputs.0.shape", (4, 8, 16))(fixed)
    fixed = change("stages.0.outputs.0.shape", (4, 8, 16))(fixed)
    assert find_manifest_fault(fixed) is None


def test_colour_frames_have_three_channels_last(segment: Manifest) -> None:
    colour = change("input.pixels.channels", "bgr")(segment)
    assert "gives image uint8" in (find_manifest_fault(colour) or "")
    assert find_manifest_fault(change("stages.0.inputs.0.shape", (BATCH, 8, 16, 3))(colour)) is None


SEGMENT_FAULTS: list[tuple[str, Any, str]] = [
    ("name", "", "bundle's name is empty"),
    ("model.name", "\x1b[2Jx", "manifest.model.name holds control characters"),
    ("provenance.note", "one\ntwo", "manifest.provenance.note holds control characters"),
    ("provenance.training.deep", [{"x\u202ey": 1}], "control characters"),
    ("provenance.note", "x" * 10_001, "at most 10000"),
    ("provenance.weights_sha256", "AB" * 32, "weights_sha256"),
    ("model.classes", ("only",), "two classes or more"),
    ("model.classes", ("a", "a"), "two classes have the name 'a'"),
    ("model.classes", ("a", ""), "empty name"),
    ("model.classes", tuple(map(str, range(257))), "room for 256"),
    ("model.parameters", -1, "-1 parameters"),
    ("files", {f"f{index}": FILE for index in range(MAX_FILES + 1)}, "257 files"),
    ("files.../x", FILE, r"'../x'"),
    ("files.big", FileInfo("00" * 32, MAX_FILE_BYTES + 1), "'big' has 2147483648 bytes"),
    ("files.less", FileInfo("00" * 32, -1), "'less' has -1 bytes"),
    ("files.odd", FileInfo("0" * 63 + "g", 1), "'odd' has no SHA-256"),
    ("stages.0.file", "other.onnx", "'other.onnx'"),
    ("input.height", 0, "input.height is 0"),
    ("input.height", -8, "input.height is -8"),
    ("input.width", 1 << 40, "input.width is"),
    ("input.multiple", 0, "input.multiple is 0"),
    ("input.multiple", 3, "input.height is 8, which is no multiple of 3"),
    ("input.batch", 0, "input.batch is 0"),
    ("input.batch", 1 << 20, "input.batch is"),
    ("input.pixels.bits", 17, "input.pixels.bits is 17"),
    ("input.pixels.scale", 0.0, "input.pixels.scale"),
    ("input.mm_per_pixel", -0.1, "input.mm_per_pixel"),
    ("input.name", "picture", "'main' takes image uint8 .*; the frame gives picture"),
    ("input.height", 16, "the frame gives image"),
    ("stages", (), "0 stages"),
    ("stages", lambda stages: stages * 2, "two stages have the name 'main'"),
    ("stages.0.name", "../main", "stage name '../main'"),
    ("stages.0.macs", -1, "macs -1"),
    ("stages.0.weight_bytes", -1, "weight_bytes -1"),
    ("stages.0.inputs", lambda tensors: (*tensors, tensors[0]), "two inputs of stage 'main'"),
    ("stages.0.inputs", lambda tensors: (*tensors, TensorInfo("extra", "float32", ())), "takes extra"),
    ("stages.0.outputs", lambda tensors: tensors * 2, "two outputs of stage 'main'"),
    ("stages.0.outputs.0.name", "", "empty name"),
    ("stages.0.outputs.0.dtype", "object", "dtype 'object'"),
    ("stages.0.outputs.0.dtype", "float64", "dtype 'float64'"),
    ("stages.0.outputs.0.dtype", "float32", "must have exactly one mask"),
    ("stages.0.outputs.0.shape", (BATCH, 8, 8), "must have exactly one mask"),
    ("stages.0.outputs.0.shape", (BATCH, BATCH, 16), "size 'N'"),
    ("stages.0.outputs.0.shape", (BATCH, 0, 16), "size 0"),
    ("stages.0.outputs.0.shape", ("M", 8, 16), "starts with 'M'"),
    ("stages.0.outputs.0.shape", (1, 8, 16), "starts with 1"),
    ("stages.0.outputs.0.shape", (), "output 'mask' of stage 'main' is a scalar"),
    (
        "stages.0.outputs",
        lambda tensors: (*tensors, replace(tensors[0], name="mask2")),
        r"exactly one mask, uint8 \('N', 8, 16\)",
    ),
    ("stages.0.carries", ("mask",), "no stage follows"),
    ("stages.0.carries", ("nothing",), "carries 'nothing'"),
    ("thresholds.0.name", "other", "takes image .*, threshold"),
    ("thresholds.0.stage", "other", "takes image .*, threshold"),
    (
        "thresholds",
        lambda items: (*items, ThresholdInfo("ghost", "main", "logit", 0.0)),
        "'ghost' is no input",
    ),
    ("thresholds", lambda items: items * 2, "two thresholds have the name 'threshold'"),
    ("thresholds.0.default", 1e300, "beyond float32"),
    ("stages.0.inputs.1.dtype", "float16", "must be float32"),
    ("stages.0.inputs.1.shape", (BATCH,), "must be float32"),
    ("golden", lambda samples: samples * 2, "two golden samples"),
    ("golden.0.frame", "golden/other.npy", "'golden/other.npy'"),
    ("golden.0.outputs.mask", "golden/other.npy", "'golden/other.npy'"),
    ("golden.0.outputs", {}, "no output"),
    ("golden.0.outputs.logits", "golden/mask.npy", "'logits', which no stage answers"),
    ("golden.0.thresholds.other", 0.0, "'other', which is no threshold"),
    ("golden.0.thresholds.threshold", -1e300, "beyond float32"),
    ("golden.0.positive_fraction", 1.5, "positive fraction 1.5"),
    ("golden.0.undecided_px", -1, "-1 undecided"),
]


@pytest.mark.parametrize(("path", "value", "reason"), SEGMENT_FAULTS)
def test_faults_of_a_segmenting_bundle(segment: Manifest, path: str, value: Any, reason: str) -> None:
    fault = find_manifest_fault(change(path, value)(segment))
    assert fault is not None
    assert re.search(reason, fault), fault


CLASSIFY_FAULTS: list[tuple[str, Any, str]] = [
    ("model.task", "segment", "the exit of stage 'exit1' answers with a class"),
    ("stages.1.exit", None, "last stage 'exit2' of a classifying bundle must have an exit"),
    ("stages.0.exit.threshold", 1.01, "threshold 1.01, outside 0 to 1"),
    ("stages.0.exit.threshold", -0.01, "threshold -0.01, outside 0 to 1"),
    ("stages.0.exit.output", "features", "must be an output 'features', float32"),
    ("stages.0.exit.output", "nothing", "must be an output 'nothing'"),
    ("model.classes", ("good", "hole"), "must be an output 'exit1_probabilities'"),
    ("stages.0.carries", (), "'exit2' takes features .*; stage 'exit1' gives nothing"),
    ("stages.0.carries", ("features", "exit1_probabilities"), "stage 'exit1' gives exit1_probabilities"),
    ("stages.0.carries", ("features", "features"), "two carried tensors"),
    ("stages.0.outputs.0.dtype", "float16", "gives features float16"),
    ("stages.0.outputs.0.shape", (BATCH, 4, 2, 2), "gives features float32"),
    ("stages.1.inputs.0.name", "image", "'exit2' takes image"),
    ("stages.1.outputs.0.name", "exit1_probabilities", "two answers have the name"),
]


@pytest.mark.parametrize(("path", "value", "reason"), CLASSIFY_FAULTS)
def test_faults_of_a_classifying_bundle(classify: Manifest, path: str, value: Any, reason: str) -> None:
    fault = find_manifest_fault(change(path, value)(classify))
    assert fault is not None
    assert re.search(reason, fault), fault


def test_an_early_stage_needs_no_exit(classify: Manifest) -> None:
    assert find_manifest_fault(change("stages.0.exit", None)(classify)) is None
