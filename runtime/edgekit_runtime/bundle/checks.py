"""What types cannot say about a manifest: the rules, each in the function that names it.

A manifest is input from outside. Whatever passes here may be believed by the code that allocates buffers,
opens files and gates frames by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from edgekit_runtime.bundle.contract_checks import find_contract_faults
from edgekit_runtime.bundle.decoding import encode
from edgekit_runtime.bundle.engine_checks import find_engine_faults
from edgekit_runtime.bundle.lowering_checks import find_lowering_faults
from edgekit_runtime.bundle.manifest import GoldenSample, Manifest, TuningInfo
from edgekit_runtime.bundle.names import find_names_fault
from edgekit_runtime.bundle.program_checks import find_program_faults
from edgekit_runtime.bundle.rule_checks import find_rule_faults
from edgekit_runtime.bundle.stage_checks import find_duplicates, find_stage_faults

MAX_FILES = 256
"""More than a bundle of ten stages with an engine per board needs; bounds what opening one costs."""

MAX_FILE_BYTES = (1 << 31) - 1
"""Protobuf, and so ONNX, ends at 2 GiB."""

MAX_TEXT = 10_000
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FLOAT32_MAX = 3.4028234663852886e38
# Escape codes steer a terminal, line separators forge lines of a log, and the marks that turn the direction
# of text make one name look like another.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def find_manifest_fault(manifest: Manifest) -> str | None:
    """Return the first rule that the manifest breaks, in words, or None."""
    faults = chain(
        _find_text_faults(encode(manifest), "manifest"),  # first: the messages of the others show these texts
        _find_file_faults(manifest),
        _find_model_faults(manifest),
        find_contract_faults(manifest),
        find_stage_faults(manifest),
        find_program_faults(manifest),
        find_engine_faults(manifest),
        find_lowering_faults(manifest),
        _find_threshold_faults(manifest),
        find_rule_faults(manifest),
        _find_tuning_faults(manifest.tuning),
        _find_golden_faults(manifest),
    )
    return next(faults, None)


def _find_file_faults(manifest: Manifest) -> Iterator[str]:
    if len(manifest.files) > MAX_FILES:
        yield f"it names {len(manifest.files)} files, at most {MAX_FILES} are allowed"
    fault = find_names_fault(manifest.files)
    if fault is not None:
        yield f"the file name {fault}"
    for name, info in manifest.files.items():
        if not 0 <= info.size_bytes <= MAX_FILE_BYTES:
            yield f"the file {name!r} has {info.size_bytes} bytes, 0 to {MAX_FILE_BYTES} are allowed"
        if not _SHA256.fullmatch(info.sha256):
            yield f"the file {name!r} has no SHA-256 of 64 hex digits"
    for stage in manifest.stages:
        if stage.file not in manifest.files:
            yield f"stage {stage.name!r} names the file {stage.file!r}, which is not among the bundle's files"


def _find_text_faults(data: Any, where: str) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _find_text_faults(key, f"a key of {where}")
            yield from _find_text_faults(value, f"{where}.{key}")
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _find_text_faults(value, f"{where}[{index}]")
    elif isinstance(data, str):
        if len(data) > MAX_TEXT:
            yield f"{where} has {len(data)} characters, at most {MAX_TEXT} are allowed"
        if _UNSAFE.search(data):
            yield f"{where} holds control characters: {data[:60]!r}"


def _find_model_faults(manifest: Manifest) -> Iterator[str]:
    model = manifest.model
    for what, text in (("the bundle's name", manifest.name), ("the model's name", model.name)):
        if not text:
            yield f"{what} is empty"
    if len(model.classes) < 2:
        yield f"a bundle has two classes or more, this one has {len(model.classes)}"
    if model.task == "segment" and len(model.classes) > 256:
        yield f"a mask of bytes has room for 256 classes, this bundle has {len(model.classes)}"
    if "" in model.classes:
        yield "a class has an empty name"
    yield from find_duplicates("classes", model.classes)
    if model.normal_class is not None and model.normal_class not in model.classes:
        yield f"normal_class {model.normal_class!r} is none of the classes"
    if model.task == "segment" and (model.normal_class,) != model.classes[:1]:
        yield f"normal_class of a segmenting bundle must be its background, got {model.normal_class!r}"
    if model.parameters < 0:
        yield f"the model has {model.parameters} parameters"
    if not _SHA256.fullmatch(manifest.provenance.weights_sha256):
        yield "provenance.weights_sha256 is no SHA-256 of 64 hex digits"


def _find_threshold_faults(manifest: Manifest) -> Iterator[str]:
    # Callers set thresholds by name alone, hence one name each in the whole bundle.
    yield from find_duplicates("thresholds", [threshold.name for threshold in manifest.thresholds])
    inputs = {(stage.name, tensor.name): tensor for stage in manifest.stages for tensor in stage.inputs}
    for threshold in manifest.thresholds:
        tensor = inputs.get((threshold.stage, threshold.name))
        if tensor is None:
            yield f"threshold {threshold.name!r} is no input of stage {threshold.stage!r}"
        elif (tensor.dtype, tensor.shape) != ("float32", ()):
            yield f"threshold {threshold.name!r} must be float32 (), and is {tensor.dtype} {tensor.shape}"
        if abs(threshold.default) > _FLOAT32_MAX:
            yield f"threshold {threshold.name!r} has the default {threshold.default}, beyond float32"


def _find_tuning_faults(tuning: TuningInfo | None) -> Iterator[str]:
    if tuning is None:
        return
    for what, some, all_ in (
        ("escapes", tuning.escapes, tuning.defective_images),
        ("overkills", tuning.overkills, tuning.normal_images),
    ):
        if not 0 <= some <= all_:
            yield f"tuning.{what} is {some} of {all_} images"


def _find_golden_faults(manifest: Manifest) -> Iterator[str]:
    yield from find_duplicates("golden samples", [sample.name for sample in manifest.golden])
    answers = {tensor.name for tensor in manifest.answers}
    thresholds = {threshold.name for threshold in manifest.thresholds}
    for sample in manifest.golden:
        yield from _find_sample_faults(sample, manifest, answers, thresholds)


def _find_sample_faults(
    sample: GoldenSample, manifest: Manifest, answers: set[str], thresholds: set[str]
) -> Iterator[str]:
    title = f"golden sample {sample.name!r}"
    for file in (sample.frame, *sample.outputs.values()):
        if file not in manifest.files:
            yield f"{title} names the file {file!r}, which is not among the bundle's files"
    if not sample.outputs:
        yield f"{title} has no output to compare with"
    for name in sample.outputs:
        if name not in answers:
            yield f"{title} holds the output {name!r}, which no stage answers"
    for name, value in sample.thresholds.items():
        if name not in thresholds:
            yield f"{title} sets {name!r}, which is no threshold of the bundle"
        if abs(value) > _FLOAT32_MAX:
            yield f"{title} sets {name!r} to {value}, beyond float32"
    if sample.positive_fraction is not None and not 0 <= sample.positive_fraction <= 1:
        yield f"{title} has the positive fraction {sample.positive_fraction}, outside 0 to 1"
    if sample.undecided_px < 0:
        yield f"{title} has {sample.undecided_px} undecided pixels"
