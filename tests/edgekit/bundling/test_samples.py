"""The images on which an export is checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.bundling.calibration import choose_calibration
from edgekit.bundling.samples import COUNT, FittedFrames, are_stand_ins, choose_samples
from edgekit.checkpoints.format import Checkpoint
from edgekit.data import open_dataset, split_dataset
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.train.run_data import describe_data
from edgekit_export.exportable import Normalisation
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import DatasetError, UsageProblem
from tests.edgekit.image_folders import draw_plate, save
from tests.edgekit.records import make_record

UNKNOWN = make_record("cheapnet-s", provenance="imported")


def trained_on(data: str) -> Checkpoint:
    dataset = open_dataset(data)
    info = describe_data(dataset, split_dataset(dataset))
    return replace(UNKNOWN, training={"data": data}, data=info)


def names(dataset: object) -> set[str]:
    return {item.name for item in dataset.items}


def test_generated_training_data_give_images_of_their_validation_part() -> None:
    record = trained_on("synthetic:dagm/5")
    samples = choose_samples(record, None, (512, 512))
    dataset = SyntheticDagm((5,))
    validation = split_dataset(dataset).subset(dataset, "val")
    assert len(samples) == COUNT
    assert names(samples) < names(validation)


def test_another_size_gives_new_images_of_the_same_class() -> None:
    samples = choose_samples(trained_on("synthetic:dagm/5"), None, (64, 96))
    assert samples.load(0).image.shape == (64, 96)
    assert samples.items[0].name.startswith("Class5/")


def test_unknown_training_data_give_generated_images() -> None:
    samples = choose_samples(UNKNOWN, None, (64, 64))
    assert samples.load(0).image.shape == (64, 64)
    assert len(samples) == COUNT


def test_generated_images_stand_in_for_images_that_do_not_fit_or_are_gone(image_folder: Path) -> None:
    record = trained_on(str(image_folder))
    assert are_stand_ins(choose_samples(record, None, (128, 128)), record)
    gone = replace(record, training={"data": str(image_folder / "gone")})
    assert are_stand_ins(choose_samples(gone, None, (64, 64)), gone)
    assert not are_stand_ins(choose_samples(record, None, (64, 64)), record)
    generated = trained_on("synthetic:dagm/5")
    assert not are_stand_ins(choose_samples(generated, None, (128, 128)), generated)
    assert not are_stand_ins(choose_samples(UNKNOWN, None, (128, 128)), UNKNOWN)


def test_named_data_come_first(image_folder: Path) -> None:
    samples = choose_samples(trained_on("synthetic:dagm/5"), str(image_folder), (64, 64))
    assert names(samples) < names(open_dataset(str(image_folder)))


def test_named_data_of_another_size_are_refused(image_folder: Path) -> None:
    with pytest.raises(UsageProblem, match="64×64 pixels, the export 512×512") as caught:
        choose_samples(UNKNOWN, str(image_folder), (512, 512))
    assert "--size 64x64" in caught.value.remedy


def test_data_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder"):
        choose_samples(UNKNOWN, str(tmp_path / "nowhere"), (512, 512))


SORTS = make_record("shufflenet-v2-0.5", classes=("good", "hole"), normal_class="good")


@pytest.fixture
def class_folders(tmp_path: Path) -> Path:
    """Six grey images in good/ and six in hole/."""
    for kind in ("good", "hole"):
        (tmp_path / "sorts" / kind).mkdir(parents=True)
        for index in range(6):
            image = np.random.default_rng([index, len(kind), ord(kind[0])]).integers(
                0, 256, (64, 64), np.uint8
            )
            save(tmp_path / "sorts" / kind / f"{index}.png", image)
    return tmp_path / "sorts"


def test_a_classifier_gets_images_with_their_classes_and_three_channels(class_folders: Path) -> None:
    samples = choose_samples(SORTS, str(class_folders), (64, 64))
    assert samples.labels == ("good", "hole")
    assert {item.label for item in samples.items} == {0, 1}
    image, grey = samples.load(0).image, open_dataset(str(class_folders)).load(0).image
    assert image.shape == (64, 64, 3)
    assert (image == grey[:, :, None]).all()


def test_a_segmenting_colour_network_gets_grey_images_in_three_channels(image_folder: Path) -> None:
    sample = choose_samples(make_record("unet"), str(image_folder), (64, 64)).load(0)
    assert sample.image.shape == (64, 64, 3)
    assert sample.known_mask.shape == (64, 64)


def test_generated_images_have_no_classes_for_a_classifier() -> None:
    samples = choose_samples(SORTS, None, (64, 96))
    assert samples.labels == ()
    assert samples.load(0).image.shape == (64, 96, 3)


def test_a_segmenting_network_cannot_be_checked_without_masks(class_folders: Path) -> None:
    with pytest.raises(DatasetError, match="no pixel masks"):
        choose_samples(UNKNOWN, str(class_folders), (64, 64))


def test_fitted_frames_keep_what_a_colour_network_takes(image_folder: Path) -> None:
    source = open_dataset(str(image_folder))
    fitted = FittedFrames(source, PixelFormat(), (64, 64))
    assert fitted.load(1).image.shape == (64, 64)
    assert fitted.digest(1) == source.digest(1)
    assert (FittedFrames(source, PixelFormat("rgb"), (64, 64)).load(1).mask == source.load(1).mask).all()


def test_kinds_of_defect_are_one_class_for_a_network_that_knows_one(tmp_path: Path) -> None:
    plates = tmp_path / "plates"
    for folder in ("train/good", "test/hole", "test/stain", "ground_truth/hole", "ground_truth/stain"):
        (plates / folder).mkdir(parents=True)
    for index, kind in enumerate(("good", "hole", "stain")):
        image, mask = draw_plate(index, (64, 64))
        save(plates / ("train" if kind == "good" else "test") / kind / "000.png", image)
        if kind != "good":
            save(plates / "ground_truth" / kind / "000_mask.png", mask)
    assert open_dataset(str(plates)).classes == ("background", "hole", "stain")
    samples = choose_samples(UNKNOWN, str(plates), (64, 64))
    assert samples.classes == ("background", "defect")
    assert {int(samples.load(index).known_mask.max()) for index in range(len(samples))} == {0, 1}


def test_smaller_images_are_padded_as_in_training(image_folder: Path) -> None:
    samples = choose_samples(UNKNOWN, str(image_folder), (80, 64))
    sample, source = samples.load(0), open_dataset(str(image_folder)).load(0)
    assert sample.image.shape == sample.mask.shape == (80, 64)
    assert (sample.image[:64] == source.image).all()
    assert (sample.image[64:] == source.image[-1]).all()


def test_training_images_that_would_be_mostly_padding_give_generated_ones(image_folder: Path) -> None:
    samples = choose_samples(trained_on(str(image_folder)), None, (64, 144))
    assert samples.items[0].name.startswith("Class6/")
    assert samples.load(0).image.shape == (64, 144)


def test_larger_images_are_cut_where_the_bundle_cuts_frames(image_folder: Path) -> None:
    whole = open_dataset(str(image_folder))
    with pytest.raises(UsageProblem, match="64×64 pixels"):
        choose_samples(UNKNOWN, str(image_folder), (32, 48))
    samples = choose_samples(UNKNOWN, str(image_folder), (32, 48), fit="tile")
    assert len(samples) == min(COUNT, len(whole))
    defective = 0
    for index in range(len(samples)):
        sample = samples.load(index)
        assert sample.image.shape == sample.mask.shape == (32, 48)
        uncut = samples.source.load(index)
        defective += bool(uncut.mask.any())
        # The part is the image's own, and shows some of the defect where there is one.
        windows = np.lib.stride_tricks.sliding_window_view(uncut.image, (32, 48))
        assert (windows == sample.image).all(axis=(2, 3)).any()
        assert sample.mask.any() == uncut.mask.any()
    assert defective


def test_stand_ins_have_the_depth_of_the_training() -> None:
    record = make_record("cheapnet-s", normalisation=Normalisation((0.5,), (0.25,), 4095.0), bits=12)
    for data in (None, "synthetic:dagm/6"):
        samples = choose_samples(record, data, (64, 96), count=2)
        images = [samples.load(index).image for index in range(2)]
        assert {(image.dtype.name, image.shape) for image in images} == {("uint16", (64, 96))}
        assert max(int(image.max()) for image in images) > 255
    frames = choose_calibration(record, "synthetic:dagm/6", (64, 96))
    assert frames[0].dtype == np.uint16
