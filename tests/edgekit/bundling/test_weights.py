"""Which weights an export takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgekit.bundling.weights import centre_frames, choose_weights
from edgekit.checkpoints import load_network
from edgekit.models import MODELS
from edgekit.shipped import list_shipped_checkpoints
from edgekit_runtime.errors import CheckpointError, UsageProblem
from tests.edgekit.conftest import make_checkpoint

S = MODELS.get("cheapnet-s")


def test_a_checkpoint_is_taken(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "c", seed=4)
    record, weights = choose_weights(S, checkpoint=folder, untrained=False, seed=0)
    assert record.provenance == "trained"
    assert record.weights_sha256
    load_network(record, weights)


@pytest.mark.parametrize("model", ["cheapnet-s", "cheapnet-m"])
def test_without_a_checkpoint_the_demo_weights_that_ship_are_taken(model: str) -> None:
    record, weights = choose_weights(MODELS.get(model), checkpoint=None, untrained=False, seed=0)
    assert (record.model, record.provenance) == (model, "demo")
    load_network(record, weights)


def test_a_model_without_demo_weights_says_what_to_do() -> None:
    with pytest.raises(UsageProblem, match="cheapnet-s") as caught:
        choose_weights(MODELS.get("cheapnet-std-l"), checkpoint=None, untrained=False, seed=0)
    assert "--checkpoint" in caught.value.remedy
    assert "--untrained" in caught.value.remedy
    assert "cheapnet-std-l" not in list_shipped_checkpoints()


def test_untrained_weights_are_seeded_and_say_so() -> None:
    first, again, other = (
        choose_weights(S, checkpoint=None, untrained=True, seed=seed) for seed in (1, 1, 2)
    )
    assert first[0].provenance == "untrained"
    assert first[0].training == {"seed": 1}
    key = "encoder1.0.weight"
    assert torch.equal(first[1][key], again[1][key])
    assert not torch.equal(first[1][key], other[1][key])


def test_checkpoint_and_untrained_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="exclude"):
        choose_weights(S, checkpoint=tmp_path, untrained=True, seed=0)


def test_another_name_of_the_same_network_is_accepted(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "c", model="cheapnet-g2")
    record, _ = choose_weights(S, checkpoint=folder, untrained=False, seed=0)
    assert record.model == "cheapnet-s"


@pytest.mark.parametrize("model", ["cheapnet-m", "cheapnet-std-s"])
def test_weights_of_another_model_are_refused(tmp_path: Path, model: str) -> None:
    folder = make_checkpoint(tmp_path / "c", model=model)
    with pytest.raises(CheckpointError, match=f"weights of {model}, not of cheapnet-s") as caught:
        choose_weights(S, checkpoint=folder, untrained=False, seed=0)
    assert f"--model {model}" in caught.value.remedy


@pytest.mark.parametrize(("model", "normal_class"), [("resnet50", "normal"), ("shufflenet-v2-0.5", None)])
def test_untrained_classifiers_have_three_means_and_their_own_normal_class(
    model: str, normal_class: str | None
) -> None:
    record, weights = choose_weights(MODELS.get(model), checkpoint=None, untrained=True, seed=0)
    assert record.normalisation == centre_frames(3)
    assert len(record.normalisation.mean) == len(record.normalisation.std) == 3
    assert record.normal_class == normal_class
    load_network(record, weights)
