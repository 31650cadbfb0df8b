"""What every dataset must do. Inherit `DatasetConformance`, and give it the two fixtures.

class TestMyDataset(DatasetConformance):
    @pytest.fixture
    def open_again(self, tmp_path):
        return lambda: MyDataset(tmp_path / "somewhere")

    @pytest.fixture
    def change_content(self, tmp_path, open_again):
        def change():
            (tmp_path / "somewhere" / "1.png").write_bytes(...)
            return open_again
        return change
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from edgekit.data import PARTS, Dataset, Sample, split_dataset
from edgekit.data.contract import View

OpenDataset = Callable[[], Dataset]
FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}


class Reversed(View):
    """A dataset's items in reverse order."""

    def __init__(self, source: Dataset) -> None:
        super().__init__(source)
        self.items = tuple(reversed(source.items))

    def load(self, index: int) -> Sample:
        return self.source.load(len(self) - 1 - index)

    def digest(self, index: int) -> str:
        return self.source.digest(len(self) - 1 - index)


class DatasetConformance:
    """Inherited by the tests of each dataset. The dataset should hold ten items or more."""

    samples = 5
    """How many items are loaded."""

    @pytest.fixture
    def open_again(self) -> OpenDataset:
        """Return a function that opens the dataset anew."""
        raise NotImplementedError

    @pytest.fixture
    def change_content(self) -> Callable[[], OpenDataset]:
        """Return a function that changes an image or a mask, and returns how to open the result."""
        raise NotImplementedError

    @pytest.fixture
    def dataset(self, open_again: OpenDataset) -> Dataset:
        return open_again()

    def test_is_named(self, dataset: Dataset) -> None:
        assert dataset.name
        assert len(dataset.classes) >= 2 or (dataset.labels and not dataset.classes)
        assert len(set(dataset.classes)) == len(dataset.classes)
        assert len(set(dataset.labels)) == len(dataset.labels)
        assert dataset.normal_label is None or dataset.normal_label in dataset.labels

    def test_labels_are_indices_of_the_names(self, dataset: Dataset) -> None:
        for item in dataset.items:
            assert (item.label is None) == (not dataset.labels)
            assert item.label is None or 0 <= item.label < len(dataset.labels)

    def test_items_are_unique(self, dataset: Dataset) -> None:
        assert len(dataset) == len(dataset.items) > 0
        assert len({item.name for item in dataset.items}) == len(dataset)
        assert all(item.name and item.group and item.stratum for item in dataset.items)

    def test_items_come_in_one_order(self, dataset: Dataset, open_again: OpenDataset) -> None:
        assert open_again().items == dataset.items

    def test_a_group_lies_in_one_stratum(self, dataset: Dataset) -> None:
        strata: dict[str, str] = {}
        for item in dataset.items:
            assert strata.setdefault(item.group, item.stratum) == item.stratum

    def test_samples_have_the_documented_form(self, dataset: Dataset) -> None:
        for index in self.chosen(dataset):
            sample = dataset.load(index)
            assert sample.name == dataset.items[index].name
            assert sample.image.dtype == np.uint8
            assert sample.image.ndim == 2 or sample.image.shape[2:] == (3,)
            assert list(sample.kinds) == sorted(set(sample.kinds))
            assert (sample.mask is None) == (not dataset.classes)
            if sample.mask is None:
                continue
            assert sample.mask.dtype == np.uint8
            assert sample.mask.shape == sample.image.shape[:2]
            assert int(sample.mask.max()) < len(dataset.classes)
            if dataset.items[index].defective is False:
                assert not sample.mask.any()

    def test_loading_twice_gives_the_same(self, dataset: Dataset, open_again: OpenDataset) -> None:
        other = open_again()
        for index in self.chosen(dataset):
            first, second = dataset.load(index), other.load(index)
            assert np.array_equal(first.image, second.image)
            assert first.kinds == second.kinds
            assert (first.mask is None) == (second.mask is None)
            assert first.mask is None or np.array_equal(first.mask, second.mask)

    def test_fingerprint_is_stable_and_independent_of_order(
        self, dataset: Dataset, open_again: OpenDataset
    ) -> None:
        fingerprint = dataset.fingerprint()
        assert re.fullmatch("[0-9a-f]{64}", fingerprint)
        assert open_again().fingerprint() == fingerprint
        assert Reversed(dataset).fingerprint() == fingerprint

    def test_fingerprint_changes_with_the_content(
        self, dataset: Dataset, change_content: Callable[[], OpenDataset]
    ) -> None:
        before = dataset.fingerprint()
        changed = change_content()()
        assert [item.name for item in changed.items] == [item.name for item in dataset.items]
        assert changed.fingerprint() != before

    def test_parts_have_fingerprints_of_their_own(self, dataset: Dataset) -> None:
        split = split_dataset(dataset, seed=1, fractions=FRACTIONS)
        found = {split.subset(dataset, part).fingerprint() for part in (*PARTS, "all")}
        assert len(found) == 4

    @pytest.mark.parametrize("seed", [0, 1, 17])
    def test_a_split_is_disjoint_complete_and_keeps_groups(self, dataset: Dataset, seed: int) -> None:
        split = split_dataset(dataset, seed=seed, fractions=FRACTIONS)
        indices = [index for part in PARTS for index in split.parts[part]]
        assert sorted(indices) == list(range(len(dataset)))
        part_of: dict[str, str] = {}
        for part in PARTS:
            for index in split.parts[part]:
                assert part_of.setdefault(dataset.items[index].group, part) == part

    def test_the_seed_decides_the_split(self, dataset: Dataset, open_again: OpenDataset) -> None:
        first = self.names(dataset, seed=3)
        assert self.names(open_again(), seed=3) == first
        assert any(self.names(dataset, seed=seed) != first for seed in range(4, 14))

    def test_a_split_does_not_depend_on_the_order_of_items(self, dataset: Dataset) -> None:
        assert self.names(Reversed(dataset), seed=3) == self.names(dataset, seed=3)

    def chosen(self, dataset: Dataset) -> list[int]:
        """Return indices spread over the whole dataset, the first and the last among them."""
        return sorted({int(index) for index in np.linspace(0, len(dataset) - 1, self.samples)})

    def names(self, dataset: Dataset, *, seed: int) -> Mapping[str, set[str]]:
        """Return the names of the items of each part."""
        split = split_dataset(dataset, seed=seed, fractions=FRACTIONS)
        return {part: {dataset.items[index].name for index in split.parts[part]} for part in PARTS}
