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
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import DatasetError, FrameError, IoFault, MaskError
from tests.edgekit.image_folders import (
    load,
    mode_of,
    save,
    write_big_endian_tiff,
    write_deep_png,
    write_png_header,
)

TWELVE = PixelFormat(bits=12, scale=4095.0)
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


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_deep_grey_is_read_exactly_at_the_stated_depth(tmp_path: Path, name: str) -> None:
    deep = (np.arange(48, dtype=np.uint16) * 87).reshape(6, 8)
    path = save(tmp_path / name, deep)
    for bits in (12, 16):
        image = read_image(path, PixelFormat(bits=bits))
        assert image.dtype == np.uint16
        assert np.array_equal(image, deep)
    assert read_image(path, PixelFormat(bits=12), channels="rgb").shape == (6, 8, 3)
    assert read_image(path, PixelFormat(bits=12), channels="native").shape == (6, 8)
    with pytest.raises(FrameError, match=r"a\.\w+ holds the value 4089; pixels of 10 bits go from 0 to 1023"):
        read_image(path, PixelFormat(bits=10))


def test_a_tiff_of_the_other_byte_order_has_numpys_own(tmp_path: Path) -> None:
    image = read_image(write_big_endian_tiff(tmp_path / "a.tif", np.arange(12).reshape(3, 4) * 300), TWELVE)
    assert image.dtype.isnative
    assert np.array_equal(image, np.arange(12).reshape(3, 4) * 300)


def test_a_file_of_another_depth_than_stated_is_refused_naming_both(tmp_path: Path) -> None:
    deep = save(tmp_path / "deep.png", np.full((6, 8), 4095, np.uint16))
    with pytest.raises(
        FrameError, match=r"deep\.png is a 16-bit image; expected 8-bit grey or RGB"
    ) as caught:
        read_image(deep)
    assert "--bits 10, 12, 14 or 16" in caught.value.remedy
    for name, pixels in (("grey.png", GREY), ("colour.png", np.stack([GREY] * 3, axis=2))):
        with pytest.raises(FrameError, match=rf"{name} is an 8-bit image; expected 12-bit grey in a 16-bit"):
            read_image(save(tmp_path / name, pixels), TWELVE)
    with pytest.raises(FrameError, match=r"grey\.png holds the value 47; pixels of 5 bits go from 0 to 31"):
        read_image(tmp_path / "grey.png", PixelFormat(bits=5))


def test_wide_integers_are_not_taken_for_deep_pixels(tmp_path: Path) -> None:
    Image.fromarray(np.arange(48, dtype=np.int32).reshape(6, 8)).save(tmp_path / "a.tif")
    for pixels in (PixelFormat(), TWELVE):
        with pytest.raises(FrameError, match="a 32-bit image"):
            read_image(tmp_path / "a.tif", pixels)


@pytest.mark.parametrize("channels", ["grey", "native"])
def test_colours_become_grey_by_the_stated_formula(tmp_path: Path, channels: str) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    path = save(tmp_path / "a.png", colours)
    image = read_image(path, PixelFormat(grey="bt601"), channels=channels)
    assert np.array_equal(image, np.asarray(Image.fromarray(colours).convert("L")))
    assert np.array_equal(read_image(path, PixelFormat(grey="bt601"), channels="rgb"), colours)
    with pytest.raises(FrameError, match=r"a\.png is in colour") as caught:
        read_image(path)
    assert "--grey bt601" in caught.value.remedy


def test_sixteen_bits_of_colour_are_refused_at_any_stated_depth(tmp_path: Path) -> None:
    path = write_deep_png(tmp_path / "deep.png", 8, 6, channels=3)
    for pixels, depth in ((PixelFormat(), "8-bit"), (TWELVE, "16-bit")):
        with pytest.raises(FrameError, match="16 bits per colour, of which Pillow reads 8") as caught:
            read_image(path, pixels, channels="rgb")
        assert f"{depth} grey" in caught.value.remedy


def test_deep_masks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="a 16-bit image; expected one 8-bit channel"):
        read_mask(save(tmp_path / "a.png", np.zeros((6, 8), np.uint16)))


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
    for pixels in (GREY, np.stack([GREY] * 3, axis=2), GREY.astype(np.uint16) << 8):
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
