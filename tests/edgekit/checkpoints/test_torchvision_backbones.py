"""Networks with exits take the backbone of a plain network's published file, and nothing else of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.checkpoints import load_network
from edgekit.checkpoints.torchvision import BACKBONES, IMAGENET
from edgekit.models import MODELS, build_model
from edgekit_runtime.errors import CheckpointError
from tests.edgekit.checkpoints.test_torchvision import THOUSAND, State, import_file, make_published


@pytest.fixture
def mobile_file(tmp_path: Path) -> Path:
    torch.save(make_published("mobilenet-v3-large"), tmp_path / "mobilenet_v3_large.pth")
    return tmp_path / "mobilenet_v3_large.pth"


def check_backbone(model: str, path: Path, starts: tuple[str, ...], **changes: Any) -> None:
    """The file's backbone comes over, whatever its classes, and nothing else does."""
    spec, published = MODELS.get(model), make_published(BACKBONES[model])
    record, weights, fresh = import_file(path, model=model, seed=3, **changes)
    assert (record.model, record.classes, record.normal_class) == (model, spec.classes, "normal")
    # What has a fresh exit answers at random.
    assert (record.provenance, record.normalisation) == ("untrained", IMAGENET)
    assert set(fresh) == {name for name in weights if name.startswith(starts)}
    taken = weights.keys() - set(fresh)
    assert taken
    assert taken == published.keys() & weights.keys()
    assert all(torch.equal(weights[name], published[name]) for name in taken)
    other = build_model(spec, seed=3).state_dict()
    assert all(torch.equal(weights[name], other[name]) for name in fresh)
    assert load_network(record, weights).task == "classify"


@pytest.mark.parametrize("new_head", [False, True])
def test_mobile_di_takes_the_backbone_of_mobilenet(mobile_file: Path, new_head: bool) -> None:
    check_backbone("mobile-di", mobile_file, ("classifiers.",), new_head=new_head)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dinet", "dinet-a"])
def test_di_net_takes_the_backbone_of_resnet50(model: str, tmp_path: Path) -> None:
    torch.save(make_published("resnet50"), tmp_path / "resnet50.pth")
    check_backbone(model, tmp_path / "resnet50.pth", ("aggregations.", "classifiers."), new_head=False)


def test_a_backbone_gives_the_features_of_the_published_network(mobile_file: Path) -> None:
    plain = build_model(MODELS.get("mobilenet-v3-large").for_classes(THOUSAND)).eval()
    plain.load_state_dict(make_published("mobilenet-v3-large"))
    record, weights, _ = import_file(mobile_file, model="mobile-di")
    image = torch.randn(1, 3, 40, 56, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(load_network(record, weights).features(image), plain.features(image))


def test_classes_of_a_network_with_exits_can_be_named(mobile_file: Path) -> None:
    record, weights, _ = import_file(mobile_file, model="mobile-di", classes=["good", "hole", "stain"])
    assert record.classes == ("good", "hole", "stain")
    assert [weights[f"classifiers.{number}.linear.bias"].shape for number in (1, 2, 3, 4)] == [(3,)] * 4


def test_a_backbone_without_classifier_and_counters_is_enough(tmp_path: Path) -> None:
    state = make_published("mobilenet-v3-large")
    bare = {
        name: tensor
        for name, tensor in state.items()
        if name.startswith("features.") and not name.endswith("num_batches_tracked")
    }
    torch.save(bare, tmp_path / "a.pth")
    _, weights, fresh = import_file(tmp_path / "a.pth", model="mobile-di")
    assert all(torch.equal(weights[name], tensor) for name, tensor in bare.items())
    assert all(name.startswith("classifiers.") for name in fresh)


def lose_a_unit(state: State) -> None:
    del state["features.13.block.0.0.weight"]


def gain_an_exit(state: State) -> None:
    state["classifiers.4.linear.bias"] = torch.zeros(5)


def widen_a_unit(state: State) -> None:
    state["features.13.block.0.0.weight"] = torch.zeros(960, 112, 1, 1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lose_a_unit, r"belong to mobile-di: 1 missing, such as features\.13\.block\.0\.0\.weight"),
        (
            gain_an_exit,
            r"those of mobilenet-v3-large, .* mobile-di has: 1 unknown, such as classifiers\.4\.linear\.bias",
        ),
        (widen_a_unit, r"features\.13\.block\.0\.0\.weight has the shape \(960, 112, 1, 1\), expected"),
    ],
)
def test_spoilt_backbones_are_refused(tmp_path: Path, spoil: Callable[[State], None], words: str) -> None:
    state = make_published("mobilenet-v3-large")
    spoil(state)
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=words):
        import_file(tmp_path / "a.pth", model="mobile-di")


def test_the_backbone_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.save(make_published("shufflenet-v2-0.5"), tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"whose backbone mobile-di has: [0-9]+ unknown"):
        import_file(tmp_path / "a.pth", model="mobile-di")
