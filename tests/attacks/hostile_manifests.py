"""Manifests with a fitting digest whose content lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgekit_runtime.errors import (
    BundleFormatError,
)
from tests.attacks.building import ATTACKS, Attack, Build, forge

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
    "object_dtype": (lambda data: data["stages"][0]["outputs"][0].update(dtype="object"), "'object'"),
}


def _forged(change: Callable[[dict[str, Any]], Any]) -> Build:
    return lambda root: forge(root, change)


for _title, (_change, _culprit) in FORGED.items():
    ATTACKS[_title] = Attack(_forged(_change), BundleFormatError, _culprit)
