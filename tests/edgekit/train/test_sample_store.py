"""A part in memory: channels, the cache, what is known of each image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edgekit.data import open_dataset
from edgekit.data.views import label_images
from edgekit.train import sample_store
from edgekit.train.batches import BatchForm, iterate_batches
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import DatasetError, FrameError
from tests.edgekit.train.arrays import ArrayDataset, draw_pixels, make_store

COLOUR = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
GREY = COLOUR[:, :, 0].copy()


def test_images_are_decoded_once_while_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = draw_pixels(*[(8, 8)] * 12)
    store = make_store(dataset)
    for _ in range(2):
        [store.load(index) for index in range(12)]
    assert dataset.loads == 12
    monkeypatch.setattr(sample_store, "CACHE_LIMIT_BYTES", 5 * 2 * 8 * 8)
    store = make_store(dataset)
    [store.load(index) for index in range(12)]
    assert dataset.loads == 12 + 12 + 7


def test_a_grey_network_refuses_colour_and_names_the_image() -> None:
    with pytest.raises(FrameError, match="image-01: The image is in colour"):
        make_store(ArrayDataset([GREY, COLOUR]))


def test_a_colour_network_repeats_grey_images() -> None:
    store = make_store(ArrayDataset([GREY, COLOUR]), channels=3)
    assert np.array_equal(store.load(0).image, np.stack([GREY] * 3, axis=2))
    assert np.array_equal(store.load(1).image, COLOUR)
    assert [image.dtype for image in store.images()] == [np.uint8, np.uint8]


def test_sizes_and_which_images_are_defective() -> None:
    sizes = [(8, 6), (4, 4), (5, 9)]
    masks = [np.zeros(size, np.uint8) for size in sizes]
    masks[1][3, 3] = 1
    store = make_store(ArrayDataset([np.zeros(size, np.uint8) for size in sizes], masks))
    assert store.sizes == sizes
    assert store.defective.tolist() == [False, True, False]
    assert [mask.sum() for mask in store.masks()] == [0, 1, 0]


def test_labels_come_without_masks() -> None:
    store = make_store(ArrayDataset([GREY] * 3, labels=[2, 0, 1], names=("a", "b", "c")))
    assert store.labels().tolist() == [2, 0, 1]
    with pytest.raises(DatasetError, match="no pixel mask"):
        list(store.masks())


def test_an_image_without_a_class_is_named() -> None:
    with pytest.raises(DatasetError, match="image-00 has no class"):
        make_store(ArrayDataset([GREY])).labels()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    from tests.edgekit.image_folders import write_image_folder

    data = write_image_folder(tmp_path / "plates", count=3, size=(16, 16))
    (data / "images" / "plate-02.png").write_bytes(b"no image")
    with pytest.raises(FrameError, match=r"plate-02\.png"):
        make_store(open_dataset(str(data)))


def test_masks_tell_which_images_are_defective_for_a_classifier_too() -> None:
    dataset = label_images(draw_pixels((8, 8), (8, 8)))
    assert make_store(dataset).labels().tolist() == [1, 1]


def test_deep_images_are_kept_as_they_are_and_shallow_ones_refused_by_name() -> None:
    deep = ArrayDataset([np.full((8, 8), 4095, np.uint16)])
    pixels = PixelFormat(bits=12, scale=4095.0)
    store = make_store(deep, pixels=pixels)
    assert store.load(0).image.dtype == np.uint16
    with pytest.raises(FrameError, match="uint16 of 12 bits; got uint8"):
        make_store(ArrayDataset([GREY]), pixels=pixels)


def test_batches_of_deep_images_are_int32() -> None:
    image = np.arange(64, dtype=np.uint16).reshape(8, 8) * 64
    dataset = ArrayDataset([image], [np.ones((8, 8), np.uint8)])
    store = make_store(dataset, pixels=PixelFormat(bits=12, scale=4095.0))
    (batch,) = iterate_batches(store, 1, BatchForm(multiple=16, labels=False))
    assert batch.images.dtype == torch.int32
    assert np.array_equal(batch.images[0, :8, :8].numpy(), image)
