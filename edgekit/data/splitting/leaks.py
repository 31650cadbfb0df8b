"""Leaks between given parts: images of one thing, or copies of one picture, on both sides of a split."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from edgekit.data.contract import Dataset
from edgekit.data.splitting.duplicates import Duplicate, find_near_duplicates, merge_names, turn_back
from edgekit.data.splitting.perceptual_hash import ORIENTATIONS
from edgekit.data.splitting.splits import PARTS
from edgekit.reporting import Reporter

_PART_NAMES = {"train": "train|training", "val": "val|valid|validation", "test": "test|testing"}
_PATTERNS = {
    part: re.compile(f"({names})([0-9]{{4}})?", re.IGNORECASE) for part, names in _PART_NAMES.items()
}
"""As folders are called; COCO adds the year."""


@dataclass(frozen=True)
class Leak:
    """An image of a later part that an earlier part shows too.

    Attributes:
        first: Index of an item of the earlier part, the most alike of all.
        second: Index of the item of the later part.
        parts: The two parts, such as ("train", "test").
        same_group: Whether the dataset puts both into one group.
        correlation: How alike the two are, from 0.85 to 1; None where only their group says so.
        orientation: One of `ORIENTATIONS`: what turns the first into the second; None where only their group says so.
        exact: Whether every pixel is equal as they stand.
    """

    first: int
    second: int
    parts: tuple[str, str]
    same_group: bool
    correlation: float | None
    orientation: str | None
    exact: bool


def given_parts(dataset: Dataset) -> dict[str, tuple[int, ...]]:
    """Return the split that the items' names give: the first component that is a part's name decides.

    "Class6/Train/0001" is of train, "images/validation/7" of val; "train2017" counts too, in any case of letters.

    Returns:
        Part → indices, in the order train, val, test; {} unless two parts are named or more. Items whose names give no
        part are left out.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(dataset.items):
        for component in item.name.split("/"):
            part = next((part for part in PARTS if _PATTERNS[part].fullmatch(component)), None)
            if part is not None:
                found[part].append(index)
                break
    return {part: tuple(found[part]) for part in PARTS if part in found} if len(found) >= 2 else {}


def find_leaks(
    dataset: Dataset,
    parts: Mapping[str, Sequence[int]],
    *,
    found: Sequence[Duplicate] | None = None,
    reporter: Reporter | None = None,
) -> tuple[Leak, ...]:
    """Return the images of each part that an earlier part shows too: one leak per image and earlier part.

    Args:
        dataset: Whose items the parts hold.
        parts: Part → indices, the part that is trained on first.
        found: What `find_near_duplicates` found, where it ran already; () leaves only the groups.
        reporter: Where progress goes.

    Raises:
        FrameError: If an image cannot be read.
        MaskError: If a mask does not fit its image.
    """
    items, relations = dataset.items, _Relations(dataset, found, reporter)
    leaks = []
    for earlier, later in combinations(parts, 2):
        known = set(parts[earlier])
        for second in sorted(parts[later]):
            related = [relation for relation in relations.of(second) if relation.other in known]
            if related:
                closest = min(related, key=lambda relation: (-relation.likeness, items[relation.other].name))
                leaks.append(_make_leak(dataset, closest, second, (earlier, later)))
    return tuple(leaks)


@dataclass(frozen=True)
class _Relation:
    """How another item is related to one: alike, or (likeness 0) of one group only."""

    other: int
    likeness: float
    orientation: str | None
    exact: bool


class _Relations:
    """Which items are related: copies, copies of exact copies, and those of one group."""

    def __init__(
        self, dataset: Dataset, found: Sequence[Duplicate] | None, reporter: Reporter | None
    ) -> None:
        items = dataset.items
        if found is None:
            found = find_near_duplicates(dataset, reporter=reporter) if dataset.may_hold_duplicates else ()
        exact = [(items[pair.first].name, items[pair.second].name) for pair in found if pair.exact]
        picture = merge_names((item.name for item in items), exact)
        self._pictures = [picture[item.name] for item in items]
        self._groups = [item.group for item in items]
        self._showing: dict[str, list[int]] = defaultdict(list)
        self._grouped: dict[str, list[int]] = defaultdict(list)
        for index in range(len(items)):
            self._showing[self._pictures[index]].append(index)
            self._grouped[self._groups[index]].append(index)
        self._like: dict[str, list[tuple[str, Duplicate]]] = defaultdict(list)
        for pair in found:
            if not pair.exact:
                first, second = self._pictures[pair.first], self._pictures[pair.second]
                self._like[second].append((first, pair))
                self._like[first].append((second, turn_back(pair)))

    def of(self, index: int) -> Iterator[_Relation]:
        """Yield the relations of an item, with what turns the other one into it."""
        for other in self._grouped[self._groups[index]]:
            yield _Relation(other, 0.0, None, False)
        for other in self._showing[self._pictures[index]]:
            yield _Relation(other, 1.0, ORIENTATIONS[0], True)
        for picture, pair in self._like[self._pictures[index]]:
            for other in self._showing[picture]:
                yield _Relation(other, pair.correlation, pair.orientation, False)


def _make_leak(dataset: Dataset, relation: _Relation, second: int, parts: tuple[str, str]) -> Leak:
    same_group = dataset.items[relation.other].group == dataset.items[second].group
    alike = relation.likeness if relation.orientation else None
    return Leak(relation.other, second, parts, same_group, alike, relation.orientation, relation.exact)
