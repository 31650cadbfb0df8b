"""The document `edgekit.calibrate/1`."""

from __future__ import annotations

from typing import Any

from edgekit.choosing.choice import Choice
from edgekit.choosing.goal import Goal
from edgekit.choosing.known_images import KnownImages
from edgekit.data.splitting.parts import ChosenPart
from edgekit_runtime.bundle import Bundle

SCHEMA = "edgekit.calibrate/1"


def make_document(
    choice: Choice,
    *,
    target: str,
    bundle: Bundle,
    written: Bundle | None,
    part: ChosenPart,
    images: KnownImages,
    backend: str | None,
) -> dict[str, Any]:
    """Return a choice as JSON-ready data.

    Args:
        choice: What was chosen.
        target: The bundle as it was named.
        bundle: The same, opened.
        written: The new bundle; None where the goal was not reached.
        part: The images.
        images: The same, as they were known.
        backend: What ran the bundle.
    """
    manifest = bundle.manifest
    return {
        "schema": SCHEMA,
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
        "goal": _describe_goal(choice.goal),
        "reached": choice.reached,
        "chosen": choice.chosen.to_dict(),
        "before": choice.before.to_dict(),
        "trade_off": [point.to_dict() for point in choice.frontier],
        "support": [each.to_dict() for each in choice.support],
        "thresholds_run": choice.runs,
        "exhausted": choice.exhausted,
        "backend": backend,
        "precision": manifest.precision,
        "provenance": manifest.provenance.kind,
    }


def _describe_goal(goal: Goal) -> dict[str, Any]:
    return {
        "words": goal.describe(),
        "max_escape": None if goal.max_escape is None else float(goal.max_escape),
        "max_overkill": None if goal.max_overkill is None else float(goal.max_overkill),
        "cost_ratio": goal.cost_ratio,
    }
