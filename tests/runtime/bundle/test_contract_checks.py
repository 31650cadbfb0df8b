"""Input contracts that a bundle must not have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgekit_runtime.bundle import Manifest, PixelFormat
from edgekit_runtime.bundle.contract_checks import find_contract_faults

BAD: dict[str, dict[str, Any]] = {
    "bits is 0": {"pixels": PixelFormat(bits=0)},
    "bits is 17": {"pixels": PixelFormat(bits=17)},
    "scale is 0, 1e-09 to": {"pixels": PixelFormat(scale=0.0)},
    "scale is 1e-300": {"pixels": PixelFormat(scale=1e-300)},
    "scale is 1e+300": {"pixels": PixelFormat(scale=1e300)},
    "grey is 'bt601', but the frames are rgb": {"pixels": PixelFormat("rgb", "bt601")},
    "reach is -1": {"reach": -1},
    "overlap is 8, but only tiles overlap": {"overlap": 8},
    "overlap is -8": {"fit": "tile", "overlap": -8},
    "half the tile, 4": {"fit": "tile", "overlap": 8},
    "overlap is 3, which is no multiple of 8": {"fit": "tile", "overlap": 3},
    "mm_per_pixel is 0, 1e-06 to 1e+06": {"mm_per_pixel": 0.0},
    "mm_per_pixel is -1": {"mm_per_pixel": -1.0},
    "mm_per_pixel is 1e+308": {"mm_per_pixel": 1e308},
    "mm_per_pixel is nan": {"mm_per_pixel": float("nan")},
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_contracts(segment_manifest: Manifest, fault: str) -> None:
    contract = replace(segment_manifest.input, **BAD[fault])
    assert fault in str(list(find_contract_faults(replace(segment_manifest, input=contract))))


def test_masks_alone_are_joined(segment_manifest: Manifest, classify_manifest: Manifest) -> None:
    tiled = replace(segment_manifest.input, fit="tile")
    assert list(find_contract_faults(replace(segment_manifest, input=tiled))) == []
    assert "only masks can be joined" in str(
        list(find_contract_faults(replace(classify_manifest, input=tiled)))
    )


def test_what_a_format_means() -> None:
    shallow, deep = PixelFormat(), PixelFormat(bits=12, scale=4095.0)
    assert (shallow.frame_type, shallow.graph_type, shallow.levels) == ("uint8", "uint8", 256)
    assert (deep.frame_type, deep.graph_type, deep.levels) == ("uint16", "int32", 4096)
