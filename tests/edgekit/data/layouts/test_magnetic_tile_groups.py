"""Tiles from names: exposures that follow each other, and those of two tiles in turns."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.data.layouts.magnetic_tile_groups import LARGEST_GAP_FRAMES, derive_tile_groups
from edgekit_runtime.errors import DatasetError


def name_images(*captures: tuple[int, int]) -> list[str]:
    return [f"MT_Free/exp{exposure}_num_{frame}" for exposure, frame in captures]


def groups_of(names: list[str]) -> list[int]:
    """Return each name's group as a number, in the order in which they first appear."""
    groups = derive_tile_groups(names)
    numbers: dict[str, int] = {}
    return [numbers.setdefault(groups[name], len(numbers)) for name in names]


def test_a_new_tile_begins_where_the_exposure_falls() -> None:
    names = name_images((1, 10), (2, 20), (6, 60), (1, 70), (2, 80))
    assert groups_of(names) == [0, 0, 0, 1, 1]
    assert derive_tile_groups(names)[names[4]] == "MT_Free/exp1_num_70"


def test_a_new_tile_begins_after_a_long_gap() -> None:
    near, far = 10 + LARGEST_GAP_FRAMES, 11 + LARGEST_GAP_FRAMES
    assert groups_of(name_images((1, 10), (2, near))) == [0, 0]
    assert groups_of(name_images((1, 10), (2, far))) == [0, 1]


def test_two_tiles_captured_in_turns_are_one_group() -> None:
    names = name_images((1, 10), (1, 12), (2, 20), (2, 22), (3, 30), (3, 32), (1, 40))
    assert groups_of(names) == [0] * 6 + [1]


def test_folders_do_not_part_a_tile() -> None:
    groups = derive_tile_groups(["MT_Fray/exp1_num_5", "MT_Free/exp2_num_9"])
    assert len(set(groups.values())) == 1


@pytest.mark.parametrize(
    "name", ["MT_Free/tile_5", "MT_Free/exp1_num_", "exp1_num_5_copy", "MT_Free/exp_num_5"]
)
def test_a_name_that_tells_nothing_is_refused(name: str) -> None:
    with pytest.raises(DatasetError, match="expE_num_FRAME") as caught:
        derive_tile_groups([name])
    assert "groups.csv" in caught.value.remedy


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 900)), unique=True, min_size=1, max_size=20),
    st.randoms(),
)
def test_groups_do_not_depend_on_the_order_and_are_called_after_their_first(captures, shuffler) -> None:
    names = name_images(*captures)
    groups = derive_tile_groups(names)
    assert set(groups) == set(names)
    for group in set(groups.values()):
        frames = {name: int(name.rsplit("_", 1)[1]) for name in names if groups[name] == group}
        assert frames[group] == min(frames.values())
    shuffler.shuffle(names)
    assert derive_tile_groups(names) == groups


@pytest.fixture(scope="module")
def true_tiles(real_data: Path) -> dict[str, str]:
    """The tile of each real image, which its csv tells."""
    with (real_data / "magnetic-tile" / "groups.csv").open(newline="") as stream:
        return {line["image"].removesuffix(".jpg"): line["tile_group"] for line in csv.DictReader(stream)}


def count_split(groups: dict[str, str], tiles: dict[str, str]) -> int:
    parts = defaultdict(set)
    for name, group in groups.items():
        parts[tiles[name]].add(group)
    return sum(len(found) > 1 for found in parts.values())


def test_no_real_tile_is_split_and_few_are_merged(true_tiles: dict[str, str]) -> None:
    groups = derive_tile_groups(true_tiles)
    assert count_split(groups, true_tiles) == 0
    held = defaultdict(set)
    for name, group in groups.items():
        held[group].add(true_tiles[name])
    assert (len(set(true_tiles.values())), len(held)) == (188, 180)
    assert sorted(len(tiles) for tiles in held.values())[-9:] == [1] + [2] * 8


def test_hardly_a_tile_is_split_where_images_are_missing(true_tiles: dict[str, str]) -> None:
    generator = random.Random(0)
    split = 0
    for kept in (0.6, 0.75, 0.9):
        for _ in range(4):
            names = [name for name in true_tiles if generator.random() < kept]
            split += count_split(derive_tile_groups(names), true_tiles)
    assert split <= 1  # of about 2200
