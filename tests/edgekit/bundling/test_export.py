"""From a checkpoint to a bundle that answers as the network does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.bundling import export_model
from edgekit.checkpoints import load_checkpoint, load_network
from edgekit.data import open_dataset
from edgekit.evaluation.predictors import predict_with_network
from edgekit.models import MODELS
from edgekit.reporting import Reporter
from edgekit_runtime import Bundle, Detector
from tests.edgekit.conftest import make_checkpoint
from tests.edgekit.train.runs import make_trainer, tiny_recipe

S = MODELS.get("cheapnet-s")


@pytest.mark.slow
def test_a_trained_network_becomes_a_bundle(image_folder: Path, tmp_path: Path, quiet: Reporter) -> None:
    make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=1)).start()
    best = tmp_path / "run" / "best"
    record, weights = load_checkpoint(best)
    export_model(S, tmp_path / "line.edgekit", checkpoint=best, size=(64, 64), batch=None, reporter=quiet)
    manifest = Bundle.open(tmp_path / "line.edgekit").manifest
    assert (manifest.provenance.kind, manifest.provenance.weights_sha256) == (
        "trained",
        record.weights_sha256,
    )
    assert manifest.provenance.training["recipe"] == record.training["recipe"]
    assert manifest.provenance.training["metrics"] == record.metrics
    assert manifest.data == record.data
    assert manifest.model.parameters == 277
    assert all(check.ok for check in manifest.parity)
    predict = predict_with_network(load_network(record, weights), record.normalisation, multiple=16)
    dataset = open_dataset(str(image_folder))
    with Detector(tmp_path / "line.edgekit") as detector:
        assert detector(dataset.load(0).image).provenance == "trained"
        for index in range(len(dataset)):
            frame = dataset.load(index).image
            # A logit within rounding of the threshold may fall on either side: one pixel in a thousand is generous.
            assert np.mean(detector(frame).mask != predict(frame)) <= 1e-3


@pytest.mark.slow
def test_an_imported_network_says_so(tmp_path: Path, quiet: Reporter) -> None:
    folder = make_checkpoint(tmp_path / "c")
    record = folder / "checkpoint.json"
    record.write_text(record.read_text().replace('"trained"', '"imported"'))
    export_model(S, tmp_path / "a.edgekit", checkpoint=folder, size=(64, 64), reporter=quiet)
    manifest = Bundle.open(tmp_path / "a.edgekit").manifest
    assert manifest.provenance.kind == "imported"
    assert manifest.data is None
    assert manifest.provenance.training is None


@pytest.mark.slow
def test_macs_of_the_bundle_are_those_of_the_table(tmp_path: Path, quiet: Reporter) -> None:
    export_model(S, tmp_path / "a.edgekit", untrained=True, reporter=quiet)
    manifest = Bundle.open(tmp_path / "a.edgekit").manifest
    assert sum(stage.macs for stage in manifest.stages) == 5_224_448 * 2
    assert manifest.provenance.kind == "untrained"
