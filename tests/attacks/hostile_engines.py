"""Manifests whose engines lie: an engine is code, so that what it claims to be matters before any device sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgekit_runtime.bundle import EngineInfo
from edgekit_runtime.bundle.decoding import encode
from edgekit_runtime.errors import BundleFormatError, BundleIntegrityError
from tests.attacks.building import Attack, Build, forge, smuggle

Change = Callable[[dict[str, Any]], Any]

ENGINE_FILE = "main.rtx.engine"
ENGINE = EngineInfo(ENGINE_FILE, "tensorrt-rtx", "1.7.1.116", (86, 89, 120), 1, 4, 16)


def add_engine(root: Path) -> None:
    """Give the bundle an engine that its manifest vouches for."""
    smuggle(root, ENGINE_FILE, b"ftrt, and what follows")
    forge(root, lambda data: data["stages"][0].update(engines=[encode(ENGINE)]))


def _set(**changes: Any) -> Change:
    return lambda engine: engine.update(changes)


FORGED: dict[str, tuple[Change, str]] = {
    "engine_that_is_a_path": (_set(file="../../etc/passwd"), "'../../etc/passwd', which is not among"),
    "engine_from_elsewhere": (_set(file="/tmp/engine"), "'/tmp/engine', which is not among"),
    "engine_that_is_the_graph": (_set(file="main.onnx"), "'main.onnx', which is something else too"),
    "engine_that_is_an_image": (_set(file="golden/frame.npy"), "'golden/frame.npy', which is something else"),
    "engine_that_is_the_manifest": (_set(file="manifest.json"), "'manifest.json', which is not among"),
    "engine_of_an_unknown_builder": (_set(builder="python"), "builder must be one of 'tensorrt-rtx'"),
    "engine_with_escape_codes": (_set(version="\x1b[2J"), "holds control characters"),
    "engine_of_a_version_that_is_a_command": (_set(version="$(reboot)"), "has the version '$(reboot)'"),
    "engine_of_a_version_without_end": (_set(version="1" * 5000), "which must be up to 64"),
    "engine_for_no_gpu": (_set(targets=[]), "has the targets []"),
    "engine_for_a_gpu_twice": (_set(targets=[86, 86]), "has the targets [86, 86]"),
    "engine_for_gpus_in_disorder": (_set(targets=[120, 86]), "has the targets [120, 86]"),
    "engine_for_a_negative_gpu": (_set(targets=[-86]), "has the target -86"),
    "engine_for_a_gpu_to_come": (_set(targets=[1 << 62]), "has the target 4611686018427387904"),
    "engine_for_a_gpu_that_is_text": (_set(targets=["86"]), "targets[0] must be int"),
    "engine_for_a_giant_batch": (_set(max_batch=1 << 40), "takes the batches (1, 4, 1099511627776)"),
    "engine_for_no_batch": (_set(min_batch=0), "takes the batches (0, 4, 16)"),
    "engine_for_falling_batches": (_set(min_batch=16, max_batch=1), "takes the batches (16, 4, 1)"),
    "engine_for_half_a_batch": (_set(tuned_batch=1.5), "tuned_batch must be int"),
    "engine_with_an_unknown_key": (_set(code="import os"), "has the unknown key 'code'"),
    "engine_without_a_version": (lambda engine: engine.pop("version"), "lacks the key 'version'"),
}


def _forged(change: Change) -> Build:
    def build(root: Path) -> None:
        add_engine(root)
        forge(root, lambda data: change(data["stages"][0]["engines"][0]))

    return build


def _missing(root: Path) -> None:
    add_engine(root)
    (root / ENGINE_FILE).unlink()


def _flipped(root: Path) -> None:
    add_engine(root)
    raw = bytearray((root / ENGINE_FILE).read_bytes())
    raw[len(raw) // 2] ^= 1
    (root / ENGINE_FILE).write_bytes(raw)


def _linked(root: Path) -> None:
    add_engine(root)
    (root.parent / "outside").write_bytes((root / ENGINE_FILE).read_bytes())
    (root / ENGINE_FILE).unlink()
    (root / ENGINE_FILE).symlink_to(root.parent / "outside")


def _twice(root: Path) -> None:
    add_engine(root)
    forge(root, lambda data: data["stages"][0]["engines"].append(encode(ENGINE)))


def _emptied(root: Path) -> None:
    add_engine(root)
    smuggle(root, ENGINE_FILE, b"")


ENGINE_ATTACKS: dict[str, Attack] = {
    **{
        title: Attack(_forged(change), BundleFormatError, culprit)
        for title, (change, culprit) in FORGED.items()
    },
    "engine_that_is_missing": Attack(_missing, BundleIntegrityError, f"'{ENGINE_FILE}' is missing"),
    "engine_with_a_flipped_bit": Attack(_flipped, BundleIntegrityError, f"'{ENGINE_FILE}' is damaged"),
    "engine_that_is_a_link": Attack(_linked, BundleIntegrityError, ENGINE_FILE),
    "engine_that_is_there_twice": Attack(_twice, BundleFormatError, "2 engines of tensorrt-rtx"),
    "engine_that_is_empty": Attack(_emptied, BundleFormatError, "which is empty"),
}
"""Hostile bundles by name; each what they look like, and how each must be refused."""
