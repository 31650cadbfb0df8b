"""What ships: weights from generated images only, and a bundle that a new export would give again."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import numpy_helper

from edgekit.bundling import export_model
from edgekit.checkpoints import load_checkpoint, load_network
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit.shipped import DEMO_BUNDLE, find_shipped_checkpoint, list_shipped_checkpoints
from edgekit_runtime import Bundle, verify_bundle


def test_s_and_m_ship() -> None:
    assert list_shipped_checkpoints() == ("cheapnet-m", "cheapnet-s")
    assert find_shipped_checkpoint("cheapnet-l") is None


@pytest.mark.parametrize("model", ["cheapnet-s", "cheapnet-m"])
def test_weights_come_from_generated_images_with_their_record(model: str) -> None:
    record, weights = load_checkpoint(find_shipped_checkpoint(model))
    load_network(record, weights)
    assert (record.model, record.provenance) == (model, "demo")
    assert record.training["data"].startswith("synthetic:dagm")
    assert record.training["recipe"]["schedule"] == "short"
    assert record.data.name.startswith("synthetic:dagm")
    assert 0.5 < record.metrics["miou"] <= 1


def test_the_bundle_is_sound_and_says_what_it_is() -> None:
    report = verify_bundle(DEMO_BUNDLE)
    assert report.ok, report.checks
    manifest = Bundle.open(DEMO_BUNDLE).manifest
    assert (manifest.provenance.kind, manifest.model.name) == ("demo", "cheapnet-s")
    record, _ = load_checkpoint(find_shipped_checkpoint("cheapnet-s"))
    assert manifest.provenance.weights_sha256 == record.weights_sha256
    assert manifest.data == record.data
    assert sum(stage.macs for stage in manifest.stages) == 10_448_896


def test_golden_samples_show_something() -> None:
    bundle = Bundle.open(DEMO_BUNDLE)
    assert bundle.manifest.golden
    for sample in bundle.manifest.golden:
        assert 0.001 <= (bundle.read_array(sample.outputs["mask"]) > 0).mean() <= 0.5


def test_nothing_that_ships_names_a_place_on_the_makers_disk() -> None:
    for path in DEMO_BUNDLE.parent.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        json.loads(text)
        # No string is an absolute path.
        assert '"/' not in text, path


def graph_of(bundle: Path) -> tuple[list[object], dict[str, bytes]]:
    """Return nodes and weights; other releases of the packages may write other metadata around them."""
    model = onnx.load(bundle / "main.onnx")
    nodes = [
        (node.op_type, tuple(node.input), tuple(node.output), [a.SerializeToString() for a in node.attribute])
        for node in model.graph.node
    ]
    weights = {tensor.name: numpy_helper.to_array(tensor).tobytes() for tensor in model.graph.initializer}
    return nodes, weights


@pytest.mark.slow
def test_a_new_export_gives_the_same_graph_and_weights(tmp_path: Path, quiet: Reporter) -> None:
    export_model(MODELS.get("cheapnet-s"), tmp_path / "new.edgekit", batch=None, reporter=quiet)
    assert graph_of(tmp_path / "new.edgekit") == graph_of(DEMO_BUNDLE)
    new, shipped = (Bundle.open(path).manifest for path in (tmp_path / "new.edgekit", DEMO_BUNDLE))
    assert [(check.name, check.ok) for check in new.parity] == [
        (check.name, check.ok) for check in shipped.parity
    ]
    assert [sample.name for sample in new.golden] == [sample.name for sample in shipped.golden]
    for field in ("name", "model", "input", "precision", "stages", "thresholds", "provenance", "data"):
        assert getattr(new, field) == getattr(shipped, field), field
