"""One size for all images: nothing false appears in them, and no defect is lost from the masks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data import OpenOptions, Subset, open_dataset
from edgekit.data.converting import convert_dataset
from edgekit.data.layouts.coco import Coco
from edgekit.data.layouts.images_masks import open_image_folder
from edgekit.data.resizing import Resized, resize_image, resize_mask
from edgekit.data.synthetic_fabric import SyntheticFabric
from edgekit.reporting import Reporter
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import UsageProblem
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.annotation_folders import write_coco
from tests.edgekit.image_folders import draw_plate, save

QUIET = Reporter(quiet=True)
SIZE = (17, 23)
sides = st.tuples(st.integers(1, 24), st.integers(1, 24))


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    generator = np.random.default_rng(draw(st.integers(0, 9999)))
    shape, share = draw(sides), draw(st.sampled_from([0.0, 0.02, 0.2, 1.0]))
    return (generator.integers(1, 5, shape) * (generator.random(shape) < share)).astype(np.uint8)


class TestResized(DatasetConformance):
    @pytest.fixture
    def open_again(self, tmp_path: Path) -> OpenDataset:
        root = write_coco(tmp_path / "source")
        return lambda: Resized(Coco(root), SIZE)

    @pytest.fixture
    def change_content(self, tmp_path: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            path = sorted((tmp_path / "source").rglob("*.png"))[0]
            save(path, np.full((24, 40), 7, np.uint8))
            return open_again

        return change

    def test_all_have_the_size_and_what_the_source_says(
        self, tmp_path: Path, open_again: OpenDataset
    ) -> None:
        dataset, source = open_again(), Coco(tmp_path / "source")
        assert dataset.items == source.items
        assert (dataset.classes, dataset.labels) == (source.classes, source.labels)
        assert dataset.name == f"{source.name}@17x23"
        for index in range(len(dataset)):
            resized, sample = dataset.load(index), source.load(index)
            assert resized.image.shape[:2] == resized.known_mask.shape == SIZE
            assert resized.kinds == sample.kinds
            assert resized.known_mask.any() == sample.known_mask.any()


@settings(deadline=None)
@given(masks(), sides)
def test_no_defect_is_lost_and_no_class_is_invented(mask: np.ndarray, size: tuple[int, int]) -> None:
    """Against the definition, pixel by pixel, in fractions rather than in rounded bounds."""
    resized = resize_mask(mask, size)
    (old_height, old_width), (height, width) = mask.shape, size
    for y, x in np.ndindex(size):
        rows = [
            r
            for r in range(old_height)
            if r * height < (y + 1) * old_height and (r + 1) * height > y * old_height
        ]
        columns = [
            c for c in range(old_width) if c * width < (x + 1) * old_width and (c + 1) * width > x * old_width
        ]
        below = mask[np.ix_(rows, columns)]
        counts = np.bincount(below[below > 0], minlength=5)
        assert resized[y, x] == (counts.argmax() if counts.any() else 0)


@settings(deadline=None)
@given(masks())
def test_the_own_size_changes_nothing(mask: np.ndarray) -> None:
    assert np.array_equal(resize_mask(mask, mask.shape), mask)
    assert np.array_equal(resize_image(mask, mask.shape, levels=256), mask)


@pytest.mark.parametrize("side", [7, 32, 50, 128])
def test_a_crack_of_one_pixel_stays_in_one_piece(side: int) -> None:
    rows = np.round(64 + 40 * np.sin(np.arange(256) / 30)).astype(int)
    crack = np.zeros((200, 256), np.uint8)
    crack[rows, np.arange(256)] = 3
    resized = resize_mask(crack, (side, side))
    assert set(np.unique(resized)) == {0, 3}
    places = [np.flatnonzero(column) for column in resized.T]
    assert all(len(place) for place in places)
    for left, right in pairwise(places):
        assert left.min() <= right.max() + 1
        assert right.min() <= left.max() + 1


@settings(deadline=None)
@given(st.integers(0, 4095), sides, sides, st.sampled_from([4, 8, 12]))
def test_an_even_image_stays_even(value: int, old: tuple[int, int], new: tuple[int, int], bits: int) -> None:
    levels = 2**bits
    image = np.full(old, value % levels, np.uint16 if bits > 8 else np.uint8)
    resized = resize_image(image, new, levels=levels)
    assert resized.dtype == image.dtype
    assert np.array_equal(resized, np.full(new, value % levels))


@pytest.mark.parametrize(("bits", "kind"), [(4, np.uint8), (8, np.uint8), (12, np.uint16)])
def test_overshoot_at_edges_stays_within_the_levels(bits: int, kind: type) -> None:
    image = np.zeros((90, 90), kind)
    image[:, 45:] = 2**bits - 1
    resized = resize_image(image, (31, 31), levels=2**bits)
    assert (int(resized.min()), int(resized.max())) == (0, 2**bits - 1)


def test_depth_does_not_change_what_is_seen() -> None:
    image, _ = draw_plate(0, (90, 70))
    shallow = resize_image(image, (40, 31), levels=256)
    deep = resize_image(image.astype(np.uint16) * 257, (40, 31), levels=65536)
    # Half a grey level of rounding, and Pillow's fixed-point weights of 8-bit images.
    assert np.abs(deep / 257 - shallow).max() < 1


def test_a_pattern_finer_than_the_new_pixels_vanishes() -> None:
    """A weave of 5 pixels shrunk four times: averages over areas bring 16 grey levels of it back as stripes."""
    weave = np.rint(128 + 100 * np.sin(2 * np.pi * np.arange(512) / 5))
    image = np.repeat(weave[None].astype(np.uint8), 512, axis=0)
    inner = resize_image(image, (128, 128), levels=256)[8:-8, 8:-8].astype(float)
    assert inner.std() < 3
    assert image.reshape(128, 4, 128, 4).mean(axis=(1, 3)).std() > 15


def test_colours_are_resized_alike() -> None:
    generator = np.random.default_rng(3)
    image = generator.integers(0, 256, (40, 30, 3)).astype(np.uint8)
    resized = resize_image(image, (16, 20), levels=256)
    assert resized.shape == (16, 20, 3)
    for channel in range(3):
        alone = resize_image(np.ascontiguousarray(image[:, :, channel]), (16, 20), levels=256)
        assert np.array_equal(resized[:, :, channel], alone)


def test_converted_at_a_size_is_the_view(tmp_path: Path) -> None:
    dataset = Resized(SyntheticFabric(defective=3, normal=3, size=(96, 128)), (48, 48))
    convert_dataset(dataset, tmp_path / "out", reporter=QUIET)
    again = open_image_folder(tmp_path / "out")
    assert (again.name, again.items) == ("synthetic:fabric@48x48", dataset.items)
    assert (again.classes, again.labels, again.normal_label) == (
        dataset.classes,
        dataset.labels,
        dataset.normal_label,
    )
    for index in range(len(dataset)):
        ours, theirs = dataset.load(index), again.load(index)
        assert np.array_equal(ours.image, theirs.image)
        assert np.array_equal(ours.known_mask, theirs.known_mask)
        assert ours.kinds == theirs.kinds


def test_generated_images_of_12_bits_convert(tmp_path: Path) -> None:
    pixels = PixelFormat(bits=12, scale=4095.0)
    source = Subset(open_dataset("synthetic:fabric/hole", OpenOptions(pixels=pixels)), range(2))
    convert_dataset(Resized(source, (64, 64)), tmp_path / "out", reporter=QUIET)
    image = open_dataset(str(tmp_path / "out"), OpenOptions(pixels=pixels)).load(0).image
    assert (image.dtype, image.shape) == (np.uint16, (64, 64))
    assert image.max() > 255


def test_the_size_is_part_of_the_fingerprint() -> None:
    source = SyntheticFabric(("hole",), defective=2, normal=2, size=(64, 64))
    found = {Resized(source, size).fingerprint() for size in ((32, 32), (32, 64), (64, 32))}
    assert len({*found, source.fingerprint()}) == 4


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (20_000, 20_000)])
def test_impossible_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UsageProblem, match=r"edgekit reads 1 to 150,000,000 pixels"):
        Resized(SyntheticFabric(defective=1, normal=0, size=(64, 64)), size)


def test_real_tiles_keep_their_defects(real_data: Path) -> None:
    source = open_dataset(str(real_data / "magnetic-tile"), OpenOptions(include_normal=False))
    some = Subset(source, range(0, len(source), 20))
    resized = Resized(some, (64, 64))
    for index in range(len(some)):
        assert set(np.unique(resized.load(index).known_mask)) == set(np.unique(some.load(index).known_mask))
