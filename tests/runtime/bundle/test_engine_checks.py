"""The rules for engines, one broken at a time; and a bundle with engines where no GPU is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_runtime import Detector
from edgekit_runtime.bundle import Bundle, EngineInfo, FileInfo, Manifest, write_bundle
from edgekit_runtime.bundle.checks import find_manifest_fault
from edgekit_runtime.bundle.contract_checks import MAX_BATCH
from edgekit_runtime.bundle.engine_checks import MAX_ENGINE_BATCH, find_engine_faults
from edgekit_runtime.bundle.manifest_bytes import manifest_bytes, parse_manifest
from edgekit_runtime.verification import verify_bundle
from tests.runtime.onnx_graphs import segment_bundle

ENGINE = EngineInfo("main.rtx.engine", "tensorrt-rtx", "1.7.1.116", (86, 89, 120), 1, 4, 16)
FILE = FileInfo("00" * 32, 1)


def with_engines(manifest: Manifest, *engines: EngineInfo) -> Manifest:
    (stage,) = manifest.stages
    return replace(manifest, stages=(replace(stage, engines=engines),))


@pytest.fixture
def manifest(segment_manifest: Manifest, segment_files: dict[str, bytes]) -> Manifest:
    return replace(segment_manifest, files=dict.fromkeys([*segment_files, ENGINE.file], FILE))


def test_a_good_engine_has_no_fault_and_survives_its_manifest(manifest: Manifest) -> None:
    good = with_engines(manifest, ENGINE)
    assert find_manifest_fault(good) is None
    read, _ = parse_manifest(manifest_bytes(good), "here")
    assert read.stages[0].engines == (ENGINE,)


def test_one_target_and_one_batch_are_enough(manifest: Manifest) -> None:
    small = replace(ENGINE, targets=(75,), min_batch=2, tuned_batch=2, max_batch=2)
    assert find_manifest_fault(with_engines(manifest, small)) is None


def test_the_largest_batch_is_that_of_a_bundle() -> None:
    assert MAX_ENGINE_BATCH == MAX_BATCH


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"file": "other.engine"}, "'other.engine', which is not among the bundle's files"),
    ({"file": "main.onnx"}, "'main.onnx', which is something else too"),
    ({"file": "golden/frame.npy"}, "'golden/frame.npy', which is something else too"),
    ({"version": ""}, "has the version ''"),
    ({"version": "1.7 beta"}, "has the version '1.7 beta'"),
    ({"version": "1" * 65}, "which must be up to 64"),
    ({"targets": ()}, "has the targets [], which must be one or more"),
    ({"targets": (89, 86)}, "has the targets [89, 86], which must be one or more, rising"),
    ({"targets": (86, 86)}, "has the targets [86, 86], which must be one or more, rising"),
    ({"targets": (0,)}, "has the target 0"),
    ({"targets": (-86,)}, "has the target -86"),
    ({"targets": (86, 8600)}, "has the target 8600"),
    ({"min_batch": 0}, "takes the batches (0, 4, 16)"),
    ({"min_batch": 5}, "takes the batches (5, 4, 16)"),
    ({"tuned_batch": 17}, "takes the batches (1, 17, 16)"),
    ({"max_batch": MAX_BATCH + 1}, "takes the batches (1, 4, 4097)"),
]


@pytest.mark.parametrize(("changes", "fault"), FAULTS)
def test_each_rule_is_named(manifest: Manifest, changes: dict[str, Any], fault: str) -> None:
    found = find_manifest_fault(with_engines(manifest, replace(ENGINE, **changes)))
    assert found is not None
    assert fault in found
    assert "engine of stage 'main'" in found


def test_two_engines_of_one_builder_are_refused(manifest: Manifest) -> None:
    second = replace(ENGINE, file="second.engine")
    files = {**manifest.files, second.file: FILE}
    faults = list(find_engine_faults(with_engines(replace(manifest, files=files), ENGINE, second)))
    assert faults == ["stage 'main' has 2 engines of tensorrt-rtx, one is allowed"]


def test_two_stages_do_not_share_an_engine(
    classify_manifest: Manifest, classify_files: dict[str, bytes]
) -> None:
    stages = tuple(replace(stage, engines=(ENGINE,)) for stage in classify_manifest.stages)
    files = dict.fromkeys([*classify_files, ENGINE.file], FILE)
    faults = list(find_engine_faults(replace(classify_manifest, stages=stages, files=files)))
    assert [fault.partition(" names ")[2] for fault in faults] == [
        "the file 'main.rtx.engine', which is something else too"
    ] * 2


def test_an_empty_engine_is_refused(manifest: Manifest) -> None:
    files = {**manifest.files, ENGINE.file: FileInfo("00" * 32, 0)}
    (fault,) = find_engine_faults(with_engines(replace(manifest, files=files), ENGINE))
    assert fault.endswith("which is empty")


@pytest.mark.parametrize(("batches", "good"), [((2, 2, 2), True), ((1, 2, 2), False), ((1, 1, 1), False)])
def test_a_fixed_batch_is_the_engines_too(
    manifest: Manifest, batches: tuple[int, int, int], good: bool
) -> None:
    names = dict(zip(("min_batch", "tuned_batch", "max_batch"), batches, strict=True))
    fixed = replace(manifest, input=replace(manifest.input, batch=2))
    faults = list(find_engine_faults(with_engines(fixed, replace(ENGINE, **names))))
    assert (not faults) is good
    assert all("the bundle's is 2" in fault for fault in faults)


def test_a_bundle_with_engines_works_where_no_gpu_is(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="runs on ONNX Runtime (edgekit[cpu])")
    plain = segment_bundle(tmp_path / "plain.edgekit")
    files = {name: plain.read(name) for name in plain.manifest.files}
    # No engine at all: whoever loaded it would fail.
    files[ENGINE.file] = b"not what a device would take"
    manifest = with_engines(replace(plain.manifest, files={}), ENGINE)
    bundle = write_bundle(tmp_path / "engines.edgekit", manifest, files)
    frame = np.arange(24 * 32, dtype=np.uint8).reshape(24, 32)
    masks = []
    for path in (plain.path, bundle.path):
        with Detector(path, device="cpu") as detector:
            masks.append(detector(frame).mask)
            assert detector.backend.name == "onnxruntime"
    assert np.array_equal(masks[0], masks[1])
    assert verify_bundle(bundle.path, backend="onnxruntime", device="cpu").ok
    assert Bundle.open(bundle.path).manifest.stages[0].engines == (ENGINE,)
