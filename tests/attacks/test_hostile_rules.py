"""Documents for `edgekit rules --set` that somebody else wrote: refused with the place in them, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit_runtime.bundle import Manifest
from edgekit_runtime.bundle.canonical_json import MAX_BYTES
from edgekit_runtime.bundle.decoding import encode
from edgekit_runtime.bundle.rules_document import apply_rules, make_rules_document, read_rules_document
from edgekit_runtime.errors import UsageProblem

RAW = {
    "nothing": (b"", "is not JSON"),
    "no_text": (b"\xff\xfe\x00", "is not UTF-8"),
    "a_tower_of_lists": (b"[" * 100_000, "is nested deeper than"),
    "a_gigantic_text": (b'"' + b"x" * MAX_BYTES + b'"', f"at most {MAX_BYTES} are allowed"),
    "no_number": (b'{"mm_per_pixel": NaN}', "holds NaN"),
    "two_truths": (b'{"schema": "edgekit.rules/1", "schema": "edgekit.rules/1"}', "the key 'schema' twice"),
    "a_list": (b"[]", "must be RulesDocument, got a list"),
    "a_number_beyond_64_bits": (b'{"mm_per_pixel": 1%s}' % (b"0" * 400), "an integer of 401 characters"),
}

CHANGED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another_schema": (lambda data: data.update(schema="edgekit.rules/9"), "schema 'edgekit.rules/9'"),
    "a_misspelt_key": (lambda data: data["rules"].update(zonez=[]), "unknown key 'zonez'"),
    "truth_for_a_number": (
        lambda data: data["rules"]["others"].update(max_regions=True),
        "max_regions must be int",
    ),
    "neighbours_of_six": (lambda data: data["rules"].update(connectivity=6), "must be one of 4, 8"),
    "an_area_below_nothing": (
        lambda data: data["rules"]["others"].update(min_area_px=-1),
        "min_area_px is -1",
    ),
    "a_scale_beyond_sense": (lambda data: data.update(mm_per_pixel=1e308), "input.mm_per_pixel is 1e+308"),
    "a_zone_inside_out": (
        lambda data: data["rules"].update(zones=[{"x1": 8, "x2": 2, "y1": None, "y2": None}]),
        "rules.zones[0] has the columns 8 to 2",
    ),
    "a_crowd_of_zones": (
        lambda data: data["rules"].update(zones=[{"x1": 0, "x2": 2, "y1": None, "y2": None}] * 5000),
        "5000 zones",
    ),
    "escape_codes": (
        lambda data: data["rules"].update(classes={"\x1b]0;owned\x07": data["rules"]["others"]}),
        "which is no defect",
    ),
}


def apply(manifest: Manifest, raw: bytes, folder: Path) -> None:
    path = folder / "rules.json"
    path.write_bytes(raw)
    apply_rules(manifest, read_rules_document(path))


@pytest.mark.parametrize("attack", RAW)
def test_what_is_no_document(segment_manifest: Manifest, tmp_path: Path, attack: str) -> None:
    raw, message = RAW[attack]
    with pytest.raises(UsageProblem) as caught:
        apply(segment_manifest, raw, tmp_path)
    assert message in caught.value.message
    assert "edgekit rules BUNDLE" in caught.value.remedy


@pytest.mark.parametrize("attack", CHANGED)
def test_documents_that_ask_for_what_cannot_be(
    segment_manifest: Manifest, tmp_path: Path, attack: str
) -> None:
    change, message = CHANGED[attack]
    data = encode(make_rules_document(segment_manifest))
    apply(segment_manifest, json.dumps(data).encode(), tmp_path)  # as it is printed it is taken
    change(data)
    with pytest.raises(UsageProblem) as caught:
        apply(segment_manifest, json.dumps(data).encode(), tmp_path)
    assert message in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.remedy
