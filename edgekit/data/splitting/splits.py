"""Seeded splits: groups never part, strata are spread evenly, and the same seed gives the same parts anywhere."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from edgekit.data.contract import Dataset, Subset
from edgekit_runtime.bundle.manifest import SplitInfo
from edgekit_runtime.errors import DatasetError, UsageProblem

PARTS = ("train", "val", "test")

DEFAULT_FRACTIONS: Mapping[str, float] = {"train": 0.7, "val": 0.1, "test": 0.2}
"""The paper chose its epoch on its validation part and reported that part; here the choice is made on `val` and the
report on `test`."""


@dataclass(frozen=True)
class Split:
    """Which items belong to which part, and how that was decided: by fractions, or as one of several folds."""

    seed: int
    fractions: Mapping[str, float] | None
    parts: Mapping[str, tuple[int, ...]] = field(repr=False)
    folds: int | None = None
    fold: int | None = None

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

    def names(self, dataset: Dataset) -> dict[str, list[str]]:
        """Return the sorted names of the items in each part."""
        return {
            part: sorted(dataset.items[index].name for index in indices)
            for part, indices in self.parts.items()
        }

    def info(self, dataset: Dataset) -> SplitInfo:
        """Return what a record keeps of the split."""
        text = json.dumps(self.names(dataset), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        fractions = None if self.fractions is None else dict(self.fractions)
        return SplitInfo(self.seed, fractions, self.folds, self.fold, digest)


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
    for names, groups in _rank_groups(dataset, seed):
        for part, chosen in _deal(names, fractions).items():
            parts[part] += [index for group in chosen for index in groups[group]]
    return Split(seed, dict(fractions), _require_filled(parts, dataset))


def split_into_folds(dataset: Dataset, *, folds: int, fold: int, seed: int = 0) -> Split:
    """Split a small dataset for cross-validation, by groups and strata: k splits, whose test parts cover it once.

    Args:
        dataset: What to split.
        folds: k, at least 3: one fold tests, the next one validates, the others train.
        fold: Which one tests, from 0 to k − 1.
        seed: Orders the groups.

    Raises:
        UsageProblem: If there is no such fold.
        DatasetError: If a part stays empty.
    """
    if folds < 3 or not 0 <= fold < folds:
        raise UsageProblem(
            f"A split needs 3 folds or more and a fold from 0 to one less; got {fold} of {folds}."
        )
    members: list[list[int]] = [[] for _ in range(folds)]
    dealt = 0
    for names, groups in _rank_groups(dataset, seed):
        for name in names:
            # Goes on where the last stratum ended, or small strata would all fill the first folds.
            members[dealt % folds] += groups[name]
            dealt += 1
    rest = [
        index for other in range(folds) if other not in (fold, (fold + 1) % folds) for index in members[other]
    ]
    parts = {"train": rest, "val": members[(fold + 1) % folds], "test": members[fold]}
    return Split(seed, None, _require_filled(parts, dataset), folds, fold)


def split_again(dataset: Dataset, info: SplitInfo) -> Split:
    """Return the split that a record names, made anew from the data.

    Raises:
        UsageProblem: If the record names a split that cannot be.
        DatasetError: If a part stays empty.
    """
    if info.folds is not None and info.fold is not None:
        return split_into_folds(dataset, folds=info.folds, fold=info.fold, seed=info.seed)
    return split_dataset(dataset, seed=info.seed, fractions=info.fractions or DEFAULT_FRACTIONS)


def _require_filled(parts: Mapping[str, list[int]], dataset: Dataset) -> dict[str, tuple[int, ...]]:
    for part, indices in parts.items():
        if not indices:
            raise DatasetError(
                f"The {part} part of {dataset.name} would be empty: {len(dataset)} images are too few.",
                remedy="Add images, or use --split all to evaluate on everything.",
            )
    return {part: tuple(sorted(indices)) for part, indices in parts.items()}


def _rank_groups(dataset: Dataset, seed: int) -> Iterator[tuple[list[str], dict[str, list[int]]]]:
    """Yield per stratum the groups' names in the order that the seed decides, and the groups."""
    for groups in _groups_by_stratum(dataset).values():
        yield sorted(groups, key=lambda group: _rank(seed, group)), groups


def _groups_by_stratum(dataset: Dataset) -> dict[str, dict[str, list[int]]]:
    members: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(dataset.items):
        members[item.group].append(index)
    strata: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for group, indices in members.items():
        stratum = min(dataset.items[index].stratum for index in indices)
        strata[stratum][group] = indices
    return {stratum: strata[stratum] for stratum in sorted(strata)}


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
