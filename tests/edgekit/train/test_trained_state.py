"""What a training changes, kept and put back bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgekit.models import MODELS, build_model
from edgekit.train.recipe import Optimiser, Recipe
from edgekit.train.trained_state import OPTIMISER_FILE, RAW_FILE, TrainedState
from edgekit_runtime.errors import CheckpointError
from tests.edgekit.train.runs import tiny_recipe

SPEC = MODELS.get("cheapnet-s")


def make_state(recipe: Recipe) -> TrainedState:
    return TrainedState(build_model(SPEC, seed=0), recipe)


def step(state: TrainedState, times: int, *, first: int = 0) -> None:
    state.network.train()
    for number in range(first, first + times):
        generator = torch.Generator().manual_seed(number)
        state.optimiser.zero_grad()
        state.network(torch.randn(2, 1, 16, 16, generator=generator)).square().mean().backward()
        state.optimiser.step()
        if state.average is not None:
            state.average.update(state.network)


def write(state: TrainedState, folder: Path) -> dict[str, torch.Tensor]:
    """What the engine does: the kept weights as the checkpoint, the other files beside it."""
    for name, content in state.dump().items():
        (folder / name).write_bytes(content)
    return {name: tensor.clone() for name, tensor in state.refresh_kept().state_dict().items()}


RECIPES = {
    "adam": tiny_recipe(),
    "sgd without momentum": tiny_recipe(optimiser=Optimiser("sgd", 0.1)),
    "sgd with momentum": tiny_recipe(optimiser=Optimiser("sgd", 0.1, momentum=0.9, weight_decay=1e-3)),
    "adamw, averaged": tiny_recipe(optimiser=Optimiser("adamw", 0.01, weight_decay=0.1), average_decay=0.9),
    "sgd, averaged": tiny_recipe(optimiser=Optimiser("sgd", 0.1, momentum=0.9), average_decay=0.5),
}


@pytest.mark.parametrize("case", list(RECIPES))
def test_a_restored_state_goes_on_bit_for_bit(tmp_path: Path, case: str) -> None:
    state, other = make_state(RECIPES[case]), make_state(RECIPES[case])
    step(state, 3)
    other.restore(write(state, tmp_path), tmp_path, model="cheapnet-s")
    step(state, 3, first=3)
    step(other, 3, first=3)
    for name, tensor in state.network.state_dict().items():
        assert torch.equal(other.network.state_dict()[name], tensor), name
    for name, tensor in state.refresh_kept().state_dict().items():
        assert torch.equal(other.refresh_kept().state_dict()[name], tensor), name
    assert state.dump() == other.dump()


def test_what_is_kept_is_the_average_and_not_the_raw_weights() -> None:
    state = make_state(RECIPES["sgd, averaged"])
    step(state, 3)
    kept = state.refresh_kept().state_dict()
    assert state.average is not None
    assert all(torch.equal(kept[name], tensor) for name, tensor in state.average.state().items())
    assert not torch.equal(kept["encoder1.0.weight"], state.network.state_dict()["encoder1.0.weight"])
    assert not state.kept.training


def test_without_an_average_the_network_itself_is_kept() -> None:
    state = make_state(RECIPES["adam"])
    assert state.refresh_kept() is state.network
    assert set(state.dump()) == {OPTIMISER_FILE}


@pytest.mark.parametrize("file", [OPTIMISER_FILE, RAW_FILE])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_missing_and_damaged_files_are_told(tmp_path: Path, file: str, damage: str) -> None:
    state = make_state(RECIPES["sgd, averaged"])
    step(state, 1)
    weights = write(state, tmp_path)
    if damage == "missing":
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match=file):
        make_state(RECIPES["sgd, averaged"]).restore(weights, tmp_path, model="cheapnet-s")


def test_raw_weights_without_the_count_of_steps_are_refused(tmp_path: Path) -> None:
    from edgekit.checkpoints.format import serialise_tensors

    state = make_state(RECIPES["sgd, averaged"])
    weights = write(state, tmp_path)
    (tmp_path / RAW_FILE).write_bytes(serialise_tensors(state.network.state_dict()))
    with pytest.raises(CheckpointError, match="how many steps"):
        state.restore(weights, tmp_path, model="cheapnet-s")
