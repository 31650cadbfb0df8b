"""Other checkpoints that a run depends on: the one whose weights it begins with, and its teacher."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from edgekit.checkpoints.backbones import load_backbone
from edgekit.checkpoints.format import Checkpoint, load_checkpoint, load_network
from edgekit.models import MODELS, ModelSpec
from edgekit.reporting import Reporter
from edgekit.train.outputs import Outputs
from edgekit.train.run_folder import CheckpointRef
from edgekit_export.exportable import Normalisation
from edgekit_runtime.bundle.manifest import DataInfo
from edgekit_runtime.errors import CheckpointError, UsageProblem


def refer_to(path: Path) -> CheckpointRef:
    """Return what a run records of a checkpoint.

    Raises:
        CheckpointError: If there is none.
    """
    checkpoint, _ = load_checkpoint(path)
    return CheckpointRef(str(path), checkpoint.weights_sha256)


def load_start(
    network: nn.Module, start: CheckpointRef, spec: ModelSpec, reporter: Reporter, *, data: DataInfo
) -> None:
    """Put a checkpoint's weights into a fresh network; a classifier of other classes keeps its last layer fresh.

    Raises:
        CheckpointError: If the checkpoint changed, or its weights do not belong to the network.
        UsageProblem: If it may have learnt from the test part of the run's data.
    """
    checkpoint, weights = _load(start)
    _require_no_leak(start, checkpoint, data)
    same = checkpoint.classes == spec.classes
    fresh = load_backbone(network, weights, model=spec.name, keep_head=same)
    left = f"; fresh: {', '.join(fresh)}" if fresh else ""
    reporter.note(f"Beginning with the weights of {start.path}{left}.")


def load_teacher(
    teacher: CheckpointRef, spec: ModelSpec, normalisation: Normalisation, *, bits: int, data: DataInfo
) -> nn.Module:
    """Return a teacher's network, seeing images as the student does.

    Raises:
        CheckpointError: If the checkpoint changed.
        UsageProblem: If it answers another question than the student, sees pixels of another depth, or may have learnt
            from the test part of the run's data.
    """
    checkpoint, weights = _load(teacher)
    _require_no_leak(teacher, checkpoint, data)
    own = MODELS.get(checkpoint.model)
    if checkpoint.bits != bits:
        raise UsageProblem(
            f"{teacher.path} sees pixels of {checkpoint.bits} bits, and those of the run have {bits}.",
            remedy="Train a teacher on images of the same depth.",
        )
    if (own.task, own.channels) != (spec.task, spec.channels) or not _same_classes(checkpoint, spec):
        raise UsageProblem(
            f"{teacher.path} ({own.name}: {own.task}, {own.channels} channels, {', '.join(checkpoint.classes)}) "
            f"cannot teach {spec.name} ({spec.task}, {spec.channels} channels, {', '.join(spec.classes)}).",
            remedy="Train a teacher on the same data.",
        )
    if spec.multiple % own.multiple:
        raise UsageProblem(
            f"{own.name} takes sides that are multiples of {own.multiple}, {spec.name} of {spec.multiple}.",
            remedy="Take another teacher.",
        )
    return _Renormalised(load_network(checkpoint, weights), normalisation, checkpoint.normalisation)


def _same_classes(teacher: Checkpoint, spec: ModelSpec) -> bool:
    """A classifier's outputs mean its classes; a segmenting network's mean defect, whatever its data call it."""
    if spec.task == "classify":
        return teacher.classes == spec.classes
    return len(teacher.classes) == len(spec.classes)


def _require_no_leak(reference: CheckpointRef, checkpoint: Checkpoint, data: DataInfo) -> None:
    """Refuse what was trained on another split of the same data: it knows images on which this run is measured."""
    known = checkpoint.data
    if (
        known is None
        or known.fingerprint != data.fingerprint
        or known.parts.get("test") == data.parts["test"]
    ):
        return
    folds = "" if known.split.folds is None else f" --folds {known.split.folds} --fold {known.split.fold}"
    raise UsageProblem(
        f"{reference.path} was trained on another split of {data.name}: it may have learnt from images of this run's "
        "test part, whose figures would flatter.",
        remedy=f"Take its split, --split-seed {known.split.seed}{folds}, or weights of other data.",
    )


class _Renormalised(nn.Module):
    """A network behind the step from one normalisation of its input to another."""

    factor: torch.Tensor
    offset: torch.Tensor

    def __init__(self, network: nn.Module, given: Normalisation, wanted: Normalisation) -> None:
        super().__init__()
        self.network = network
        std = torch.tensor(given.std) * given.scale / (torch.tensor(wanted.std) * wanted.scale)
        shift = torch.tensor(given.mean) * given.scale - torch.tensor(wanted.mean) * wanted.scale
        offset = shift / (torch.tensor(wanted.std) * wanted.scale)
        self.register_buffer("factor", std.view(1, -1, 1, 1))
        self.register_buffer("offset", offset.view(1, -1, 1, 1))

    def forward(self, images: torch.Tensor) -> Outputs:
        """Return the network's answers."""
        answers: Outputs = self.network(images * self.factor + self.offset)
        return answers


def _load(reference: CheckpointRef) -> tuple[Checkpoint, dict[str, torch.Tensor]]:
    checkpoint, weights = load_checkpoint(Path(reference.path))
    if checkpoint.weights_sha256 != reference.weights_sha256:
        raise CheckpointError(
            f"{reference.path} is no longer the checkpoint that the run was begun with.",
            remedy="Restore it, or begin a new run.",
        )
    return checkpoint, weights
