"""From datasets to batches: order, crops, memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.data import Dataset, Sample, open_dataset
from edgekit.reporting import Reporter
from edgekit.train import batches
from edgekit.train.batches import SampleStore, draw_batches, iterate_batches
from edgekit_runtime.errors import DatasetError
from tests.edgekit.image_folders import draw_plate, save, write_image_folder
from tests.edgekit.train.runs import tiny_recipe


def make_store(data: Path, quiet: Reporter, multiple: int = 16) -> SampleStore:
    return SampleStore(open_dataset(str(data)), multiple=multiple, reporter=quiet)


def names_of(store: SampleStore, epoch: int, seed: int = 0, **changes: object) -> list[tuple[str, ...]]:
    drawn = draw_batches(store, tiny_recipe(**changes), seed=seed, epoch=epoch)
    return [batch.names for batch in drawn]


def test_an_epoch_draws_every_image_once(image_folder: Path, quiet: Reporter) -> None:
    drawn = names_of(make_store(image_folder, quiet), 0, batch_size=5)
    assert [len(names) for names in drawn] == [5, 5, 2]
    assert len({name for names in drawn for name in names}) == 12


def test_seed_and_epoch_alone_decide_the_order(image_folder: Path, quiet: Reporter) -> None:
    store, other = make_store(image_folder, quiet), make_store(image_folder, quiet)
    names_of(store, 7)  # what was drawn before does not matter
    assert names_of(store, 3) == names_of(other, 3)
    assert names_of(store, 3) != names_of(store, 4)
    assert names_of(store, 3) != names_of(store, 3, seed=1)


@pytest.mark.parametrize(("wanted", "largest"), [(5, 1), (12, 1), (30, 3)])
def test_images_per_epoch(image_folder: Path, quiet: Reporter, wanted: int, largest: int) -> None:
    drawn = [
        name
        for names in names_of(make_store(image_folder, quiet), 0, images_per_epoch=wanted)
        for name in names
    ]
    assert len(drawn) == wanted
    counts = [drawn.count(name) for name in set(drawn)]
    assert max(counts) - min(counts) <= 1
    assert max(counts) == largest


def test_crops_cut_image_and_mask_alike(image_folder: Path, quiet: Reporter) -> None:
    store = make_store(image_folder, quiet)
    whole = {store.load(index).name: store.load(index) for index in range(len(store))}
    places = set()
    for batch in draw_batches(store, tiny_recipe(crop_px=32), seed=0, epoch=0):
        assert batch.images.shape[1:] == batch.masks.shape[1:] == (32, 32)
        for image, mask, name in zip(batch.images.numpy(), batch.masks.numpy(), batch.names, strict=True):
            top, left = find(whole[name].image, image)
            places.add((top, left))
            assert np.array_equal(whole[name].mask[top : top + 32, left : left + 32], mask)
    assert len(places) > 3


def find(image: np.ndarray, window: np.ndarray) -> tuple[int, int]:
    views = np.lib.stride_tricks.sliding_window_view(image, window.shape)
    found = np.argwhere((views == window).all(axis=(2, 3)))
    assert len(found) == 1
    return tuple(found[0])


def test_a_crop_larger_than_the_image_takes_the_image(image_folder: Path, quiet: Reporter) -> None:
    batch = next(draw_batches(make_store(image_folder, quiet), tiny_recipe(crop_px=256), seed=0, epoch=0))
    assert batch.images.shape == (4, 64, 64)


def test_validation_goes_in_order(image_folder: Path, quiet: Reporter) -> None:
    store = make_store(image_folder, quiet)
    names = [name for batch in iterate_batches(store, 5) for name in batch.names]
    assert names == [f"plate-{n:02}" for n in range(12)]


class CountingDataset(Dataset):
    """Counts how often it decodes."""

    def __init__(self, source: Dataset) -> None:
        self.source, self.loads = source, 0
        self.name, self.classes, self.items = source.name, source.classes, source.items

    def load(self, index: int) -> Sample:
        self.loads += 1
        return self.source.load(index)

    def digest(self, index: int) -> str:
        return self.source.digest(index)


def test_images_are_decoded_once_while_they_fit(
    image_folder: Path, quiet: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = CountingDataset(open_dataset(str(image_folder)))
    store = SampleStore(dataset, multiple=16, reporter=quiet)
    names_of(store, 0)
    assert dataset.loads == 12
    monkeypatch.setattr(batches, "CACHE_LIMIT_BYTES", 5 * 2 * 64 * 64)
    store = SampleStore(dataset, multiple=16, reporter=quiet)
    names_of(store, 0)
    assert dataset.loads == 12 + 12 + 7


@pytest.mark.parametrize("size", [(64, 60), (60, 64)])
def test_sides_that_are_no_multiple_are_refused(
    tmp_path: Path, quiet: Reporter, size: tuple[int, int]
) -> None:
    data = write_image_folder(tmp_path / "plates", count=2, size=size)
    with pytest.raises(DatasetError, match=f"{size[0]}×{size[1]}.*multiples of 16"):
        make_store(data, quiet)


def test_images_of_two_sizes_are_refused(tmp_path: Path, quiet: Reporter) -> None:
    data = write_image_folder(tmp_path / "plates", count=3, size=(32, 32))
    image, mask = draw_plate(9, (32, 48))
    save(data / "images" / "plate-01.png", image)
    save(data / "masks" / "plate-01.png", mask)
    with pytest.raises(DatasetError, match="other images are"):
        make_store(data, quiet)
