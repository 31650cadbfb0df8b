"""From samples to batches: order, padding, and what decides them."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.train.batches import Batch, BatchForm, count_steps, draw_batches, iterate_batches
from edgekit.train.prefetching import prefetch
from edgekit.train.recipe import Sampling
from edgekit.train.sample_store import SampleStore
from tests.edgekit.train.arrays import ArrayDataset, draw_pixels, make_store
from tests.edgekit.train.runs import tiny_recipe

MASKS = BatchForm(multiple=16, labels=False)
SIZES = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def squares() -> SampleStore:
    """Twelve images of 64×64."""
    return make_store(draw_pixels(*[(64, 64)] * 12))


def draw(
    store: SampleStore, epoch: int = 0, *, seed: int = 0, form: BatchForm = MASKS, **changes: object
) -> list[Batch]:
    return list(draw_batches(store, tiny_recipe(**changes), form, seed=seed, epoch=epoch))


def names_of(batches: list[Batch]) -> list[tuple[str, ...]]:
    return [batch.names for batch in batches]


def equal(first: list[Batch], second: list[Batch]) -> bool:
    return names_of(first) == names_of(second) and all(
        torch.equal(a.images, b.images) and torch.equal(a.truth, b.truth)
        for a, b in zip(first, second, strict=True)
    )


def test_an_epoch_draws_every_image_once(squares: SampleStore) -> None:
    drawn = names_of(draw(squares, batch_size=5))
    assert [len(names) for names in drawn] == [5, 5, 2]
    assert len({name for names in drawn for name in names}) == 12


@pytest.mark.parametrize(("wanted", "batch_size"), [(None, 5), (None, 4), (1, 4), (30, 7)])
def test_as_many_steps_as_are_announced(squares: SampleStore, wanted: int | None, batch_size: int) -> None:
    recipe = tiny_recipe(sampling=Sampling(images_per_epoch=wanted), batch_size=batch_size)
    drawn = list(draw_batches(squares, recipe, MASKS, seed=0, epoch=0))
    assert len(drawn) == count_steps(squares, recipe)
    assert sum(len(batch) for batch in drawn) == (wanted or 12)


RANDOM = {"sampling": Sampling(crop_px=32, crop_on_defect=0.5), "augmentation": ("rot90", "flip", "light")}


def test_seed_and_epoch_alone_decide_pixels_and_order(squares: SampleStore) -> None:
    other = make_store(draw_pixels(*[(64, 64)] * 12))
    draw(squares, 7, **RANDOM)  # what was drawn before does not matter
    np.random.default_rng().random()
    assert equal(draw(squares, 3, **RANDOM), draw(other, 3, **RANDOM))
    assert not equal(draw(squares, 3, **RANDOM), draw(squares, 4, **RANDOM))
    assert not equal(draw(squares, 3, **RANDOM), draw(squares, 3, seed=1, **RANDOM))


def test_the_place_in_the_epoch_decides_crops_not_the_size_of_batches(squares: SampleStore) -> None:
    small, large = draw(squares, batch_size=3, **RANDOM), draw(squares, batch_size=12, **RANDOM)
    assert torch.equal(torch.cat([batch.images for batch in small]), large[0].images)


def test_order_and_places_draw_from_streams_of_their_own(
    squares: SampleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    firsts: list[float] = []

    def draw_order(_sampling: object, defective: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        firsts.append(generator.random())
        return np.arange(len(defective))

    def crop(sample: object, _sampling: object, generator: np.random.Generator) -> object:
        firsts.append(generator.random())
        return sample

    monkeypatch.setattr("edgekit.train.batches.draw_order", draw_order)
    monkeypatch.setattr("edgekit.train.batches.crop_sample", crop)
    for epoch in range(3):
        draw(squares, epoch)
    assert len(firsts) == len(set(firsts)) == 3 * (1 + len(squares))


def test_prefetching_changes_nothing(squares: SampleStore) -> None:
    recipe = tiny_recipe(**RANDOM)
    ahead = list(prefetch(draw_batches(squares, recipe, MASKS, seed=0, epoch=2)))
    assert equal(ahead, draw(squares, 2, **RANDOM))
    assert threading.active_count() == 1


def test_crops_cut_image_and_mask_alike(squares: SampleStore) -> None:
    whole = {squares.load(index).name: squares.load(index) for index in range(12)}
    places = set()
    for batch in draw(squares, sampling=Sampling(crop_px=32)):
        assert batch.images.shape[1:] == batch.truth.shape[1:] == (32, 32)
        for image, mask, name in zip(batch.images.numpy(), batch.truth.numpy(), batch.names, strict=True):
            top, left = find(whole[name].image, image)
            places.add((top, left))
            assert np.array_equal(whole[name].known_mask[top : top + 32, left : left + 32], mask)
    assert len(places) > 3


def find(image: np.ndarray, window: np.ndarray) -> tuple[int, int]:
    views = np.lib.stride_tricks.sliding_window_view(image, window.shape)
    found = np.argwhere((views == window).all(axis=(2, 3)))
    assert len(found) == 1
    return tuple(found[0])


def test_a_crop_larger_than_the_image_takes_the_image(squares: SampleStore) -> None:
    [batch, *_] = draw(squares, sampling=Sampling(crop_px=256))
    assert batch.images.shape == (4, 64, 64)
    assert batch.counts is None


@settings(max_examples=60, deadline=None)
@given(sizes=SIZES, multiple=st.sampled_from([1, 8, 16]), batch_size=st.integers(1, 6))
def test_batches_are_padded_to_the_common_multiple_and_count_exactly_the_real_pixels(
    sizes: list[tuple[int, int]], multiple: int, batch_size: int
) -> None:
    store = make_store(draw_pixels(*sizes))
    form = BatchForm(multiple, labels=False)
    whole = {store.load(index).name: store.load(index) for index in range(len(sizes))}
    for batch in draw(store, form=form, batch_size=batch_size):
        height, width = batch.images.shape[1:]
        for side, largest in (
            (height, max(h for h, _ in batch.sizes)),
            (width, max(w for _, w in batch.sizes)),
        ):
            assert side % multiple == 0
            assert largest <= side < largest + multiple
        counts = torch.ones_like(batch.truth, dtype=torch.bool) if batch.counts is None else batch.counts
        for row, name in enumerate(batch.names):
            rows, columns = batch.sizes[row]
            assert np.array_equal(batch.images[row, :rows, :columns].numpy(), whole[name].image)
            assert np.array_equal(batch.truth[row, :rows, :columns].numpy(), whole[name].known_mask)
            assert int(counts[row].sum()) == rows * columns
            assert bool(counts[row, :rows, :columns].all())
        assert batch.images.dtype == batch.truth.dtype == torch.uint8


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, batch_size=st.integers(1, 4))
def test_validation_pads_each_image_as_it_would_be_alone(
    sizes: list[tuple[int, int]], batch_size: int
) -> None:
    store = make_store(draw_pixels(*sizes))
    seen = []
    for batch in iterate_batches(store, batch_size, MASKS):
        assert len(batch) <= batch_size
        for height, width in batch.sizes:
            assert batch.images.shape[1:] == (-(-height // 16) * 16, -(-width // 16) * 16)
        seen += batch.names
    assert sorted(seen) == [f"image-{index:02}" for index in range(len(sizes))]


def test_validation_goes_in_order_where_sizes_agree(squares: SampleStore) -> None:
    names = [name for batch in iterate_batches(squares, 5, MASKS) for name in batch.names]
    assert names == [f"image-{index:02}" for index in range(12)]


def test_classes_come_as_numbers_without_counts() -> None:
    images = [np.zeros((8, 8 + index), np.uint8) for index in range(4)]
    store = make_store(ArrayDataset(images, labels=[0, 2, 1, 2], names=("a", "b", "c")))
    [batch] = iterate_batches(store, 4, BatchForm(16, labels=True))
    assert batch.truth.tolist() == [0, 2, 1, 2]
    assert batch.truth.dtype == torch.int64
    assert batch.counts is None
    [drawn] = draw(store, form=BatchForm(1, labels=True))
    labels = {f"image-{index:02}": label for index, label in enumerate([0, 2, 1, 2])}
    assert drawn.truth.tolist() == [labels[name] for name in drawn.names]


def test_colour_images_keep_their_channels_last() -> None:
    images = [np.full((5, 6, 3), (1, 2, 3), np.uint8), np.full((4, 9, 3), (4, 5, 6), np.uint8)]
    store = make_store(
        ArrayDataset(images, [np.ones(image.shape[:2], np.uint8) for image in images]), channels=3
    )
    [batch] = draw(store, form=BatchForm(4, labels=False))
    assert batch.images.shape == (2, 8, 12, 3)


def test_rows_of_a_batch() -> None:
    [batch] = draw(make_store(draw_pixels((5, 5), (9, 9), (7, 3))))
    part = batch.rows(1, 3)
    assert (part.names, part.sizes, len(part)) == (batch.names[1:], batch.sizes[1:], 2)
    assert torch.equal(part.images, batch.images[1:])
    assert torch.equal(part.truth, batch.truth[1:])
    assert torch.equal(part.counts, batch.counts[1:])
