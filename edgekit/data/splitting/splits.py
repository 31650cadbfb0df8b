"""Seeded splits: groups and copies never part, strata are spread evenly, one seed gives one split anywhere."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgekit.data.contract import Dataset, Subset
from edgekit.data.splitting.dealing import Stratum, deal_to_folds, deal_to_parts
from edgekit.data.splitting.duplicates import link_duplicates
from edgekit.reporting import Reporter
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
        fractions = None if self.fractions is None else dict(self.fractions)
        return SplitInfo(self.seed, fractions, self.folds, self.fold, digest_names(self.names(dataset)))


def digest_names(names: Mapping[str, Sequence[str]]) -> str:
    """Return the sha256 that a record keeps of the names in each part, which must be sorted."""
    text = json.dumps({part: list(its) for part, its in names.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def split_dataset(
    dataset: Dataset,
    *,
    seed: int = 0,
    fractions: Mapping[str, float] = DEFAULT_FRACTIONS,
    reporter: Reporter | None = None,
) -> Split:
    """Split a dataset by groups, into which copies are drawn first (`link_duplicates`).

    Within each stratum the groups are ordered by a hash of (seed, group), which no file system and no random
    generator's version can change, and dealt to train, val and test by the fractions of images (`deal_to_parts`), in
    this order whatever the order of the mapping: a split must survive being stored as JSON.

    Args:
        dataset: What to split; every image is read once per process, unless they were generated.
        seed: Orders the groups.
        fractions: Part → share of the images.
        reporter: Where progress goes.

    Raises:
        UsageProblem: If a part has another name, or the fractions do not add up to one.
        DatasetError: If a part stays empty.
        FrameError: If an image cannot be read.
        MaskError: If a mask does not fit its image.
    """
    if not set(fractions) <= set(PARTS):
        raise UsageProblem(f"The parts of a split are {', '.join(PARTS)}; got {', '.join(fractions)}.")
    # Written so that NaN fails.
    if not (abs(sum(fractions.values()) - 1) <= 1e-9 and all(value > 0 for value in fractions.values())):
        raise UsageProblem(
            f"The fractions of a split must be positive and add up to 1, got {dict(fractions)}."
        )
    fractions = {part: fractions[part] for part in PARTS if part in fractions}
    groups, strata = _rank_groups(link_duplicates(dataset, reporter=reporter), seed)
    part_of = deal_to_parts(strata, fractions)
    parts: dict[str, list[int]] = {part: [] for part in fractions}
    for group, part in part_of.items():
        parts[part] += groups[group]
    return Split(seed, dict(fractions), _require_filled(parts, dataset, len(groups)))


def split_into_folds(
    dataset: Dataset, *, folds: int, fold: int, seed: int = 0, reporter: Reporter | None = None
) -> Split:
    """Split a small dataset for cross-validation, by groups and strata: k splits, whose test parts cover it once.

    Args:
        dataset: What to split; copies are drawn into one group first, as `split_dataset` does.
        folds: k, at least 3: one fold tests, the next one validates, the others train.
        fold: Which one tests, from 0 to k − 1.
        seed: Orders the groups.
        reporter: Where progress goes.

    Raises:
        UsageProblem: If there is no such fold.
        DatasetError: If a part stays empty.
        FrameError: If an image cannot be read.
        MaskError: If a mask does not fit its image.
    """
    if folds < 3 or not 0 <= fold < folds:
        raise UsageProblem(
            f"A split needs 3 folds or more and a fold from 0 to one less; got {fold} of {folds}."
        )
    groups, strata = _rank_groups(link_duplicates(dataset, reporter=reporter), seed)
    validating = (fold + 1) % folds
    parts: dict[str, list[int]] = {part: [] for part in PARTS}
    for group, its_fold in deal_to_folds(strata, folds).items():
        part = "test" if its_fold == fold else "val" if its_fold == validating else "train"
        parts[part] += groups[group]
    return Split(seed, None, _require_filled(parts, dataset, len(groups)), folds, fold)


def split_again(dataset: Dataset, info: SplitInfo, *, reporter: Reporter | None = None) -> Split:
    """Return the split that a record names, made anew from the data.

    Raises:
        UsageProblem: If the record names a split that cannot be.
        DatasetError: If a part stays empty.
        FrameError: If an image cannot be read.
        MaskError: If a mask does not fit its image.
    """
    if info.folds is not None and info.fold is not None:
        return split_into_folds(dataset, folds=info.folds, fold=info.fold, seed=info.seed, reporter=reporter)
    fractions = info.fractions or DEFAULT_FRACTIONS
    return split_dataset(dataset, seed=info.seed, fractions=fractions, reporter=reporter)


def _require_filled(
    parts: Mapping[str, list[int]], dataset: Dataset, groups: int
) -> dict[str, tuple[int, ...]]:
    for part, indices in parts.items():
        if not indices:
            raise DatasetError(
                f"The {part} part of {dataset.name} would be empty: {len(dataset)} images are too few, in {groups} "
                "groups that must stay together (images of one thing, and copies).",
                remedy="Add images of other things; `edgekit eval --split all` needs no parts.",
            )
    return {part: tuple(sorted(indices)) for part, indices in parts.items()}


def _rank_groups(dataset: Dataset, seed: int) -> tuple[dict[str, list[int]], list[Stratum]]:
    """Return the indices of each group, and per stratum the groups' sizes in the order that the seed decides."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(dataset.items):
        groups[item.group].append(index)
    strata: dict[str, list[str]] = defaultdict(list)
    for group, indices in groups.items():
        strata[min(dataset.items[index].stratum for index in indices)].append(group)
    ranked = [sorted(strata[stratum], key=lambda group: _rank(seed, group)) for stratum in sorted(strata)]
    return groups, [{group: len(groups[group]) for group in names} for names in ranked]


def _rank(seed: int, group: str) -> str:
    # Groups are often called after files, whose names need not be UTF-8.
    return hashlib.sha256(f"{seed}/{group}".encode(errors="surrogateescape")).hexdigest()
