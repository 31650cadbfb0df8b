"""A checkpoint's record as the tests need it: valid, and saying as little as it may."""

from __future__ import annotations

from typing import Any

from edgekit.checkpoints.format import Checkpoint, current_versions
from edgekit_export.exportable import Normalisation


def make_record(model: str, **changes: Any) -> Checkpoint:
    """Return a record; `changes` name the fields that a test is about."""
    fields: dict[str, Any] = {
        "classes": ("background", "defect"),
        "normal_class": "background",
        "normalisation": Normalisation((0.5,), (0.25,)),
        "provenance": "trained",
        "training": None,
        "data": None,
        "metrics": {},
        "versions": current_versions(),
    }
    return Checkpoint(model=model, **{**fields, **changes})
