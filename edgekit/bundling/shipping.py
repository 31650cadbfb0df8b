"""Make the shipped weights and bundle anew from training runs.

edgekit train --model cheapnet-s --data synthetic:dagm/6 --recipe short
edgekit train --model cheapnet-m --data synthetic:dagm/6 --recipe short
python -m edgekit.bundling.shipping runs/cheapnet-s-short/best runs/cheapnet-m-short/best
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from edgekit.bundling.export import export_model
from edgekit.checkpoints import load_checkpoint, save_checkpoint
from edgekit.data.opening import SYNTHETIC
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime.errors import CheckpointError, UsageProblem

BUNDLED = "cheapnet-s"


def ship_checkpoint(source: Path, target: Path) -> str:
    """Copy a run's checkpoint as demo weights, with the record of its training, and return its model.

    Raises:
        CheckpointError: If it was trained on anything but generated images, or has its knowledge from other weights:
            real sets are for research only.
    """
    checkpoint, weights = load_checkpoint(source)
    trained_on = str((checkpoint.training or {}).get("data", ""))
    if not trained_on.startswith(SYNTHETIC):
        raise CheckpointError(
            f"{source} was trained on {trained_on or 'unknown data'}; only weights from generated images ship.",
            remedy=f"Train with --data {SYNTHETIC}dagm/6.",
        )
    if any((checkpoint.training or {}).get(name) for name in ("init", "teacher")):
        raise CheckpointError(
            f"{source} began with other weights or learnt from a teacher, which may know other images than generated "
            "ones.",
            remedy="Train without --init and --teacher.",
        )
    demo = replace(checkpoint, provenance="demo")
    save_checkpoint(
        target / checkpoint.model, demo, weights, extra_files=_read_training_record(source.parent)
    )
    return checkpoint.model


def _read_training_record(run: Path) -> dict[str, bytes]:
    """What the run was and how it went, epoch by epoch, ships beside the weights."""
    return {name: (run / name).read_bytes() for name in ("run.json", "metrics.jsonl")}


def refresh(sources: list[Path]) -> None:
    """Ship every checkpoint, and the bundle of cheapnet-s.

    Raises:
        UsageProblem: If no checkpoint is named.
    """
    if not sources:
        raise UsageProblem("Name the checkpoints to ship, such as runs/cheapnet-s-short/best.")
    here = DEMO_BUNDLE.parent
    models = [ship_checkpoint(source, here) for source in sources]
    if BUNDLED in models:
        export_model(MODELS.get(BUNDLED), DEMO_BUNDLE, batch=None, reporter=Reporter())


if __name__ == "__main__":
    refresh([Path(argument) for argument in sys.argv[1:]])
