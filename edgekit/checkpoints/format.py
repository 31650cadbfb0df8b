"""The checkpoint: a directory with `model.safetensors` and `checkpoint.json`.

No pickle: neither file can hold code. The JSON names the sha256 of the weights, so that a mixed-up pair is found.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from edgekit import __version__
from edgekit.checkpoints.record_fields import (
    decode_bits,
    decode_grey,
    decode_normal_class,
    decode_normalisation,
)
from edgekit.models import MODELS, build_model
from edgekit_export.exportable import Normalisation
from edgekit_runtime.bundle.contract import Channels, GreyFormula, PixelFormat
from edgekit_runtime.bundle.decoding import decode
from edgekit_runtime.bundle.manifest import DataInfo, ProvenanceKind
from edgekit_runtime.errors import CheckpointError, EdgekitError, IoFault, UsageProblem
from edgekit_runtime.replacing import staged_directory

SCHEMA = "edgekit.checkpoint/1"
WEIGHTS_FILE = "model.safetensors"
RECORD_FILE = "checkpoint.json"
LARGEST_RECORD_BYTES = 64 << 20


@dataclass(frozen=True)
class Checkpoint:
    """What stands beside the weights.

    Attributes:
        model: Name in the registry.
        classes: Names by mask value, the background first, or by a classifier's output.
        normal_class: The one of them that means no defect; None where every class is a defect.
        normalisation: What the network expects of its input.
        provenance: "trained", "imported" or "demo".
        training: Recipe, seed, epoch and versions of the run; None for imported weights.
        data: What it was trained on; None where unknown.
        metrics: Figures on the validation part, by name.
        versions: Of edgekit, torch and Python when it was written.
        bits: Depth of the frames that it was trained on.
        grey: How colours become grey; "equal" for networks that take colours.
        weights_sha256: Of the weights file; filled in when it is saved.
    """

    model: str
    classes: tuple[str, ...]
    normal_class: str | None
    normalisation: Normalisation
    provenance: ProvenanceKind
    training: dict[str, Any] | None
    data: DataInfo | None
    metrics: dict[str, Any]
    versions: dict[str, str]
    bits: int = 8
    grey: GreyFormula = "equal"
    weights_sha256: str = ""

    @property
    def pixels(self) -> PixelFormat:
        """What a pixel of an image file means to the network; colours are red, green, blue."""
        channels: Channels = "grey" if MODELS.get(self.model).channels == 1 else "rgb"
        return PixelFormat(channels, self.grey, self.bits, self.normalisation.scale)


def current_versions() -> dict[str, str]:
    """Return the versions that a checkpoint records."""
    return {"edgekit": __version__, "torch": version("torch"), "python": platform.python_version()}


def save_checkpoint(
    directory: Path,
    checkpoint: Checkpoint,
    weights: Mapping[str, torch.Tensor],
    *,
    extra_files: Mapping[str, bytes] | None = None,
) -> Checkpoint:
    """Write a checkpoint, replacing one that is there in one step.

    Args:
        directory: Where; its parent must exist.
        checkpoint: The record.
        weights: The network's state dict.
        extra_files: Further files by name, such as an optimiser's state.

    Returns:
        The record as written.

    Raises:
        UsageProblem: If something that is no checkpoint is there.
        IoFault: If the disk refuses; the old checkpoint is then still there.
    """
    _check_target(directory)
    blob = serialise_tensors(weights)
    written = replace(checkpoint, weights_sha256=hashlib.sha256(blob).hexdigest())
    record = {"schema": SCHEMA, **asdict(written)}
    text = json.dumps(record, indent=2, sort_keys=True, allow_nan=False) + "\n"
    with staged_directory(directory) as staged:
        for name, content in {**(extra_files or {}), WEIGHTS_FILE: blob, RECORD_FILE: text.encode()}.items():
            (staged / name).write_bytes(content)
    return written


def _check_target(directory: Path) -> None:
    """Only a checkpoint or an empty folder is replaced: what else is there is somebody's work."""
    if directory.is_dir() and not (directory / RECORD_FILE).is_file() and any(directory.iterdir()):
        raise UsageProblem(
            f"{directory} holds other files; only a checkpoint is replaced by a checkpoint.",
            remedy="Name a new folder.",
        )


def load_checkpoint(directory: Path) -> tuple[Checkpoint, dict[str, torch.Tensor]]:
    """Read a checkpoint: the record and the weights, verified against each other.

    Raises:
        CheckpointError: If it is no checkpoint, or its content is damaged or not finite.
    """
    if not (directory / RECORD_FILE).is_file():
        raise CheckpointError(
            f"{directory} is no checkpoint: it holds no {RECORD_FILE}.",
            remedy=advise_checkpoint(directory),
        )
    checkpoint = _read_record(directory / RECORD_FILE)
    blob = _read_bytes(directory / WEIGHTS_FILE)
    if hashlib.sha256(blob).hexdigest() != checkpoint.weights_sha256:
        raise CheckpointError(
            f"The weights in {directory} are not those that {RECORD_FILE} names: a file was changed or mixed up.",
            remedy="Take both files from the same run.",
        )
    weights = parse_tensors(blob, directory / WEIGHTS_FILE)
    require_finite(weights, directory)
    return checkpoint, weights


def advise_checkpoint(directory: Path) -> str:
    """Return which folder to name where a checkpoint was expected: that of a run holds two."""
    best = directory / "best"
    if (best / RECORD_FILE).is_file():
        return f"It is the folder of a run: name {best}."
    return "Name the folder that `edgekit train` wrote, such as runs/mine/best."


def load_network(checkpoint: Checkpoint, weights: Mapping[str, torch.Tensor]) -> nn.Module:
    """Build the checkpoint's network with its weights, in eval mode.

    Raises:
        CheckpointError: If the weights belong to another model.
    """
    network = build_model(MODELS.get(checkpoint.model).for_classes(checkpoint.classes), seed=0)
    load_weights(network, weights, model=checkpoint.model)
    return network.eval()


def load_weights(network: nn.Module, weights: Mapping[str, torch.Tensor], *, model: str) -> None:
    """Put weights into a network; every key must be there, once, with its shape.

    Raises:
        CheckpointError: If names or shapes differ, or a tensor holds no plain numbers.
    """
    expected = network.state_dict()
    missing = sorted(set(expected) - set(weights))
    extra = sorted(set(weights) - set(expected))
    if missing or extra:
        words = [f"{len(missing)} missing, such as {missing[0]}"] if missing else []
        words += [f"{len(extra)} unknown, such as {extra[0]}"] if extra else []
        raise CheckpointError(
            f"The weights do not belong to {model}: {'; '.join(words)}.",
            remedy="Name the model it was trained as.",
        )
    for name, tensor in expected.items():
        if weights[name].shape != tensor.shape:
            raise CheckpointError(
                f"The weights do not belong to {model}: {name} has the shape {tuple(weights[name].shape)}, "
                f"expected {tuple(tensor.shape)}.",
                remedy="Name the model it was trained as.",
            )
        if not _is_plain(weights[name], like=tensor):
            raise CheckpointError(
                f"The tensor {name} holds no plain numbers: {weights[name].dtype}, {weights[name].layout}, "
                f"on {weights[name].device}; expected dense {tensor.dtype}.",
                remedy="Save the state dict of a network on the CPU.",
            )
    network.load_state_dict(dict(weights))


def _is_plain(tensor: torch.Tensor, *, like: torch.Tensor) -> bool:
    """A torch file may also hold sparse, quantised, complex or weightless ("meta") tensors."""
    return (
        tensor.layout == torch.strided
        and not tensor.is_meta
        and not tensor.is_quantized
        and tensor.is_floating_point() == like.is_floating_point()
        and not tensor.is_complex()
    )


def require_finite(weights: Mapping[str, torch.Tensor], source: Path) -> None:
    """Refuse weights that are NaN or infinite.

    Raises:
        CheckpointError: If any is.
    """
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"{source}: {name} holds NaN or infinite values.",
                remedy="The training diverged; take an earlier checkpoint or train again.",
            )


def serialise_tensors(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """Return tensors as safetensors bytes."""
    blob: bytes = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    return blob


def parse_tensors(blob: bytes, source: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of safetensors bytes.

    Raises:
        CheckpointError: If they are none.
    """
    try:
        return dict(load(blob))
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{source} is no safetensors file: {error}.", remedy="Take the file from the run again."
        ) from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CheckpointError(
            f"There is no file {path}.", remedy="Take the whole folder of the run."
        ) from error
    except OSError as error:
        raise IoFault(f"{path} cannot be read: {error.strerror}.") from error


def _read_record(path: Path) -> Checkpoint:
    blob = _read_bytes(path)
    if len(blob) > LARGEST_RECORD_BYTES:
        raise CheckpointError(f"{path} has {len(blob):,} bytes; a record is far smaller.")
    try:
        data = json.loads(blob)
        if data.get("schema") != SCHEMA:
            raise CheckpointError(
                f"{path} has the schema {data.get('schema')!r}; this edgekit reads {SCHEMA}."
            )
        return _decode_record(data)
    except EdgekitError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is no checkpoint record: {type(error).__name__} {error}.",
            remedy="Take the file from the run again.",
        ) from error


def _decode_record(data: dict[str, Any]) -> Checkpoint:
    # Records before these were written hold frames of 8 bits, grey where the network takes grey.
    data = {"bits": 8, "grey": "equal", **data}
    known = {name: data[name] for name in Checkpoint.__dataclass_fields__}
    if data["model"] not in MODELS:
        raise ValueError(f"names the model {data['model']!r}, which this edgekit does not have")
    if data["provenance"] not in get_args(ProvenanceKind):
        raise ValueError(f"names the provenance {data['provenance']!r}")
    return Checkpoint(
        **{
            **known,
            "classes": tuple(map(str, data["classes"])),
            "normalisation": decode_normalisation(data["normalisation"]),
            "provenance": cast("ProvenanceKind", str(data["provenance"])),
            "normal_class": decode_normal_class(data),
            "bits": decode_bits(data["bits"]),
            "grey": decode_grey(data["grey"]),
            "data": decode(DataInfo, data["data"], "data") if data["data"] else None,
        }
    )
