"""Which images a bundle may be tuned on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.choosing.images import open_images
from edgekit.data import Dataset, OpenOptions
from edgekit.data.opening import open_dataset
from edgekit.data.splitting.splits import split_dataset
from edgekit.data.synthetic_files import GeneratedSet, write_generated
from edgekit.data.views import merge_classes
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import DataInfo, Manifest, PixelFormat
from edgekit_runtime.errors import DatasetError, FrameError, UsageProblem
from tests.edgekit.choosing.tuning import describe_training
from tests.edgekit.image_folders import draw_plate, load, save, write_image_folder


def open_plates(folder: Path) -> Dataset:
    return merge_classes(open_dataset(str(folder), OpenOptions()))


@pytest.fixture
def trained(image_folder: Path, segment_manifest: Manifest) -> Manifest:
    """A bundle that was trained on the folder of plates."""
    return replace(segment_manifest, data=describe_training(open_plates(image_folder)))


def test_the_validation_part_is_taken(trained: Manifest, image_folder: Path, quiet: Reporter) -> None:
    chosen = open_images(str(image_folder), trained, reporter=quiet)
    expected = split_dataset(open_plates(image_folder), seed=0).subset(open_plates(image_folder), "val")
    assert (chosen.part, chosen.source) == ("val", "folder:plates")
    assert [item.name for item in chosen.dataset.items] == [item.name for item in expected.items]


@pytest.mark.parametrize("part", ["train", "all"])
def test_parts_with_training_images_are_refused(
    trained: Manifest, image_folder: Path, quiet: Reporter, part: str
) -> None:
    with pytest.raises(UsageProblem, match="trained on"):
        open_images(str(image_folder), trained, part=part, reporter=quiet)


def test_the_test_part_must_be_asked_for(trained: Manifest, image_folder: Path, quiet: Reporter) -> None:
    chosen = open_images(str(image_folder), trained, part="test", reporter=quiet)
    assert trained.data is not None
    assert chosen.dataset.fingerprint() == trained.data.parts["test"]


def test_a_copy_of_the_training_part_is_refused_by_its_fingerprint(
    trained: Manifest, image_folder: Path, tmp_path: Path, quiet: Reporter
) -> None:
    dataset = open_plates(image_folder)
    kept = {item.name for item in split_dataset(dataset, seed=0).subset(dataset, "train").items}
    copy = Path(shutil.copytree(image_folder, tmp_path / "other"))
    for file in [*copy.rglob("*.png")]:
        if file.stem not in kept:
            file.unlink()
    with pytest.raises(UsageProblem, match="fingerprint"):
        open_images(str(copy), trained, reporter=quiet)


def test_a_copy_of_the_whole_is_known_by_its_content(
    trained: Manifest, image_folder: Path, tmp_path: Path, quiet: Reporter
) -> None:
    copy = Path(shutil.copytree(image_folder, tmp_path / "other"))
    assert open_images(str(copy), trained, reporter=quiet).part == "val"


def test_changed_training_data_are_refused(
    trained: Manifest, image_folder: Path, tmp_path: Path, quiet: Reporter
) -> None:
    changed = Path(shutil.copytree(image_folder, tmp_path / "plates"))
    image, mask = draw_plate(99, (64, 64))
    save(changed / "images" / "new.png", image)
    save(changed / "masks" / "new.png", mask)
    with pytest.raises(UsageProblem, match="has changed since"):
        open_images(str(changed), trained, part="all", reporter=quiet)
    with pytest.raises(DatasetError, match="not its content"):
        open_images(str(changed), trained, reporter=quiet)


def test_other_data_are_taken_whole(trained: Manifest, tmp_path: Path, quiet: Reporter) -> None:
    other = write_image_folder(tmp_path / "others", count=3, size=(48, 48))
    for part in (None, "all"):
        chosen = open_images(str(other), trained, part=part, reporter=quiet)
        assert (chosen.part, len(chosen.dataset)) == ("all", 3)
    with pytest.raises(UsageProblem, match="no stored val part"):
        open_images(str(other), trained, part="val", reporter=quiet)


def test_files_are_read_as_the_bundle_takes_them(
    segment_manifest: Manifest, tmp_path: Path, quiet: Reporter
) -> None:
    folder = write_image_folder(tmp_path / "deep", count=3, size=(48, 48))
    for path in (folder / "images").iterdir():
        save(path, load(path).astype(np.uint16) << 4)
    deep = replace(segment_manifest, input=replace(segment_manifest.input, pixels=PixelFormat(bits=12)))
    image = open_images(str(folder), deep, reporter=quiet).dataset.load(0).image
    assert (image.dtype, int(image.max()) > 255) == (np.uint16, True)
    with pytest.raises(FrameError, match="8"):
        open_images(str(folder), segment_manifest, reporter=quiet).dataset.load(0)


def test_defect_free_images_that_training_left_out_join_the_part(
    segment_manifest: Manifest, tmp_path: Path, quiet: Reporter
) -> None:
    root = tmp_path / "generated"
    write_generated(root, GeneratedSet((6,), defective=10, normal=5, size=(64, 64)), reporter=quiet)
    dataset = merge_classes(open_dataset(str(root), OpenOptions()))
    manifest = replace(segment_manifest, data=describe_training(dataset))
    assert len(dataset) == 10
    for part in ("train", "all"):
        with pytest.raises(
            UsageProblem, match=f"The {part} part .* holds images that the network was trained"
        ):
            open_images(
                str(root), manifest, part=part, options=OpenOptions(include_normal=True), reporter=quiet
            )
    chosen = open_images(str(root), manifest, options=OpenOptions(include_normal=True), reporter=quiet)
    names = {item.name for item in chosen.dataset.items if item.defective}
    split = split_dataset(dataset, seed=0)
    assert names == {item.name for item in split.subset(dataset, "val").items}
    assert sum(not item.defective for item in chosen.dataset.items) == 5


def test_a_new_image_of_a_trained_thing_stays_out(
    segment_manifest: Manifest, tmp_path: Path, quiet: Reporter
) -> None:
    root = write_image_folder(tmp_path / "plates", count=12, size=(64, 64))
    black = np.zeros((64, 64), np.uint8)
    groups = {f"plate-{index:02}": f"plate {index}" for index in range(12)}
    for index, name in enumerate(("normal-of-trained", "normal-of-new")):
        save(root / "images" / f"{name}.png", draw_plate(70 + index, (64, 64))[0])
        save(root / "masks" / f"{name}.png", black)

    def write_groups(**more: str) -> None:
        rows = [f"{name},{group}" for name, group in {**groups, **more}.items()]
        (root / "groups.csv").write_text("\n".join(["image,group", *rows]) + "\n")

    write_groups(**{"normal-of-trained": "not known yet", "normal-of-new": "another plate"})
    known = merge_classes(open_dataset(str(root), OpenOptions(include_normal=False)))
    trained = known.items[split_dataset(known, seed=0).parts["train"][0]]
    write_groups(**{"normal-of-trained": trained.group, "normal-of-new": "another plate"})
    manifest = replace(segment_manifest, data=describe_training(known, include_normal=False))
    chosen = open_images(str(root), manifest, options=OpenOptions(include_normal=True), reporter=quiet)
    names = {item.name for item in chosen.dataset.items}
    assert "normal-of-new" in names
    assert not names & {"normal-of-trained", trained.name}


def test_a_folder_per_class_will_do(segment_manifest: Manifest, tmp_path: Path, quiet: Reporter) -> None:
    for label in ("good", "scratch"):
        (tmp_path / "parts" / label).mkdir(parents=True)
        for index in range(2):
            save(tmp_path / "parts" / label / f"{label}-{index}.png", draw_plate(index, (40, 50))[0])
    chosen = open_images(str(tmp_path / "parts"), replace(segment_manifest, data=None), reporter=quiet)
    assert [item.defective for item in chosen.dataset.items].count(True) == 2


def test_weights_of_unknown_training_take_any_images(
    segment_manifest: Manifest, image_folder: Path, quiet: Reporter
) -> None:
    unknown: DataInfo | None = None
    chosen = open_images(str(image_folder), replace(segment_manifest, data=unknown), reporter=quiet)
    assert len(chosen.dataset) == 12


def test_data_that_cannot_be_opened_as_those_of_the_training_are_others(
    trained: Manifest, tmp_path: Path, quiet: Reporter
) -> None:
    assert trained.data is not None
    manifest = replace(trained, data=replace(trained.data, include_normal=False))
    root = write_image_folder(tmp_path / "good", count=2, size=(64, 64))
    for file in (root / "masks").iterdir():
        save(file, np.zeros((64, 64), np.uint8))
    with pytest.raises(DatasetError, match="defect"):  # leaving out what is defect-free leaves nothing
        open_dataset(str(root), OpenOptions(include_normal=False))
    chosen = open_images(str(root), manifest, options=OpenOptions(include_normal=True), reporter=quiet)
    assert (chosen.part, len(chosen.dataset)) == ("all", 2)
