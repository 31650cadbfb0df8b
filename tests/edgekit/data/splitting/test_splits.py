"""Seeded splits, by property: whatever the groups and strata."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data import PARTS, Dataset, Item, Sample, split_dataset
from edgekit.data.splitting.splits import DEFAULT_FRACTIONS
from edgekit_runtime.errors import DatasetError, UsageProblem


class NamedItems(Dataset):
    """Items without images."""

    classes = ("background", "defect")
    may_hold_duplicates = False

    def __init__(self, items: Sequence[Item]) -> None:
        self.name = "named"
        self.items = tuple(items)

    def load(self, index: int) -> Sample:
        return Sample(self.items[index].name, np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8))

    def digest(self, index: int) -> str:
        return self.items[index].name


def plain(count: int, stratum: str = "all") -> list[Item]:
    return [Item(f"{stratum}-{n}", f"{stratum}-{n}", stratum, defective=True) for n in range(count)]


@st.composite
def datasets(draw: st.DrawFn) -> NamedItems:
    """Up to 60 items in any groups and strata, after 20 plain ones that leave no part empty."""
    pairs = draw(
        st.lists(st.tuples(st.integers(0, 12).map(str), st.sampled_from(["a", "b", "c"])), max_size=60)
    )
    items = [Item(f"item-{n}", f"group-{g}", s, defective=s == "a") for n, (g, s) in enumerate(pairs)]
    order = draw(st.permutations([*items, *plain(20)]))
    return NamedItems(order)


@given(dataset=datasets(), seed=st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_every_item_is_in_one_part_and_no_group_parts(dataset: NamedItems, seed: int) -> None:
    split = split_dataset(dataset, seed=seed)
    assert sorted(index for part in split.parts.values() for index in part) == list(range(len(dataset)))
    part_of: dict[str, str] = {}
    for part, indices in split.parts.items():
        for index in indices:
            assert part_of.setdefault(dataset.items[index].group, part) == part


@given(dataset=datasets(), seed=st.integers(0, 2**40), data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_split_depends_on_seed_and_names_alone(dataset: NamedItems, seed: int, data: st.DataObject) -> None:
    shuffled = NamedItems(data.draw(st.permutations(dataset.items)))
    first, second = split_dataset(dataset, seed=seed), split_dataset(shuffled, seed=seed)
    for part in PARTS:
        assert {dataset.items[i].name for i in first.parts[part]} == {
            shuffled.items[i].name for i in second.parts[part]
        }


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_strata_are_spread_by_the_fractions(sizes: list[int], seed: int) -> None:
    items = [item for n, size in enumerate(sizes) for item in plain(size, f"stratum{n}")]
    dataset = NamedItems([*items, *plain(20)])
    split = split_dataset(dataset, seed=seed)
    for number, size in enumerate(sizes):
        for part, fraction in DEFAULT_FRACTIONS.items():
            count = sum(dataset.items[i].stratum == f"stratum{number}" for i in split.parts[part])
            # Each end of a part is rounded to a whole group.
            assert abs(count - fraction * size) <= 1


def test_seeds_give_different_splits() -> None:
    dataset = NamedItems(plain(30))
    assert len({split_dataset(dataset, seed=seed).parts["test"] for seed in range(10)}) > 5


def test_the_split_of_seed_0_never_changes() -> None:
    # Published figures and stored checkpoints name a split by its seed: these items must stay where they are.
    split = split_dataset(NamedItems(plain(10)), seed=0)
    assert split.parts == {"train": (0, 1, 2, 4, 6, 7, 8), "val": (3,), "test": (5, 9)}


def test_a_split_survives_being_stored_with_sorted_keys() -> None:
    dataset = NamedItems(plain(50))
    stored = json.loads(json.dumps(DEFAULT_FRACTIONS, sort_keys=True))
    assert list(stored) != list(DEFAULT_FRACTIONS)
    assert split_dataset(dataset, seed=4, fractions=stored).parts == split_dataset(dataset, seed=4).parts


@pytest.mark.parametrize(
    "fractions",
    [
        {"train": 0.7, "val": 0.1, "test": 0.1},
        {"train": 1.2, "val": -0.1, "test": -0.1},
        {"train": 1.0, "val": 0.0},
        {"train": float("nan"), "val": 0.5},
        {"train": 0.5, "dev": 0.5},
        {},
    ],
)
def test_fractions_must_be_positive_add_up_and_be_named(fractions: dict[str, float]) -> None:
    with pytest.raises(UsageProblem):
        split_dataset(NamedItems(plain(20)), fractions=fractions)


def test_too_few_images_for_a_part_are_refused() -> None:
    with pytest.raises(DatasetError, match="2 images are too few"):
        split_dataset(NamedItems(plain(2)))


def test_an_unknown_part_is_refused() -> None:
    dataset = NamedItems(plain(20))
    split = split_dataset(dataset)
    with pytest.raises(UsageProblem, match="train, val, test"):
        split.subset(dataset, "dev")
    assert split.subset(dataset, "all") is dataset
