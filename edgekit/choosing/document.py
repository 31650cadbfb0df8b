"""The document `edgekit.calibrate/1`."""

from __future__ import annotations

from typing import Any

from edgekit.choosing.calibration import Calibration
from edgekit_runtime.bundle import Bundle

SCHEMA = "edgekit.calibrate/1"


def make_document(calibration: Calibration, *, target: str, written: Bundle | None) -> dict[str, Any]:
    """Return a choice as JSON-ready data.

    Args:
        calibration: What was chosen.
        target: The bundle as it was named.
        written: The new bundle; None where the goal was not reached.
    """
    bundle, part, images = calibration.bundle, calibration.part, calibration.images
    manifest = bundle.manifest
    return {
        "schema": SCHEMA,
        "task": manifest.model.task,
        "target": target,
        "digest": bundle.digest,
        "written": None if written is None else {"path": str(written.path), "digest": written.digest},
        "data": part.source,
        "layout": part.dataset.layout,
        "split": part.part,
        "fingerprint": part.dataset.fingerprint(),
        "images": {
            "defective": int(images.defective.sum()),
            "normal": int((~images.defective).sum()),
            "groups": len(set(images.groups)),
        },
        "reached": calibration.reached,
        **calibration.to_dict(),
        "backend": calibration.backend,
        "precision": manifest.precision,
        "provenance": manifest.provenance.kind,
    }
