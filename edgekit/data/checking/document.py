"""A check as a JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from edgekit.data.checking.check import Check
from edgekit.data.checking.summary import Kind, Sizes, Spread

SCHEMA = "edgekit.data-check/1"


def make_document(check: Check) -> dict[str, Any]:
    """Return the document `edgekit.data-check/1`: figures are null where nothing could be measured."""
    survey, summary = check.survey, check.summary
    pairs = survey.similarity.pairs
    return {
        "schema": SCHEMA,
        "name": survey.name,
        "layout": survey.layout,
        "classes": list(survey.classes),
        "images": {
            "total": summary.images,
            "unreadable": summary.unreadable,
            "defective": summary.defective,
            "normal": summary.normal,
            "undecided": summary.undecided,
            "by_label": dict(summary.labels),
            "by_stratum": dict(summary.strata),
            "by_channels": {str(channels): count for channels, count in summary.channels.items()},
            "bits_per_channel": summary.bits,
        },
        "sizes": summary.sizes and _describe_sizes(summary.sizes),
        "kinds": [_describe_kind(kind) for kind in summary.kinds],
        "pixel_shares": dict(summary.pixels),
        "grey_levels": {"mean": _describe(summary.mean_level), "std": _describe(summary.std_level)},
        "groups": {
            "count": summary.groups,
            "largest": summary.largest_group
            and {"name": summary.largest_group[0], "images": summary.largest_group[1]},
        },
        "given_parts": dict(survey.similarity.parts or {}),
        "shared_by_parts": [asdict(entry) for entry in survey.similarity.shared],
        "similar_pairs": None if pairs is None else [asdict(pair) for pair in pairs],
        "unreadable": [asdict(entry) for entry in survey.unreadable],
        "findings": [{**asdict(finding), "examples": list(finding.examples)} for finding in check.findings],
    }


def _describe(spread: Spread | None) -> dict[str, float] | None:
    return None if spread is None else {"min": spread.least, "median": spread.median, "max": spread.largest}


def _describe_sizes(sizes: Sizes) -> dict[str, Any]:
    return {
        "distinct": sizes.distinct,
        "height_px": _describe(sizes.height_px),
        "width_px": _describe(sizes.width_px),
        "commonest": [
            {"height": height, "width": width, "images": count} for (height, width), count in sizes.commonest
        ],
        "multiples_of_16_share": sizes.multiples_share,
    }


def _describe_kind(kind: Kind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "images": kind.images,
        "masks": kind.masks,
        "mean_share": kind.mean_share,
        "regions": kind.regions,
        "area_px": _describe(kind.area_px),
    }
