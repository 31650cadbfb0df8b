"""`synthetic:fabric` as a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from edgekit.data import split_dataset
from edgekit.data.fabric import KINDS, WEAVES, render_tile
from edgekit.data.synthetic_fabric import SyntheticFabric
from edgekit.data.views import view_for
from edgekit_runtime.errors import UsageProblem
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset

SIZE = (64, 96)


class TestSyntheticFabric(DatasetConformance):
    @pytest.fixture
    def open_again(self) -> OpenDataset:
        return lambda: SyntheticFabric(defective=12, normal=24, size=SIZE)

    @pytest.fixture
    def change_content(self) -> Callable[[], OpenDataset]:
        return lambda: lambda: SyntheticFabric(defective=12, normal=24, size=SIZE, seed=1)


class TestOneKind(DatasetConformance):
    @pytest.fixture
    def open_again(self) -> OpenDataset:
        return lambda: SyntheticFabric(("end-out",), defective=12, normal=24, size=SIZE)

    @pytest.fixture
    def change_content(self) -> Callable[[], OpenDataset]:
        return lambda: lambda: SyntheticFabric(("end-out",), defective=12, normal=24, size=SIZE, seed=1)


def test_most_tiles_are_normal_and_every_roll_shows_all() -> None:
    dataset = SyntheticFabric()
    assert dataset.classes == ("background", "hole", "stain", "broken-yarn", "end-out")
    assert Counter(item.defective for item in dataset.items) == {True: 480, False: 960}
    rolls = Counter(item.group for item in dataset.items)
    assert len(rolls) == 120
    assert set(rolls.values()) == {12}
    assert Counter(item.stratum for item in dataset.items) == dict.fromkeys(WEAVES, 480)
    assert not any(item.defective is False for item in SyntheticFabric(include_normal=False).items)


def test_one_kind_has_a_class_of_its_own() -> None:
    dataset = SyntheticFabric(("stain",), size=SIZE)
    assert (dataset.name, dataset.classes) == ("synthetic:fabric/stain", ("background", "stain"))
    assert Counter(item.defective for item in dataset.items) == {True: 120, False: 240}
    sample = dataset.load(0)
    assert sample.kinds == ("stain",)
    assert set(np.unique(sample.known_mask)) == {0, 1}


def test_every_tile_has_the_class_of_what_it_shows() -> None:
    dataset = SyntheticFabric(size=SIZE)
    assert dataset.labels == ("normal", "hole", "stain", "broken-yarn", "end-out")
    assert dataset.normal_label == "normal"
    assert Counter(item.label for item in dataset.items) == {0: 960, 1: 120, 2: 120, 3: 120, 4: 120}
    for index in range(0, 60, 5):
        shown = np.unique(dataset.load(index).known_mask).tolist()
        assert shown == sorted({0, dataset.items[index].label})


def test_one_kind_has_two_labels() -> None:
    dataset = SyntheticFabric(("end-out",), size=SIZE)
    assert (dataset.labels, dataset.normal_label) == (("normal", "end-out"), "normal")
    assert all(item.label == int(bool(item.defective)) for item in dataset.items)


def test_a_classifier_sees_the_kinds_and_not_only_good_or_bad() -> None:
    dataset = SyntheticFabric(size=SIZE)
    assert view_for(dataset, task="classify", classes=5) is dataset


@pytest.mark.parametrize("size", [(64, 64), (64, 200), (300, 100), (512, 512)])
def test_each_defective_tile_shows_its_kind_alone(size: tuple[int, int]) -> None:
    dataset = SyntheticFabric(include_normal=False, size=size)
    for index in range(24):
        sample = dataset.load(index)
        (kind,) = sample.kinds
        values, counts = np.unique(sample.known_mask, return_counts=True)
        assert list(values) == [0, dataset.classes.index(kind)]
        assert counts[1] > 30


def test_a_tile_is_the_same_whichever_others_are_listed() -> None:
    everything, few = SyntheticFabric(size=SIZE), SyntheticFabric(("hole",), defective=3, normal=5, size=SIZE)
    known = {item.name: everything.digest(index) for index, item in enumerate(everything.items)}
    assert len(few) == 8
    for index, item in enumerate(few.items):
        assert few.digest(index) == known[item.name]


def test_any_number_of_tiles_is_spread_over_rolls() -> None:
    dataset = SyntheticFabric(defective=2, normal=25, size=SIZE)
    assert Counter(item.defective for item in dataset.items) == {True: 8, False: 100}
    assert Counter(Counter(item.group for item in dataset.items if not item.defective).values()) == {
        8: 9,
        7: 4,
    }


def test_a_rolls_tiles_show_the_same_yarns_in_other_places() -> None:
    first, second = (
        render_tile(3, number, kind=None, weave="twill", seed=0, size=(128, 128))[0].astype(float)
        for number in (5, 6)
    )
    other, _ = render_tile(4, 5, kind=None, weave="twill", seed=0, size=(128, 128))
    assert np.mean(first != second) > 0.5

    def repeat(image: np.ndarray) -> np.ndarray:
        """Return how rows look on average along the web's length: the ends are where they are."""
        profile = image.mean(axis=0)
        return profile - np.convolve(profile, np.ones(15) / 15, "same")

    same = np.corrcoef(repeat(first)[16:-16], repeat(second)[16:-16])[0, 1]
    unlike = np.corrcoef(repeat(first)[16:-16], repeat(other.astype(float))[16:-16])[0, 1]
    assert same > 0.8 > 0.5 > unlike


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kinds", [tuple(KINDS), ("stain",)])
@pytest.mark.parametrize(("defective", "normal"), [(5, 60), (10, 60), (10, 200), (25, 100)])
def test_every_part_shows_every_kind_where_few_rolls_have_defects(
    defective: int, normal: int, kinds: tuple[str, ...], seed: int
) -> None:
    dataset = SyntheticFabric(kinds, defective=defective, normal=normal, size=SIZE)
    split = split_dataset(dataset, seed=seed)
    for part, share in {"train": 0.7, "val": 0.1, "test": 0.2}.items():
        counts = Counter(dataset.items[index].label for index in split.parts[part])
        assert set(counts) == set(range(len(dataset.labels)))
        assert abs(len(split.parts[part]) - share * len(dataset)) <= 12


def test_the_strata_are_the_weaves_where_rolls_are_alike() -> None:
    for options in ({}, {"defective": 0}, {"include_normal": False}):
        items = SyntheticFabric(size=SIZE, **options).items  # type: ignore[arg-type]
        assert {item.stratum for item in items} == set(WEAVES)


def test_rolls_never_part() -> None:
    dataset = SyntheticFabric(size=SIZE)
    parts = split_dataset(dataset, seed=0).parts
    rolls = [{dataset.items[index].group for index in part} for part in parts.values()]
    assert sum(len(part) for part in rolls) == len(set.union(*rolls)) == 120


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kinds": ("holes",)}, "no defect 'holes'"),
        ({"size": (64, 63)}, "at least 64 pixels; got 64×63"),
        ({"defective": 0, "normal": 0}, "1 to 9,999"),
        ({"defective": -1}, "1 to 9,999"),
        ({"normal": 9999}, "1 to 9,999"),
        ({"defective": 0, "include_normal": False}, "1 to 9,999"),
    ],
)
def test_what_cannot_be_generated_is_refused_at_once(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        SyntheticFabric(**options)  # type: ignore[arg-type]


def test_kinds_are_those_of_the_web() -> None:
    assert SyntheticFabric().classes[1:] == tuple(KINDS)
