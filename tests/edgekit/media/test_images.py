"""Reading and writing image files: strict, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.media.images import (
    EXIF_ORIENTATION,
    LARGEST_PIXELS,
    UPRIGHT,
    list_images,
    order_channels,
    read_image,
    read_mask,
    write_png,
)
from edgekit_runtime.errors import DatasetError, FrameError, IoFault, MaskError
from tests.edgekit.image_folders import load, mode_of, save, write_deep_png, write_png_header

GREY = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)


@pytest.mark.parametrize("suffix", ["png", "PNG", "bmp", "tif", "tiff"])
def test_lossless_formats_are_read_exactly(tmp_path: Path, suffix: str) -> None:
    kind = {"tif": "TIFF"}.get(suffix.lower(), suffix.upper())
    assert np.array_equal(read_image(save(tmp_path / f"a.{suffix}", GREY, format=kind)), GREY)


def test_jpeg_is_read(tmp_path: Path) -> None:
    image = read_image(save(tmp_path / "a.jpg", np.full((16, 16), 90, np.uint8)))
    assert image.shape == (16, 16)
    assert np.abs(image.astype(int) - 90).max() <= 2


def test_one_bit_images_become_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(GREY > 20).save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png"), np.where(GREY > 20, 255, 0))


def test_channels(tmp_path: Path) -> None:
    grey = save(tmp_path / "grey.png", GREY)
    equal = save(tmp_path / "equal.png", np.repeat(GREY[:, :, None], 3, axis=2))
    colour_pixels = np.stack([GREY, GREY + 1, GREY + 2], axis=2)
    colour = save(tmp_path / "colour.png", colour_pixels)
    assert np.array_equal(read_image(equal), GREY)
    assert read_image(grey, channels="rgb").shape == (6, 8, 3)
    assert np.array_equal(read_image(colour, channels="rgb"), colour_pixels)
    with pytest.raises(FrameError, match="in colour"):
        read_image(colour)


def test_arrays_are_contiguous(tmp_path: Path) -> None:
    equal = save(tmp_path / "equal.png", np.repeat(GREY[:, :, None], 3, axis=2))
    assert read_image(equal).flags.c_contiguous


def test_sixteen_bits_per_channel_are_not_cut_in_silence(tmp_path: Path) -> None:
    path = write_deep_png(tmp_path / "deep.png", 8, 6, channels=3)
    assert mode_of(path) == "RGB"  # all that Pillow says
    with pytest.raises(FrameError, match="16 bits"):
        read_image(path, channels="rgb")


def test_a_transparent_colour_is_not_dropped_in_silence(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", GREY, transparency=3)
    for read, refusal in ((read_image, FrameError), (read_mask, MaskError)):
        with pytest.raises(refusal, match="transparent"):
            read(path)


def test_a_rotation_that_a_viewer_would_apply_is_refused(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    with pytest.raises(FrameError, match="EXIF rotation"):
        read_image(save(tmp_path / "a.jpg", GREY, exif=exif))
    exif[EXIF_ORIENTATION] = UPRIGHT
    assert read_image(save(tmp_path / "b.jpg", GREY, exif=exif)).shape == GREY.shape


def test_pages_are_not_dropped_in_silence(tmp_path: Path) -> None:
    page = Image.fromarray(GREY)
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page, page])
    with pytest.raises(FrameError, match="3 pages"):
        read_image(tmp_path / "a.tif")


def test_a_file_that_holds_another_format_than_images_is_never_interpreted(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n")
    with pytest.raises(FrameError, match="no image that edgekit reads"):
        read_image(path)


@pytest.mark.parametrize(("width", "height"), [(13_000, 13_000), (2**31 - 1, 1), (60_000, 60_000)])
def test_a_huge_claim_is_refused_before_decoding(tmp_path: Path, width: int, height: int) -> None:
    assert width * height > LARGEST_PIXELS
    with pytest.raises(FrameError, match="at most 150,000,000") as caught:
        read_image(write_png_header(tmp_path / "a.png", width, height))
    assert "tiles" in caught.value.remedy


def test_a_claim_within_the_limit_fails_as_damaged(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="cannot be read as an image"):
        read_image(write_png_header(tmp_path / "a.png", 64, 64))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="no file"):
        read_image(tmp_path / "nowhere.png")
    with pytest.raises(MaskError, match="no file"):
        read_mask(tmp_path / "nowhere.png")
    with pytest.raises(FrameError, match="is a folder"):
        read_image(tmp_path)


def test_masks_are_read_as_they_stand(tmp_path: Path) -> None:
    assert np.array_equal(read_mask(save(tmp_path / "a.png", GREY)), GREY)


def test_folders_are_listed_by_name_and_files_stay_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("b.PNG", "a.jpeg", ".c.png", "d.txt"):
        (folder / name).write_bytes(b"")
    named = tmp_path / "z.bin"
    assert list_images([named, folder]) == [named, folder / "a.jpeg", folder / "b.PNG"]


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no images"):
        list_images([tmp_path])


def test_png_round_trip(tmp_path: Path) -> None:
    for pixels in (GREY, np.stack([GREY] * 3, axis=2)):
        write_png(tmp_path / "a.png", pixels)
        assert np.array_equal(load(tmp_path / "a.png"), pixels)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_png_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(IoFault, match=r"a\.png"):
        write_png(tmp_path / "nowhere" / "a.png", GREY)
    (tmp_path / "b.png").mkdir()
    with pytest.raises(IoFault, match=r"b\.png"):
        write_png(tmp_path / "b.png", GREY)
    assert [path.name for path in tmp_path.iterdir()] == ["b.png"]


def test_real_magnetic_tile(real_data: Path) -> None:
    images = sorted((real_data / "magnetic-tile" / "MT_Blowhole" / "Imgs").glob("*.jpg"))
    image, mask = read_image(images[0]), read_mask(images[0].with_suffix(".png"))
    assert image.dtype == mask.dtype == np.uint8
    assert image.shape == mask.shape
    assert 0 < (mask > 127).mean() < 0.1


def test_real_neu_images_have_three_equal_channels(real_data: Path) -> None:
    image = sorted((real_data / "neu-det" / "NEU-DET" / "IMAGES").glob("*.jpg"))[0]
    assert mode_of(image) == "RGB"
    assert read_image(image).shape == (200, 200)


def test_channels_are_ordered_as_a_bundle_takes_them() -> None:
    rgb = np.stack([GREY, GREY + 1, GREY + 2], axis=2)
    assert np.array_equal(order_channels(rgb, "bgr"), np.stack([GREY + 2, GREY + 1, GREY], axis=2))
    assert order_channels(rgb, "bgr").flags.c_contiguous
    assert order_channels(rgb, "rgb") is rgb
    assert order_channels(GREY, "grey") is GREY
