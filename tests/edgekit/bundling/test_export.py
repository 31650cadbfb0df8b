"""From a checkpoint to a bundle that answers as the network does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edgekit.bundling import export_model
from edgekit.checkpoints import load_checkpoint, load_network, save_checkpoint
from edgekit.data import open_dataset
from edgekit.evaluation.predictors import predict_with_network
from edgekit.models import MODELS, build_model
from edgekit.reporting import Reporter
from edgekit_export.exportable import Normalisation
from edgekit_runtime import Bundle, Detector, verify_bundle
from edgekit_runtime.padding import crop_back, pad_frame
from tests.edgekit.conftest import make_checkpoint
from tests.edgekit.image_folders import draw_plate, load, save
from tests.edgekit.records import make_record
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
            assert np.mean(detector(frame).mask != predict(frame).mask) <= 1e-3


@pytest.mark.slow
def test_checks_on_other_images_than_those_of_the_training_are_told(
    image_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_trainer(tmp_path / "run", image_folder, recipe=tiny_recipe(epochs=1)).start()
    best = tmp_path / "run" / "best"
    export_model(S, tmp_path / "a.edgekit", checkpoint=best, size=(64, 64), reporter=Reporter())
    assert "generated images" not in capsys.readouterr().err
    export_model(S, tmp_path / "b.edgekit", checkpoint=best, size=(128, 128), reporter=Reporter())
    assert "The checks below run on generated images" in capsys.readouterr().err


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


@pytest.fixture
def mixed_plates(tmp_path: Path) -> Path:
    """Images of three sizes, none of which the network admits as it is."""
    for name in ("images", "masks"):
        (tmp_path / "mixed" / name).mkdir(parents=True)
    for index, size in enumerate([(60, 90), (64, 75), (50, 96)] * 2):
        for name, pixels in zip(("images", "masks"), draw_plate(index, size), strict=True):
            save(tmp_path / "mixed" / name / f"{index}.png", pixels)
    return tmp_path / "mixed"


@pytest.mark.slow
def test_a_bundle_answers_frames_of_every_size_of_its_training(
    mixed_plates: Path, tmp_path: Path, quiet: Reporter
) -> None:
    sizes = {"smallest": [50, 75], "largest": [64, 96]}
    record = make_record("cheapnet-s", training={"data": str(mixed_plates), "image_sizes": sizes})
    network = build_model(S, seed=0)
    save_checkpoint(tmp_path / "best", record, network.state_dict())
    target = tmp_path / "line.edgekit"
    export_model(S, target, checkpoint=tmp_path / "best", batch=None, reporter=quiet)
    assert verify_bundle(target).ok
    contract = Bundle.open(target).manifest.input
    assert (contract.height, contract.width, contract.fit) == (64, 96, "pad")
    dataset = open_dataset(str(mixed_plates))
    frames = [dataset.load(index).image for index in range(len(dataset))]
    logits = predict_with_network(network, record.normalisation, multiple=16)(frames[0]).logits
    # Weights that nobody trained answer one class: this threshold parts every frame.
    middle = float(np.median(logits))
    predict = predict_with_network(network, record.normalisation, multiple=16, threshold=middle)
    with Detector(target, thresholds={"threshold": middle}) as detector:
        results = detector.run_batch(frames)
        for frame, result in zip(frames, results, strict=True):
            # The network pads to its own multiple: it is given what the bundle's graph sees.
            padded = predict(pad_frame(frame, (64, 96))).mask
            assert result.mask.shape == frame.shape
            expected = crop_back(padded, *frame.shape)
            assert 0 < expected.mean() < 1, "a constant mask would equal any other"
            # A logit within rounding of the threshold may fall on either side.
            assert np.mean(result.mask != expected) <= 1e-3
            np.testing.assert_array_equal(detector(frame).mask, result.mask)


@pytest.mark.slow
def test_macs_of_the_bundle_are_those_of_the_table(tmp_path: Path, quiet: Reporter) -> None:
    export_model(S, tmp_path / "a.edgekit", untrained=True, reporter=quiet)
    manifest = Bundle.open(tmp_path / "a.edgekit").manifest
    assert sum(stage.macs for stage in manifest.stages) == 5_224_448 * 2
    assert manifest.provenance.kind == "untrained"


@pytest.fixture
def sorted_plates(tmp_path: Path) -> Path:
    """Dark plates in good/ and bright ones in hole/, grey, 64×64."""
    for kind, level in (("good", 60), ("hole", 160)):
        (tmp_path / "plates" / kind).mkdir(parents=True)
        for index in range(4):
            noise = np.random.default_rng([index, level]).integers(0, 60, (64, 64)).astype(np.uint8)
            save(tmp_path / "plates" / kind / f"{index}.png", noise + np.uint8(level))
    return tmp_path / "plates"


@pytest.mark.slow
def test_a_classifier_becomes_a_bundle_whose_accuracy_was_compared(
    sorted_plates: Path, tmp_path: Path, quiet: Reporter
) -> None:
    spec = MODELS.get("shufflenet-v2-0.5").for_classes(("good", "hole"))
    network = build_model(spec, seed=1)
    normalisation = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    record = make_record(spec.name, classes=spec.classes, normal_class="good", normalisation=normalisation)
    save_checkpoint(tmp_path / "best", record, network.state_dict())
    target = tmp_path / "line.edgekit"
    choices = {"checkpoint": tmp_path / "best", "size": (64, 64), "data": str(sorted_plates)}
    export_model(MODELS.get("shufflenet-v2-0.5"), target, **choices, reporter=quiet)
    manifest = Bundle.open(target).manifest
    assert (manifest.model.classes, manifest.model.normal_class) == (("good", "hole"), "good")
    assert "task metric: accuracy" in [check.name for check in manifest.parity]
    assert all(check.ok for check in manifest.parity)
    frame = load(sorted_plates / "hole" / "0.png")[:, :, None].repeat(3, axis=2)
    with Detector(target) as detector, torch.no_grad():
        result = detector(frame)
        mean, std = (
            torch.tensor(numbers).view(1, 3, 1, 1) for numbers in (normalisation.mean, normalisation.std)
        )
        image = (torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255 - mean) / std
        expected = torch.softmax(network.eval()(image), dim=1)[0]
    # Eight digits are float32's own; a wrong mean or channel order differs in the second.
    assert list(result.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-4)


@pytest.mark.slow
def test_without_labels_a_classifiers_bundle_claims_no_metric(tmp_path: Path, quiet: Reporter) -> None:
    target = tmp_path / "a.edgekit"
    export_model(MODELS.get("shufflenet-v2-0.5"), target, untrained=True, size=(64, 64), reporter=quiet)
    names = [check.name for check in Bundle.open(target).manifest.parity]
    assert "values: probabilities" in names
    assert not [name for name in names if name.startswith("task metric")]
