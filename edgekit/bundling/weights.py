"""Which weights an export takes: a checkpoint, the demo weights that ship, or random ones for measuring speed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from edgekit.checkpoints.format import Checkpoint, current_versions, load_checkpoint
from edgekit.models import MODELS, ModelSpec, build_model
from edgekit.shipped import find_shipped_checkpoint, list_shipped_checkpoints
from edgekit_export.exportable import Normalisation
from edgekit_runtime.errors import CheckpointError, UsageProblem

Weights = tuple[Checkpoint, Mapping[str, torch.Tensor]]


def choose_weights(spec: ModelSpec, *, checkpoint: Path | None, untrained: bool, seed: int) -> Weights:
    """Return the record and the weights that an export takes.

    Raises:
        UsageProblem: If nothing says which weights, or two things do.
        CheckpointError: If the checkpoint belongs to another model.
    """
    if checkpoint is not None and untrained:
        raise UsageProblem("--checkpoint and --untrained exclude each other.")
    if untrained:
        return _make_untrained(spec, seed)
    folder = checkpoint or find_shipped_checkpoint(spec.name)
    if folder is None:
        raise UsageProblem(
            f"No weights ship for {spec.name}; they do for {', '.join(list_shipped_checkpoints())}.",
            remedy="Name trained weights with --checkpoint DIR, or take --untrained to measure speed.",
        )
    record, weights = load_checkpoint(folder)
    if record.model != spec.name:
        record = _accept_alias(record, spec, folder)
    return record, weights


def _accept_alias(record: Checkpoint, spec: ModelSpec, folder: Path) -> Checkpoint:
    """cheapnet-s and cheapnet-g2 are one network under two names; anything else is another model."""
    trained_as = MODELS.get(record.model)
    if (trained_as.factory, dict(trained_as.arguments)) != (spec.factory, dict(spec.arguments)):
        raise CheckpointError(
            f"{folder} holds weights of {record.model}, not of {spec.name}.",
            remedy=f"Export it with --model {record.model}.",
        )
    return replace(record, model=spec.name)


def centre_frames(channels: int) -> Normalisation:
    """Return a normalisation for random weights: they have seen no images, so it centres frames of any kind."""
    return Normalisation(mean=(0.5,) * channels, std=(0.25,) * channels)


def _make_untrained(spec: ModelSpec, seed: int) -> Weights:
    network = build_model(spec, seed=seed)
    record = Checkpoint(
        model=spec.name,
        classes=spec.classes,
        normal_class=spec.normal_class,
        normalisation=centre_frames(spec.channels),
        provenance="untrained",
        training={"seed": seed},
        data=None,
        metrics={},
        versions=current_versions(),
    )
    return record, network.state_dict()
