"""Which images of a dataset show one picture: exact copies, and copies that were turned, mirrored or re-encoded.

A pair is proposed by its perceptual hashes and confirmed by correlation of small pictures, because hashes alone would
chain plain textures together. What the thresholds rest on, in the best orientation and across the groups that the sets'
own lists give:

| images | pairs | hashes alike | correlation ≥ 0.85 | the next ones |
|---|---|---|---|---|
| NEU-DET, 1,440 | 1,036,080 | 6 | 1: scratches_247 is scratches_232 turned | 0.71, 0.47 |
| NEU-Seg, 721 | 259,560 | 5 | 2: the same, and patches_105 is patches_101 | 0.47 |
| Magnetic Tile, 1,080 | 580,007 | 1,455 | 15, of 5 tiles that are numbered two or three times | 0.85, 0.84 |
| DAGM 2007, 25 | 300 | 3 | 0 | 0.16, 0.15 |

One pair or more of each of these tiles and pictures was looked at, and shows one thing; none chains further than three
tiles. Of the 2,653 pairs of exposures that Magnetic Tile's list does give, 267 look like copies: looking does not
replace a list of groups.

Of copies made from 385 of these images (turned or mirrored, then changed) were found: JPEG of quality 50 and above,
brightness × 0.7, gamma 1.5, half the size: all; JPEG of quality 30, or noise of 5 grey levels: 95 % of the plainest
steel and all others; brightness × 1.2 that saturates: 92 %. Cut or shifted images are not found.

Parts in a fixture look alike without being copies: 0.94 in the middle, up to 0.998, for drawn parts that differ in
texture alone. Hence the crowd rule: where more than `LARGEST_FAMILY` groups hang together, or most of the dataset does,
a pair must also agree in `detail` (drawn parts: 0.80 at most; their copies by JPEG of quality 50: 0.93 at least).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.data.contract import Dataset, Item, View
from edgekit.data.splitting.likeness import Look, look_at_items
from edgekit.data.splitting.pair_search import Pairs, PairSearch
from edgekit.data.splitting.perceptual_hash import ORIENTATIONS
from edgekit.data.strata import share_strata
from edgekit.reporting import Reporter

LARGEST_FAMILY = 16
"""Groups: one picture in its eight orientations, each twice."""


@dataclass(frozen=True)
class Duplicate:
    """Two images that show one picture.

    Attributes:
        first: Index of an item.
        second: Index of a later item.
        distance: Bits in which the perceptual hashes differ.
        correlation: Of the small pictures, from 0.85 to 1, rounded to six decimals.
        orientation: One of `ORIENTATIONS`: what turns the first into the second.
        exact: Whether every pixel is equal as they stand.
    """

    first: int
    second: int
    distance: int
    correlation: float
    orientation: str
    exact: bool


class DuplicatesLinked(View):
    """A dataset whose copies belong to one group each; names, digests and the fingerprint are the source's."""

    def __init__(self, source: Dataset, items: Sequence[Item]) -> None:
        super().__init__(source)
        self.items = tuple(items)


def find_near_duplicates(dataset: Dataset, *, reporter: Reporter | None = None) -> tuple[Duplicate, ...]:
    """Return the pairs of images that show one picture, ordered by index.

    Of several images with equal pixels, each is paired with the first by name only; the others follow from it. The
    pairs, as pairs of names, do not depend on the order of the items.

    Raises:
        FrameError: If an image cannot be read.
        MaskError: If a mask does not fit its image.
    """
    looks = look_at_items(dataset, reporter=reporter or Reporter(quiet=True))
    exact, distinct = _pair_exact_copies(dataset, looks)
    found = [*exact, *_pair_near_copies(dataset, looks, exact, distinct)]
    ordered = [pair if pair.first < pair.second else turn_back(pair) for pair in found]
    return tuple(sorted(ordered, key=lambda pair: (pair.first, pair.second)))


def turn_back(pair: Duplicate) -> Duplicate:
    """Return the pair the other way round, with what turns the second into the first."""
    way = ORIENTATIONS.index(pair.orientation)
    # A quarter turn is undone by three; half turns and mirrored orientations undo themselves.
    back = ORIENTATIONS[{1: 3, 3: 1}.get(way, way)]
    return replace(pair, first=pair.second, second=pair.first, orientation=back)


def link_duplicates(dataset: Dataset, *, reporter: Reporter | None = None) -> Dataset:
    """Return the dataset with copies in one group; itself where there are none or `may_hold_duplicates` is False.

    A merged group has the first of its groups' names and the rarest stratum of its images.

    Raises:
        FrameError: If an image cannot be read.
        MaskError: If a mask does not fit its image.
    """
    if not dataset.may_hold_duplicates:
        return dataset
    items = dataset.items
    found = find_near_duplicates(dataset, reporter=reporter)
    links = [(items[pair.first].group, items[pair.second].group) for pair in found]
    if all(first == second for first, second in links):
        return dataset
    names = merge_names((item.group for item in items), links)
    merged = share_strata([replace(item, group=names[item.group]) for item in items])
    return DuplicatesLinked(dataset, merged)


def merge_names(names: Iterable[str], links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for each name the first, by alphabet, of all names that links lead to (union-find)."""
    parent = {name: name for name in names}

    def root_of(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for first, second in links:
        low, high = sorted((root_of(first), root_of(second)))
        parent[high] = low
    return {name: root_of(name) for name in parent}


def _pair_exact_copies(dataset: Dataset, looks: Sequence[Look]) -> tuple[list[Duplicate], list[int]]:
    """Return the exact pairs, and one index per distinct picture, in an order that only the pixels decide."""
    same: dict[str, list[int]] = defaultdict(list)
    for index in sorted(range(len(looks)), key=lambda index: dataset.items[index].name):
        same[looks[index].pixels].append(index)
    pairs = [
        Duplicate(indices[0], other, 0, 1.0, ORIENTATIONS[0], True)
        for indices in same.values()
        for other in indices[1:]
    ]
    return pairs, [same[pixels][0] for pixels in sorted(same)]


def _pair_near_copies(
    dataset: Dataset, looks: Sequence[Look], exact: Sequence[Duplicate], distinct: Sequence[int]
) -> list[Duplicate]:
    """Return the pairs of distinct pictures that are copies of one another."""
    if not distinct:
        return []
    pairs = PairSearch([looks[index] for index in distinct]).find_pairs()
    groups = [item.group for item in dataset.items]
    merged = merge_names(groups, [(groups[pair.first], groups[pair.second]) for pair in exact])
    return [
        Duplicate(
            distinct[int(pair["first"])],
            distinct[int(pair["second"])],
            int(pair["distance"]),
            float(pair["correlation"]),
            ORIENTATIONS[int(pair["orientation"])],
            False,
        )
        for pair in _thin_crowds(pairs, [merged[groups[index]] for index in distinct])
    ]


def _thin_crowds(pairs: Pairs, groups: Sequence[str]) -> Pairs:
    """Return the pairs, those within a crowd only where fine detail agrees too.

    Args:
        pairs: Of positions in `groups`.
        groups: Of each distinct picture. What is one group anyway counts once.
    """
    codes = np.unique(np.array(groups), return_inverse=True)[1]
    family = np.arange(codes.max() + 1)
    starts = np.flatnonzero(np.diff(pairs["first"], prepend=-1))
    for linked in np.split(pairs, starts[1:]) if len(pairs) else ():
        met = np.unique(family[codes[np.append(linked["second"], linked["first"][0])]])
        if len(met) > 1:
            family[np.isin(family, met)] = met[0]
    size = np.bincount(family, minlength=len(family))
    limit = min(LARGEST_FAMILY, max(len(family) // 2, 2))
    kept: Pairs = pairs[pairs["detailed"] | (size[family[codes[pairs["first"]]]] <= limit)]
    return kept
