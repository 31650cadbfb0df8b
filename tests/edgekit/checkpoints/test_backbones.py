"""Starting from weights of other classes."""

from __future__ import annotations

import pytest
import torch

from edgekit.checkpoints.backbones import load_backbone
from edgekit.models import MODELS, build_model
from edgekit_runtime.errors import CheckpointError

MODEL = "shufflenet-v2-0.5"
HEAD = ("fc.bias", "fc.weight")


def build(classes: int, seed: int) -> torch.nn.Module:
    return build_model(MODELS.get(MODEL).for_classes([f"class {n}" for n in range(classes)]), seed=seed)


@pytest.mark.parametrize("classes", [3, 6])
def test_all_but_the_head_is_taken_whatever_the_classes(classes: int) -> None:
    source, network = build(6, seed=1).state_dict(), build(classes, seed=2)
    head = {name: network.state_dict()[name].clone() for name in HEAD}
    assert load_backbone(network, source, model=MODEL) == HEAD
    state = network.state_dict()
    assert all(torch.equal(state[name], head[name]) for name in HEAD)
    assert all(torch.equal(state[name], tensor) for name, tensor in source.items() if name not in HEAD)


def test_the_head_is_taken_where_the_classes_are_the_same() -> None:
    source, network = build(6, seed=1).state_dict(), build(6, seed=2)
    assert load_backbone(network, source, model=MODEL, keep_head=True) == ()
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in source.items())


def test_a_head_of_other_classes_is_refused_where_it_shall_be_kept() -> None:
    with pytest.raises(CheckpointError, match=r"fc\.(bias|weight) has the shape"):
        load_backbone(build(3, seed=2), build(6, seed=1).state_dict(), model=MODEL, keep_head=True)


def test_weights_without_a_head_are_enough() -> None:
    source = {name: tensor for name, tensor in build(6, seed=1).state_dict().items() if name not in HEAD}
    assert load_backbone(build(3, seed=2), source, model=MODEL) == HEAD


def test_a_missing_layer_elsewhere_is_refused() -> None:
    source = dict(build(6, seed=1).state_dict())
    del source["conv5.0.weight"]
    with pytest.raises(CheckpointError, match=r"1 missing, such as conv5\.0\.weight"):
        load_backbone(build(6, seed=2), source, model=MODEL)


def test_a_segmenting_network_takes_everything() -> None:
    spec = MODELS.get("cheapnet-s")
    source, network = build_model(spec, seed=1).state_dict(), build_model(spec, seed=2)
    assert load_backbone(network, source, model=spec.name) == ()
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in source.items())


def test_every_exit_has_a_head_of_its_own() -> None:
    spec = MODELS.get("mobile-di")
    source = build_model(spec, seed=1).state_dict()
    network = build_model(spec.for_classes(["good", "bad"]), seed=2)
    fresh = load_backbone(network, source, model=spec.name)
    assert set(fresh) == {
        f"classifiers.{number}.linear.{kind}" for number in (1, 2, 3, 4) for kind in ("bias", "weight")
    }
    state = network.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in source.items() if name not in fresh)
