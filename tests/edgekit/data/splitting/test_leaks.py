"""Leaks between given parts: each leaking image once, with the most alike of those that it repeats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.data import Dataset, split_dataset
from edgekit.data.splitting.leaks import Leak, find_leaks, given_parts
from edgekit.data.splitting.perceptual_hash import ORIENTATIONS
from edgekit.media.images import read_image
from tests.edgekit.data.splitting.pictures import (
    Picture,
    PicturesInMemory,
    draw_picture,
    encode_jpeg,
    turn,
)
from tests.edgekit.data.splitting.test_splits import NamedItems, plain, plant_copies


def draw_parts(*extra: Picture) -> PicturesInMemory:
    """Eight pictures to train on, four to test on, and more."""
    pictures = [Picture(f"{'train' if n < 8 else 'test'}/{n:02}", draw_picture(300 + n)) for n in range(12)]
    return PicturesInMemory([*pictures, *extra])


def name_pairs(dataset: Dataset, leaks: tuple[Leak, ...]) -> list[tuple[str, str]]:
    return [(dataset.items[leak.first].name, dataset.items[leak.second].name) for leak in leaks]


def test_parts_without_anything_in_common_do_not_leak() -> None:
    dataset = draw_parts()
    assert find_leaks(dataset, given_parts(dataset)) == ()


def test_a_turned_copy_in_the_test_part_is_a_leak() -> None:
    dataset = draw_parts(Picture("test/copy", encode_jpeg(turn(draw_picture(303), 1), 80)))
    (leak,) = find_leaks(dataset, given_parts(dataset))
    assert name_pairs(dataset, (leak,)) == [("train/03", "test/copy")]
    assert (leak.parts, leak.same_group, leak.exact) == (("train", "test"), False, False)
    assert leak.orientation == ORIENTATIONS[1]
    assert leak.correlation is not None
    assert leak.correlation > 0.85


def test_the_orientation_is_told_from_the_earlier_part_whatever_the_order_of_items() -> None:
    dataset = PicturesInMemory(draw_parts(Picture("test/copy", turn(draw_picture(303), 1))).pictures[::-1])
    (leak,) = find_leaks(dataset, given_parts(dataset))
    assert name_pairs(dataset, (leak,)) == [("train/03", "test/copy")]
    assert leak.orientation == ORIENTATIONS[1]


def test_each_exact_copy_is_a_leak_also_where_the_first_of_them_is_in_the_same_part() -> None:
    image = draw_picture(309)
    dataset = draw_parts(Picture("test/a", image), Picture("val/b", image), Picture("train/zz", image))
    leaks = find_leaks(dataset, given_parts(dataset))
    assert sorted(name_pairs(dataset, leaks)) == [
        ("train/zz", "test/09"),
        ("train/zz", "test/a"),
        ("train/zz", "val/b"),
        ("val/b", "test/09"),
        ("val/b", "test/a"),
    ]
    assert all(leak.exact and leak.correlation == 1 for leak in leaks)


def test_copies_of_exact_copies_leak_too() -> None:
    image = draw_picture(301)
    again = encode_jpeg(image, 60)
    dataset = draw_parts(Picture("test/a", again), Picture("test/b", again), Picture("train/aa", image))
    assert name_pairs(dataset, find_leaks(dataset, given_parts(dataset))) == [
        ("train/01", "test/a"),
        ("train/01", "test/b"),
    ]


def test_one_thing_on_both_sides_is_a_leak_without_looking_alike() -> None:
    tile = [Picture(f"train/exp{n}", draw_picture(400 + n), "tile") for n in (1, 2)]
    dataset = draw_parts(*tile, Picture("test/exp3", draw_picture(403), "tile"))
    (leak,) = find_leaks(dataset, given_parts(dataset))
    assert name_pairs(dataset, (leak,)) == [("train/exp1", "test/exp3")]
    assert (leak.same_group, leak.correlation, leak.orientation, leak.exact) == (True, None, None, False)


def test_a_copy_outweighs_the_group() -> None:
    tile = [Picture(f"train/exp{n}", draw_picture(400 + n), "tile") for n in (1, 2)]
    dataset = draw_parts(*tile, Picture("test/exp3", draw_picture(402), "tile"))
    (leak,) = find_leaks(dataset, given_parts(dataset))
    assert name_pairs(dataset, (leak,)) == [("train/exp2", "test/exp3")]
    assert leak.same_group
    assert leak.exact


@pytest.mark.parametrize("seed", range(5))
def test_splits_of_edgekit_do_not_leak(seed: int) -> None:
    dataset = plant_copies(seed)
    assert find_leaks(dataset, split_dataset(dataset, seed=seed).parts) == ()


def test_generated_images_are_not_read() -> None:
    dataset = NamedItems(plain(4))
    assert find_leaks(dataset, {"train": (0, 1), "test": (2, 3)}) == ()


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Class6/Train/1070", "train"),
        ("images/training/000301", "train"),
        ("TESTING/a", "test"),
        ("valid/a", "val"),
        ("val2017/a", "val"),
        ("validation/train/a", "val"),
        ("trained/a", None),
        ("a/contest/train-7", None),
        ("bottle/good/000", None),
    ],
)
def test_the_first_component_that_names_a_part_decides(name: str, part: str | None) -> None:
    image = np.zeros((4, 4), np.uint8)
    others = [Picture("train/x", image), Picture("val/y", image), Picture("test/z", image)]
    found = given_parts(PicturesInMemory([*others, Picture(name, image)]))
    assert list(found) == ["train", "val", "test"]
    assert {key for key, indices in found.items() if 3 in indices} == ({part} - {None})


def test_names_that_give_fewer_than_two_parts_give_no_split() -> None:
    image = np.zeros((4, 4), np.uint8)
    assert given_parts(PicturesInMemory([Picture("a", image), Picture("b", image)])) == {}
    assert given_parts(PicturesInMemory([Picture("train/a", image), Picture("b", image)])) == {}


def test_the_official_split_of_neu_seg_would_leak_through_rotated_copies(real_data: Path) -> None:
    folder = real_data / "neu-seg" / "NEU_Seg" / "images"
    paths = [
        *sorted((folder / "training").glob("*.jpg"))[::6],
        *sorted((folder / "test").glob("*.jpg"))[::12],
    ]
    pictures = [Picture("/".join(path.parts[-2:]), read_image(path)) for path in paths]
    turned = [
        Picture(f"test/turned-{n}", encode_jpeg(np.rot90(picture.image, n + 1), 75))
        for n, picture in enumerate(pictures[:3])
    ]
    dataset = PicturesInMemory([*pictures, *turned])
    leaks = find_leaks(dataset, given_parts(dataset))
    assert [(leak.first, leak.second, leak.orientation) for leak in leaks] == [
        (n, len(pictures) + n, ORIENTATIONS[n + 1]) for n in range(3)
    ]
