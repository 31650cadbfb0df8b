"""Which network a peer runs: the bundle's own weights, or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edgekit.benching.networks import NoNetwork, PeerNetwork, find_network
from edgekit.bundling import export_model
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Bundle
from edgekit_runtime.errors import CheckpointError, MissingDependency
from edgekit_runtime.testing import fake_bundle
from tests.edgekit.conftest import make_checkpoint


def change(bundle: Bundle, **changes: object) -> Bundle:
    provenance = replace(bundle.manifest.provenance, **changes)  # type: ignore[arg-type]
    return Bundle(bundle.path, replace(bundle.manifest, provenance=provenance), digest="")


def test_demo_weights_are_those_that_ship() -> None:
    found = find_network(Bundle.open(DEMO_BUNDLE), None)
    assert isinstance(found, PeerNetwork)
    assert not found.module.training
    with torch.inference_mode():
        assert found.module(torch.zeros(1, 1, 16, 16)).shape == (1, 1, 16, 16)


@pytest.mark.slow
def test_random_weights_come_from_their_seed(tmp_path: Path, quiet: Reporter) -> None:
    path = tmp_path / "random.edgekit"
    export_model(MODELS.get("cheapnet-g3"), path, untrained=True, seed=5, size=(64, 64), reporter=quiet)
    bundle = Bundle.open(path)
    found = find_network(bundle, None)
    assert isinstance(found, PeerNetwork)
    assert found.weights == "random weights, seed 5"
    frame = bundle.read_array(bundle.manifest.golden[0].frame)
    mean, std = found.normalisation.mean[0], found.normalisation.std[0]
    with torch.inference_mode():
        logits = found.module(torch.from_numpy((frame[None, None] / np.float32(255) - mean) / std).float())
    threshold = np.float32(bundle.manifest.golden[0].thresholds["threshold"])
    mask = bundle.read_array(bundle.manifest.golden[0].outputs["mask"])
    assert (
        np.count_nonzero((logits[0, 0].numpy() >= threshold) != mask)
        <= bundle.manifest.golden[0].undecided_px
    )
    other = find_network(change(bundle, training={"seed": 6}), None)
    assert isinstance(other, NoNetwork)
    assert "not those of the bundle" in other.reason


def test_weights_of_another_training_are_none() -> None:
    found = find_network(change(Bundle.open(DEMO_BUNDLE), weights_sha256="0" * 64), None)
    assert isinstance(found, NoNetwork)
    assert "--checkpoint" in found.reason


def test_a_named_checkpoint_of_other_weights_is_refused(checkpoint_folder: Path) -> None:
    with pytest.raises(CheckpointError, match="does not hold the weights"):
        find_network(Bundle.open(DEMO_BUNDLE), checkpoint_folder)


def test_a_named_checkpoint_is_taken(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "checkpoint", seed=3)
    from edgekit.checkpoints.format import load_checkpoint

    bundle = change(Bundle.open(DEMO_BUNDLE), weights_sha256=load_checkpoint(folder)[0].weights_sha256)
    found = find_network(bundle, folder)
    assert isinstance(found, PeerNetwork)
    assert "--checkpoint" in found.weights


def test_networks_that_edgekit_does_not_have_or_ship_are_none(tmp_path: Path) -> None:
    assert isinstance(find_network(fake_bundle(tmp_path / "a.edgekit"), None), NoNetwork)
    bundle = Bundle.open(DEMO_BUNDLE)
    model = replace(bundle.manifest.model, name="cheapnet-l")
    found = find_network(Bundle(bundle.path, replace(bundle.manifest, model=model), digest=""), None)
    assert isinstance(found, NoNetwork)
    assert "none ship" in found.reason
    assert isinstance(find_network(change(bundle, kind="untrained", training=None), None), NoNetwork)


def test_without_torch_there_is_no_network(monkeypatch: pytest.MonkeyPatch, checkpoint_folder: Path) -> None:
    def refuse(module: str, *, extra: str) -> None:
        raise MissingDependency(f"The package {module!r} is needed here and is not installed.", remedy=extra)

    monkeypatch.setattr("edgekit.benching.networks.import_optional", refuse)
    found = find_network(Bundle.open(DEMO_BUNDLE), None)
    assert isinstance(found, NoNetwork)
    assert "torch" in found.reason
    with pytest.raises(MissingDependency):
        find_network(Bundle.open(DEMO_BUNDLE), checkpoint_folder)
