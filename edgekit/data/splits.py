"""Seeded splits: groups never part, strata are spread evenly, and the same seed gives the same parts anywhere."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgekit.data.contract import Dataset, Subset
from edgekit_runtime.errors import DatasetError, UsageProblem

PARTS = ("train", "val", "test")

DEFAULT_FRACTIONS: Mapping[str, float] = {"train": 0.7, "val": 0.1, "test": 0.2}
"""The paper chose its epoch on its validation part and reported that part; here the choice is made on `val` and the
report on `test`."""


@dataclass(frozen=True)
class Split:
    """Which items belong to which part, and how that was decided."""

    seed: int
    fractions: Mapping[str, float]
    parts: Mapping[str, tuple[int, ...]] = field(repr=False)

    def subset(self, dataset: Dataset, part: str) -> Dataset:
        """Return one part of the dataset that was split; "all" is the dataset itself.

        Raises:
            UsageProblem: If there is no such part.
        """
        if part == "all":
            return dataset
        if part not in self.parts:
            raise UsageProblem(f"There is no part {part!r}; choose from {', '.join(self.parts)} or all.")
        return Subset(dataset, self.parts[part], name=f"{dataset.name}#{part}")


def split_dataset(
    dataset: Dataset, *, seed: int = 0, fractions: Mapping[str, float] = DEFAULT_FRACTIONS
) -> Split:
    """Split a dataset by groups.

    Within each stratum the groups are ordered by a hash of (seed, group), which no file system and no random
    generator's version can change, and dealt to train, val and test by the fractions, in this order whatever the
    order of the mapping: a split must survive being stored as JSON.

    Raises:
        UsageProblem: If a part has another name, or the fractions do not add up to one.
        DatasetError: If a part stays empty.
    """
    if not set(fractions) <= set(PARTS):
        raise UsageProblem(f"The parts of a split are {', '.join(PARTS)}; got {', '.join(fractions)}.")
    # Written so that NaN fails.
    if not (abs(sum(fractions.values()) - 1) <= 1e-9 and all(value > 0 for value in fractions.values())):
        raise UsageProblem(
            f"The fractions of a split must be positive and add up to 1, got {dict(fractions)}."
        )
    fractions = {part: fractions[part] for part in PARTS if part in fractions}
    parts: dict[str, list[int]] = {part: [] for part in fractions}
    for groups in _groups_by_stratum(dataset).values():
        names = sorted(groups, key=lambda group: _rank(seed, group))
        for part, chosen in _deal(names, fractions).items():
            parts[part] += [index for group in chosen for index in groups[group]]
    for part, indices in parts.items():
        if not indices:
            raise DatasetError(
                f"The {part} part of {dataset.name} would be empty: {len(dataset)} images are too few.",
                remedy="Add images, or use --split all to evaluate on everything.",
            )
    return Split(seed, dict(fractions), {part: tuple(sorted(indices)) for part, indices in parts.items()})


def _groups_by_stratum(dataset: Dataset) -> dict[str, dict[str, list[int]]]:
    members: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(dataset.items):
        members[item.group].append(index)
    strata: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for group, indices in members.items():
        stratum = min(dataset.items[index].stratum for index in indices)
        strata[stratum][group] = indices
    return strata


def _rank(seed: int, group: str) -> str:
    return hashlib.sha256(f"{seed}/{group}".encode()).hexdigest()


def _deal(names: list[str], fractions: Mapping[str, float]) -> dict[str, list[str]]:
    dealt: dict[str, list[str]] = {}
    start, share = 0, 0.0
    for part, fraction in fractions.items():
        share += fraction
        end = round(share * len(names))
        dealt[part] = names[start:end]
        start = end
    return dealt
