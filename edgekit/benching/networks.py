"""The network that a bundle was made from, with its weights: what a peer's user would have exported."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.models import MODELS
from edgekit.shipped import find_shipped_checkpoint
from edgekit_export.exportable import Normalisation
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.errors import CheckpointError, MissingDependency
from edgekit_runtime.optional import import_optional

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, eq=False)
class PeerNetwork:
    """A network with the bundle's weights, in eval mode.

    Attributes:
        module: Takes normalised images, answers logits.
        normalisation: Of its images.
        weights: Where they come from, in words.
    """

    module: nn.Module
    normalisation: Normalisation
    weights: str


@dataclass(frozen=True)
class NoNetwork:
    """Why there is none, in words; peers then run the bundle's own graph."""

    reason: str


def find_network(bundle: Bundle, checkpoint: Path | None) -> PeerNetwork | NoNetwork:
    """Return the network of a bundle: weights named by the user, those that ship, or random ones by their seed.

    Whatever is found must have the hash that the bundle names, for a peer with other weights answers other masks.

    Args:
        bundle: What is measured.
        checkpoint: Folder of its weights; None looks for them.

    Raises:
        CheckpointError: If the named weights are not those of the bundle.
        MissingDependency: If weights are named and torch is not installed.
    """
    manifest = bundle.manifest
    if manifest.model.name not in MODELS:
        return NoNetwork(f"edgekit has no network {manifest.model.name!r}")
    try:
        for package in ("torch", "safetensors"):
            import_optional(package, extra="train")
    except MissingDependency as error:
        if checkpoint is not None:
            raise
        return NoNetwork(error.message.rstrip("."))
    source = _find_source(bundle, checkpoint)
    if isinstance(source, NoNetwork):
        return source
    folder, seed, words = source
    return _load(bundle, folder, seed, words, named=checkpoint is not None)


def _find_source(bundle: Bundle, checkpoint: Path | None) -> tuple[Path | None, int, str] | NoNetwork:
    """Return a folder of weights, or None and the seed of random ones, and what they are in words."""
    if checkpoint is not None:
        return checkpoint, 0, "the checkpoint that --checkpoint names"
    provenance = bundle.manifest.provenance
    if provenance.kind == "untrained":
        seed = (provenance.training or {}).get("seed")
        if type(seed) is not int:
            return NoNetwork("the bundle does not name the seed of its random weights")
        return None, seed, f"random weights, seed {seed}"
    shipped = find_shipped_checkpoint(bundle.manifest.model.name)
    if shipped is None:
        return NoNetwork("its weights were not named with --checkpoint, and none ship")
    return shipped, 0, "the demo weights that ship"


def _load(
    bundle: Bundle, folder: Path | None, seed: int, words: str, *, named: bool
) -> PeerNetwork | NoNetwork:
    from edgekit.bundling.weights import choose_weights
    from edgekit.checkpoints.format import load_network, serialise_tensors

    spec = MODELS.get(bundle.manifest.model.name)
    record, weights = choose_weights(spec, checkpoint=folder, untrained=folder is None, seed=seed)
    digest = record.weights_sha256 or hashlib.sha256(serialise_tensors(weights)).hexdigest()
    if digest != bundle.manifest.provenance.weights_sha256:
        if named:
            raise CheckpointError(
                f"{folder} does not hold the weights of {bundle.path}.",
                remedy="Name the checkpoint that the bundle was exported from.",
            )
        return NoNetwork(f"{words} are not those of the bundle (--checkpoint names its own)")
    return PeerNetwork(load_network(record, weights), record.normalisation, words)
