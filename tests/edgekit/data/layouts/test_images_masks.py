"""One's own images in images/ and masks/, with everything that goes wrong in such folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.data import split_dataset
from edgekit.data.layouts.images_masks import ImageMaskFolder
from edgekit.data.views import label_images
from edgekit_runtime.errors import DatasetError, FrameError, IoFault, MaskError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.image_folders import load, save, write_deep_png, write_image_folder, write_png_header

SIZE = (24, 40)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_image_folder(tmp_path / "plates", count=12, size=SIZE)


@pytest.fixture
def image(root: Path) -> Path:
    """The file of the first image."""
    return root / "images" / "plate-00.png"


@pytest.fixture
def mask(root: Path) -> Path:
    """The file of the first mask."""
    return root / "masks" / "plate-00.png"


class TestImageMaskFolder(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: ImageMaskFolder(root)

    @pytest.fixture
    def change_content(self, mask: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            save(mask, np.zeros(SIZE, np.uint8))
            return open_again

        return change


def test_pairs_are_found_by_stem_whatever_the_suffix(root: Path, image: Path) -> None:
    pixels = load(image)
    image.unlink()
    save(image.with_name("plate-00.TIF"), pixels, format="TIFF")
    (root / "images" / "notes.txt").write_text("not an image")
    (root / "images" / ".hidden.png").write_text("not an image")
    dataset = ImageMaskFolder(root)
    assert dataset.name == "folder:plates"
    assert [item.name for item in dataset.items] == [f"plate-{n:02}" for n in range(12)]
    assert np.array_equal(dataset.load(0).image, pixels)


def test_255_and_1_both_mean_defect(root: Path, mask: Path) -> None:
    truth = ImageMaskFolder(root).load(0).mask
    assert truth.any()
    save(mask, truth)
    assert np.array_equal(ImageMaskFolder(root).load(0).mask, truth)


def test_masks_may_be_of_one_bit_or_have_a_palette(root: Path, mask: Path) -> None:
    truth = ImageMaskFolder(root).load(0).mask
    Image.fromarray(truth * np.uint8(255)).convert("1").save(mask)
    assert np.array_equal(ImageMaskFolder(root).load(0).mask, truth)
    palette = Image.fromarray(truth).convert("P")
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(mask)
    assert np.array_equal(ImageMaskFolder(root).load(0).mask, truth)


def test_rgb_with_equal_channels_counts_as_grey(root: Path, image: Path) -> None:
    grey = ImageMaskFolder(root).load(0).image
    save(image, np.repeat(grey[:, :, None], 3, axis=2))
    assert np.array_equal(ImageMaskFolder(root).load(0).image, grey)


def test_colour_stays_colour(root: Path, image: Path) -> None:
    colour = np.zeros((*SIZE, 3), np.uint8)
    colour[0, 0] = (1, 2, 3)
    save(image, colour)
    assert np.array_equal(ImageMaskFolder(root).load(0).image, colour)


@pytest.mark.parametrize(
    ("mode", "words"), [("RGBA", "alpha"), ("LA", "alpha"), ("I;16", "16-bit"), ("P", "palette")]
)
def test_images_of_other_kinds_are_refused(root: Path, image: Path, mode: str, words: str) -> None:
    Image.new(mode, (40, 24)).save(image)
    with pytest.raises(FrameError, match=words) as caught:
        ImageMaskFolder(root).load(0)
    assert str(image) in caught.value.message


@pytest.mark.parametrize("channels", [1, 3])
def test_deep_images_are_refused(root: Path, image: Path, channels: int) -> None:
    write_deep_png(image, 40, 24, channels=channels)
    with pytest.raises(FrameError, match="16"):
        ImageMaskFolder(root).load(0)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n"])
def test_unreadable_images_are_refused(root: Path, image: Path, content: bytes) -> None:
    image.write_bytes(content)
    with pytest.raises(FrameError, match=r"plate-00\.png"):
        ImageMaskFolder(root).load(0)


def test_a_truncated_image_is_refused(root: Path, image: Path) -> None:
    image.write_bytes(image.read_bytes()[:-40])
    with pytest.raises(FrameError, match=r"plate-00\.png"):
        ImageMaskFolder(root).load(0)


def test_a_huge_claim_is_refused(root: Path, image: Path) -> None:
    write_png_header(image, 60_000, 60_000)
    with pytest.raises(FrameError, match="at most"):
        ImageMaskFolder(root).load(0)


def test_a_mask_of_another_size_is_refused(root: Path, mask: Path) -> None:
    save(mask, np.zeros((40, 24), np.uint8))
    with pytest.raises(MaskError, match=r"plate-00\.png is \(40, 24\), its image \(24, 40\)"):
        ImageMaskFolder(root).load(0)


@pytest.mark.parametrize("value", [2, 128, 254])
def test_a_mask_with_grey_values_is_refused(root: Path, mask: Path, value: int) -> None:
    pixels = np.zeros(SIZE, np.uint8)
    pixels[3, 3] = value
    save(mask, pixels)
    with pytest.raises(MaskError, match=f"holds the value {value};"):
        ImageMaskFolder(root).load(0)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16"])
def test_masks_of_other_kinds_are_refused(root: Path, mask: Path, mode: str) -> None:
    Image.new(mode, (40, 24)).save(mask)
    with pytest.raises(MaskError, match="plate-00"):
        ImageMaskFolder(root).load(0)


def test_an_image_without_a_mask_is_refused(root: Path, mask: Path) -> None:
    mask.unlink()
    with pytest.raises(DatasetError, match=r"1 of 12 images have no mask, such as .*plate-00\.png") as caught:
        ImageMaskFolder(root)
    assert "all black" in caught.value.remedy


def test_a_mask_without_an_image_is_refused(root: Path, mask: Path) -> None:
    (root / "images" / mask.name).unlink()
    with pytest.raises(DatasetError, match=r"1 of 12 masks have no image, such as .*plate-00\.png"):
        ImageMaskFolder(root)


@pytest.mark.parametrize("folder", ["images", "masks"])
def test_two_files_of_one_stem_are_refused(root: Path, folder: str) -> None:
    save(root / folder / "plate-00.bmp", np.zeros(SIZE, np.uint8))
    with pytest.raises(DatasetError, match="share a name"):
        ImageMaskFolder(root)


@pytest.mark.parametrize("folder", ["images", "masks"])
def test_a_missing_or_empty_folder_is_refused(root: Path, folder: str) -> None:
    for path in (root / folder).iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match=f"{folder} holds no images"):
        ImageMaskFolder(root)
    (root / folder).rmdir()
    with pytest.raises(DatasetError, match=f"no folder .*{folder}"):
        ImageMaskFolder(root)


def test_a_file_that_vanishes_is_named(root: Path, image: Path) -> None:
    dataset = ImageMaskFolder(root)
    image.unlink()
    with pytest.raises(FrameError, match=r"no file .*plate-00\.png"):
        dataset.load(0)
    with pytest.raises(IoFault, match=r"plate-00\.png"):
        dataset.digest(0)


def test_the_fingerprint_does_not_know_where_the_folder_is(root: Path, tmp_path: Path) -> None:
    before = ImageMaskFolder(root).fingerprint()
    assert ImageMaskFolder(root.rename(tmp_path / "elsewhere")).fingerprint() == before


def test_rare_defects_reach_every_part(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "line", count=60, size=SIZE)
    for number in range(6, 60):
        save(root / "masks" / f"plate-{number:02}.png", np.zeros(SIZE, np.uint8))
    dataset = ImageMaskFolder(root)
    assert [item.stratum for item in dataset.items] == ["defective"] * 6 + ["normal"] * 54
    for seed in range(10):
        split = split_dataset(dataset, seed=seed)
        counts = [sum(index < 6 for index in split.parts[part]) for part in ("train", "val", "test")]
        assert counts == [4, 1, 1]


def test_a_mask_that_cannot_be_read_leaves_open_what_its_image_shows(root: Path, mask: Path) -> None:
    mask.write_bytes(b"no image")
    dataset = ImageMaskFolder(root)
    assert (dataset.items[0].defective, dataset.items[0].stratum) == (None, "unreadable")
    assert dataset.items[1].defective is True
    with pytest.raises(MaskError):
        dataset.load(0)


def test_a_classifier_learns_from_masks_which_images_are_defective(root: Path, mask: Path) -> None:
    save(mask, np.zeros(SIZE, np.uint8))
    dataset = label_images(ImageMaskFolder(root))
    assert [item.label for item in dataset.items] == [0] + [1] * 11
