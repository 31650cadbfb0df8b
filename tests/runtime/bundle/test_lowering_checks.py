"""What a manifest may say about a precision below fp32."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit_runtime.bundle import CalibrationInfo, LayerInfo, LoweringInfo, Manifest
from edgekit_runtime.bundle.lowering_checks import find_lowering_faults

LAYER = LayerInfo("main", "encoder1.0.Conv", "Conv", "int8", 31.5, "")
CALIBRATION = CalibrationInfo("percentile", "synthetic:dagm/6", "ab" * 32, 64)


def lower(manifest: Manifest, *, precision: str = "int8", **changes: object) -> Manifest:
    lowering = replace(LoweringInfo("fp32", (LAYER,), CALIBRATION), **changes)
    return replace(manifest, precision=precision, lowering=lowering)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_what_export_writes_has_no_fault(segment_manifest: Manifest, precision: str) -> None:
    assert list(find_lowering_faults(lower(segment_manifest, precision=precision))) == []


def test_a_bundle_of_fp32_needs_none(segment_manifest: Manifest) -> None:
    assert list(find_lowering_faults(segment_manifest)) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"precision": "fp32"}, "its precision is fp32"),
        ({"layers": (replace(LAYER, stage="other"),)}, "belongs to no stage"),
        ({"layers": (LAYER, LAYER)}, "is there twice"),
        ({"calibration": replace(CALIBRATION, images=0)}, "calibrated on 0 images"),
    ],
)
def test_contradictions_are_named(
    segment_manifest: Manifest, changes: dict[str, object], reason: str
) -> None:
    assert [reason in fault for fault in find_lowering_faults(lower(segment_manifest, **changes))] == [True]
