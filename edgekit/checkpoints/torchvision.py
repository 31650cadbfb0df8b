"""Published torchvision weights from a local file: a torch file that holds the state dict alone.

The networks here carry torchvision's parameter names, so that nothing is renamed. torchvision itself is not needed. A
network with exits takes the backbone of the plain network's file, and everything else of it stays fresh.
A torch file may hold code; `edgekit.checkpoints.torch_files` says how it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from edgekit.checkpoints.backbones import load_backbone, load_other_backbone
from edgekit.checkpoints.format import Checkpoint, current_versions, require_finite
from edgekit.checkpoints.torch_files import (
    is_state_dict,
    read_torch_file,
    remove_parallel_prefix,
    size_limit,
)
from edgekit.models import MODELS, ModelSpec, build_model
from edgekit_export.exportable import Normalisation
from edgekit_runtime.errors import CheckpointError, UsageProblem

PUBLISHED: Mapping[str, str] = {
    "resnet50": "resnet50",
    "mobilenet-v3-large": "mobilenet_v3_large",
    "shufflenet-v2-0.5": "shufflenet_v2_x0_5",
}
"""Our name → torchvision's."""

BACKBONES: Mapping[str, str] = {
    "dinet": "resnet50",
    "dinet-a": "resnet50",
    "mobile-di": "mobilenet-v3-large",
}
"""A network whose backbone is a published one's → our name of that one. Nobody publishes that of `dinet-table1`."""

IMAGENET = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""What the published weights were trained with, in units of full scale."""

IMAGENET_CLASSES = 1000
"""Classes of the published weights: room for that head counts towards the largest file that is read."""

COUNTER = "num_batches_tracked"
"""How many batches a BatchNorm saw. Files older than torch 0.4.1 lack it, and nothing here reads it."""

HOW_TO_SAVE = "Take torchvision's file as it was published, or torch.save(network.state_dict(), file)."


def import_torchvision_weights(
    path: Path,
    *,
    model: str,
    classes: Sequence[str] | None = None,
    normal_class: str | None = None,
    normalisation: Normalisation = IMAGENET,
    new_head: bool = False,
    seed: int = 0,
) -> tuple[Checkpoint, dict[str, torch.Tensor], tuple[str, ...]]:
    """Read a published state dict as a checkpoint.

    Args:
        path: The torch file.
        model: Our name of the network.
        classes: Names by output; None takes the model's own.
        normal_class: The one of them that means no defect; None takes the model's own where it is among them.
        normalisation: What the weights were trained with; three means and standard deviations.
        new_head: Leave the last layer as it is initialised, because the file's answers other classes. A network that
            takes no more than a backbone has no layer of the file's: there it makes no difference.
        seed: Of that initialisation.

    Returns:
        The record, whose provenance is "untrained" where any layer is fresh; the network's state dict; and the names
        of the tensors that were left fresh.

    Raises:
        UsageProblem: If no such weights are published for the model, or classes or normalisation make no sense.
        CheckpointError: If the file is too large, holds code, its tensors are not those of the model, or its
            last layer answers another number of classes.
        IoFault: If it cannot be read.
    """
    spec = _choose_spec(model, classes)
    _check_normal_class(normal_class, spec)
    _check_normalisation(normalisation)
    network = build_model(spec, seed=seed)
    published = _build_published(model)
    state = _read_state_dict(path, max(size_limit(network), size_limit(published)))
    state = _add_counters(state, published)
    if model in BACKBONES:
        fresh = load_other_backbone(network, state, model=model, source=BACKBONES[model])
    else:
        if not new_head:
            _check_head(path, state, spec)
        fresh = load_backbone(network, state, model=model, keep_head=not new_head)
    weights = network.state_dict()
    require_finite(weights, path)
    record = _make_record(spec, normal_class, normalisation, has_fresh_layer=bool(fresh))
    return record, weights, fresh


def _make_record(
    spec: ModelSpec, normal_class: str | None, normalisation: Normalisation, *, has_fresh_layer: bool
) -> Checkpoint:
    return Checkpoint(
        model=spec.name,
        classes=spec.classes,
        normal_class=normal_class or spec.normal_class,
        normalisation=normalisation,
        # A fresh layer answers at random: a bundle of it must not say that it can be used.
        provenance="untrained" if has_fresh_layer else "imported",
        training=None,
        data=None,
        metrics={},
        versions=current_versions(),
    )


def _choose_spec(model: str, classes: Sequence[str] | None) -> ModelSpec:
    spec = MODELS.get(model)
    if model not in PUBLISHED and model not in BACKBONES:
        raise UsageProblem(
            f"torchvision publishes no weights of {model}; it does of {', '.join(PUBLISHED)}, "
            f"and of the backbones of {', '.join(BACKBONES)}.",
            remedy="Choose one of these, or leave --from out for weights of CheapNet's authors.",
        )
    if classes is None:
        return spec
    if len(classes) < 2 or len(set(classes)) != len(classes) or not all(name.strip() for name in classes):
        raise UsageProblem(
            f"A classifier needs two or more classes with different names; got {', '.join(classes) or 'none'}.",
            remedy="Name them in the order of the outputs, such as --classes normal,hole,stain.",
        )
    return spec.for_classes(classes)


def _check_normal_class(name: str | None, spec: ModelSpec) -> None:
    if name is not None and name not in spec.classes:
        raise UsageProblem(
            f"The normal class {name!r} is none of {', '.join(spec.classes)}.", remedy="Name one of them."
        )


def _check_normalisation(normalisation: Normalisation) -> None:
    mean, std = normalisation.mean, normalisation.std
    # Written so that NaN fails.
    in_range = all(0 <= value <= 1 for value in mean) and all(0 < value <= 1 for value in std)
    if len(mean) != 3 or len(std) != 3 or not in_range:
        raise UsageProblem(
            f"Mean {mean} and std {std} must be three numbers each, in units of full scale, 0 to 1.",
            remedy="Leave both out: published weights were trained with ImageNet's.",
        )


def _build_published(model: str) -> nn.Module:
    """Return the published network without memory for its weights, with the classes that it was published for."""
    spec = MODELS.get(BACKBONES.get(model, model))
    with torch.device("meta"):
        return build_model(spec.for_classes([str(index) for index in range(IMAGENET_CLASSES)]))


def _read_state_dict(path: Path, limit: int) -> dict[str, torch.Tensor]:
    content = read_torch_file(path, limit=limit, remedy=HOW_TO_SAVE)
    if not isinstance(content, dict) or not content or not is_state_dict(content):
        raise CheckpointError(f"{path} holds no state dict: names and tensors alone.", remedy=HOW_TO_SAVE)
    return remove_parallel_prefix(content, path)


def _add_counters(state: Mapping[str, torch.Tensor], published: nn.Module) -> dict[str, torch.Tensor]:
    names = [name for name in published.state_dict() if name.endswith(COUNTER)]
    return {**{name: torch.tensor(0) for name in names}, **state}


def _check_head(path: Path, state: Mapping[str, torch.Tensor], spec: ModelSpec) -> None:
    bias = state.get(f"{spec.head[0]}bias")
    if bias is not None and bias.ndim == 1 and len(bias) != len(spec.classes):
        raise CheckpointError(
            f"The last layer in {path} answers {len(bias)} classes; the checkpoint has {len(spec.classes)}: "
            f"{', '.join(spec.classes)}.",
            remedy="Add --new-head to leave that layer fresh, and train it; or name the file's own classes.",
        )
