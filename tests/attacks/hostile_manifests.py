"""Manifests with a fitting digest whose content lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgekit_runtime.errors import (
    BundleFormatError,
)
from tests.attacks.building import ATTACKS, Attack, Build, forge


def _zone(x1: int, x2: int) -> dict[str, Any]:
    return {"x1": x1, "x2": x2, "y1": None, "y2": None}


def _tuning(**counts: int) -> dict[str, Any]:
    zeros = dict.fromkeys(("defective_images", "escapes", "normal_images", "overkills"), 0)
    return {"data": "plates", "fingerprint": "ab" * 32, "goal": "few escapes", **zeros, **counts}


FORGED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "unknown_key": (
        lambda data: data["stages"][0].update(run="rm"),
        "manifest.stages[0] has the unknown key 'run'",
    ),
    "missing_key": (lambda data: data["input"].pop("reach"), "manifest.input lacks the key 'reach'"),
    "list_for_an_object": (lambda data: data.update(files=[]), "manifest.files must be"),
    "truth_for_a_number": (
        lambda data: data["input"].update(height=True),
        "manifest.input.height must be int",
    ),
    "text_for_a_number": (
        lambda data: data["input"]["pixels"].update(scale="255"),
        "manifest.input.pixels.scale must be float",
    ),
    "fraction_for_a_count": (
        lambda data: data["input"].update(batch=1.5),
        "manifest.input.batch must be int",
    ),
    "unknown_precision": (lambda data: data.update(precision="int2"), "manifest.precision must be one of"),
    "petabyte_frame": (lambda data: data["input"].update(height=1 << 50, width=1 << 50), "input.height is"),
    "negative_size": (
        lambda data: data["files"]["main.onnx"].update(size_bytes=-1),
        "'main.onnx' has -1 bytes",
    ),
    "escape_codes_in_a_class": (
        lambda data: data["model"].update(classes=["ok", "\x1b]0;owned\x07"]),
        "manifest.model.classes[1] holds control characters",
    ),
    "stage_name_that_is_a_path": (lambda data: data["stages"][0].update(name="../../x"), "'../../x'"),
    "no_stage": (lambda data: data.update(stages=[], thresholds=[], golden=[]), "0 stages"),
    "two_masks_to_choose_from": (
        lambda data: data["stages"][0]["outputs"].append(
            {**data["stages"][0]["outputs"][0], "name": "other_mask"}
        ),
        "exactly one mask",
    ),
    "tiles_that_advance_by_nothing": (
        lambda data: data["input"].update(fit="tile", overlap=8),
        "input.overlap is 8, 0 to half the tile, 4, are allowed",
    ),
    "overlap_below_nothing": (
        lambda data: data["input"].update(fit="tile", overlap=-8),
        "input.overlap is -8",
    ),
    "pixels_of_64_bits": (lambda data: data["input"]["pixels"].update(bits=64), "input.pixels.bits is 64"),
    "scale_that_divides_by_nearly_nothing": (
        lambda data: data["input"]["pixels"].update(scale=5e-324),
        "input.pixels.scale is",
    ),
    "pixels_as_wide_as_the_universe": (
        lambda data: data["input"].update(mm_per_pixel=1e308),
        "input.mm_per_pixel is 1e+308",
    ),
    "zone_inside_out": (
        lambda data: data["rules"].update(zones=[_zone(8, 2)]),
        "rules.zones[0] has the columns 8 to 2",
    ),
    "crowd_of_zones": (
        lambda data: data["rules"].update(zones=[_zone(0, 1)] * 5000),
        "rules.zones has 5000 zones",
    ),
    "area_below_nothing": (
        lambda data: data["rules"]["others"].update(min_area_px=-1),
        "rules.others.min_area_px is -1",
    ),
    "area_of_401_digits": (
        lambda data: data["rules"]["others"].update(min_area_px=10**400),
        "an integer of 401 characters",
    ),
    "rule_for_what_is_no_defect": (
        lambda data: data["rules"].update(classes={"background": data["rules"]["others"]}),
        "rules.classes names 'background'",
    ),
    "more_escapes_than_images": (
        lambda data: data.update(tuning=_tuning(escapes=2, defective_images=1)),
        "tuning.escapes is 2 of 1 images",
    ),
    "threshold_beyond_float32": (lambda data: data["thresholds"][0].update(default=1e39), "beyond float32"),
    "object_dtype": (lambda data: data["stages"][0]["outputs"][0].update(dtype="object"), "'object'"),
}


def _forged(change: Callable[[dict[str, Any]], Any]) -> Build:
    return lambda root: forge(root, change)


for _title, (_change, _culprit) in FORGED.items():
    ATTACKS[_title] = Attack(_forged(_change), BundleFormatError, _culprit)
