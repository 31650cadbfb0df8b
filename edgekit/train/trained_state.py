"""What a training changes, and how it is kept: the weights, their average, the optimiser's moments."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from edgekit.checkpoints.format import load_weights, parse_tensors, serialise_tensors
from edgekit.train.averaging import WeightAverage
from edgekit.train.optimisation import make_optimiser
from edgekit.train.optimiser_state import dump_optimiser, restore_optimiser
from edgekit.train.recipe import Recipe
from edgekit_runtime.errors import CheckpointError

OPTIMISER_FILE = "optimiser.safetensors"
RAW_FILE = "raw.safetensors"
"""Beside averaged weights: the weights that the optimiser goes on with."""

STEPS_KEY = "average.steps"


class TrainedState:
    """A network in training with everything that a resumed run needs of it.

    Args:
        network: With its first weights, on its device.
        recipe: Which optimiser, and whether weights are averaged.

    Attributes:
        network: What the optimiser changes.
        optimiser: Over its parameters.
        average: Follows the weights; None where the recipe averages none.
        kept: What is validated and saved: the network itself, or a copy that takes the averaged weights.
    """

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        self.network = network
        self.optimiser = make_optimiser(recipe.optimiser, network)
        self.average = None
        self.kept = network
        if recipe.average_decay is not None:
            self.average = WeightAverage(network, recipe.average_decay)
            self.kept = copy.deepcopy(network)

    def refresh_kept(self) -> nn.Module:
        """Return the network that is kept, in eval mode, with the weights of this moment."""
        if self.average is not None:
            self.kept.load_state_dict(self.average.state())
        return self.kept.eval()

    def dump(self) -> dict[str, bytes]:
        """Return the files that stand beside the kept weights."""
        files = {OPTIMISER_FILE: dump_optimiser(self.optimiser)}
        if self.average is not None:
            raw = {**self.network.state_dict(), STEPS_KEY: torch.tensor(self.average.steps)}
            files[RAW_FILE] = serialise_tensors(raw)
        return files

    def restore(self, weights: Mapping[str, torch.Tensor], folder: Path, *, model: str) -> None:
        """Go on from kept weights and the files beside them.

        Raises:
            CheckpointError: If a file is missing or damaged, or belongs to another network.
        """
        trained = dict(weights)
        if self.average is not None:
            trained = parse_tensors(_read(folder / RAW_FILE), folder / RAW_FILE)
            steps = trained.pop(STEPS_KEY, None)
            if steps is None or steps.numel() != 1:
                raise CheckpointError(f"{folder / RAW_FILE} does not say how many steps were averaged.")
            load_weights(self.kept, weights, model=model)
            self.average.restore(weights, steps=int(steps))
        load_weights(self.network, trained, model=model)
        restore_optimiser(self.optimiser, _read(folder / OPTIMISER_FILE), folder / OPTIMISER_FILE)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}): the run cannot go on exactly.",
            remedy="Take the whole folder of the run.",
        ) from error
