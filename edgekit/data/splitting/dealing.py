"""How ranked groups of images are dealt to parts or folds: shares of images hold in each stratum and in total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise, product

Stratum = Mapping[str, int]
"""Group → number of its images, in the order that the seed decided."""

_SLACK = 1e-9
"""Of sums of fractions."""


def deal_to_parts(strata: Sequence[Stratum], fractions: Mapping[str, float]) -> dict[str, str]:
    """Return the part of each group.

    Along the ranked groups of a stratum the parts follow each other, each ending at the group where the images counted
    so far are nearest to the wanted share. What is too much or too little is carried to the next stratum: rounded on
    their own, many small strata would all fall to one part. No part strays from its share of a stratum by more than
    that stratum's largest group, unless too much was carried. Small strata come first: large ones can even out what
    they leave. Groups too large for the smallest share are dealt before the others, each to the part that lacks the
    most images, or one of them could swallow two parts.

    Args:
        strata: One or more.
        fractions: Part → share of the images; they add up to 1.
    """
    part_of: dict[str, str] = {}
    excess = dict.fromkeys(fractions, 0.0)
    for sizes in sorted(strata, key=lambda sizes: sum(sizes.values())):
        wanted = {part: fraction * sum(sizes.values()) for part, fraction in fractions.items()}
        dealt = _deal_bulky(sizes, wanted, excess)
        rest = {name: size for name, size in sizes.items() if name not in dealt}
        dealt |= _cut(rest, _share_out(sum(rest.values()), wanted, sizes, dealt), excess)
        for part in fractions:
            excess[part] += sum(sizes[name] for name, its in dealt.items() if its == part) - wanted[part]
        part_of |= dealt
    return _fill_empty_parts(
        part_of, {name: size for sizes in strata for name, size in sizes.items()}, fractions
    )


def _fill_empty_parts(part_of: dict[str, str], sizes: Stratum, parts: Iterable[str]) -> dict[str, str]:
    """Give a part that got nothing the smallest group of the part with the most, the last of equals.

    Of five images one can validate and one can test, although no rounding of their shares says so.
    """
    for part in parts:
        counts = Counter(part_of.values())
        donor = max(counts, key=lambda name: counts[name])
        if part not in counts and counts[donor] > 1:
            names = [name for name in part_of if part_of[name] == donor]
            part_of[min(reversed(names), key=lambda name: sizes[name])] = part
    return part_of


def deal_to_folds(strata: Sequence[Stratum], folds: int) -> dict[str, int]:
    """Return the fold of each group: the one with the fewest images of the stratum so far, then the fewest of all.

    Larger groups come first, so that the small ones can even out what they leave.
    """
    fold_of: dict[str, int] = {}
    totals = [0] * folds
    for sizes in strata:
        counts = [0] * folds
        for name in sorted(sizes, key=lambda name: -sizes[name]):
            fold = min(range(folds), key=lambda fold: (counts[fold], totals[fold]))
            counts[fold] += sizes[name]
            totals[fold] += sizes[name]
            fold_of[name] = fold
    return fold_of


def _deal_bulky(sizes: Stratum, wanted: Mapping[str, float], excess: Mapping[str, float]) -> dict[str, str]:
    """Deal the groups of more than one image that exceed the smallest share, the largest first.

    A part that wants half of a group or more, and that the small groups could not fill, gets one before others get
    more: a kind of defect that is not in the test part is not measured.
    """
    bulky = {name: size for name, size in sizes.items() if size > max(1.0, min(wanted.values()))}
    small = sum(sizes.values()) - sum(bulky.values())
    lacking = {part: wanted[part] - excess[part] for part in wanted}
    dealt: dict[str, str] = {}
    for name in sorted(bulky, key=lambda name: -bulky[name]):
        half = bulky[name] / 2
        waiting = {part for part in wanted if part not in dealt.values() and wanted[part] >= max(half, small)}
        part = max(lacking, key=lambda part: (part in waiting, round(lacking[part], 6)))
        lacking[part] -= bulky[name]
        dealt[name] = part
    return dealt


def _share_out(
    images: int, wanted: Mapping[str, float], sizes: Stratum, dealt: Mapping[str, str]
) -> dict[str, float]:
    """Return how many of the remaining images each part should have: in proportion to what it still lacks."""
    if not dealt:
        return dict(wanted)
    lacking = {
        part: max(share - sum(sizes[name] for name, its in dealt.items() if its == part), 0.0)
        for part, share in wanted.items()
    }
    total = sum(lacking.values())
    return {part: images * lack / total if total > 0 else 0.0 for part, lack in lacking.items()}


def _cut(sizes: Stratum, wanted: Mapping[str, float], excess: Mapping[str, float]) -> dict[str, str]:
    """Deal the groups in their order, cut where the images so far are nearest to the parts' shares so far."""
    if not sizes:
        return {}
    names, parts = list(sizes), list(wanted)
    filled = [0, *accumulate(sizes.values())]
    shares = list(accumulate(wanted.values()))[:-1]
    carried = list(accumulate(excess.values()))[:-1]
    largest = max(sizes.values()) + _SLACK

    def cost(ends: Sequence[int]) -> tuple[float, int]:
        misses = [
            abs(filled[end] - share + more) for end, share, more in zip(ends, shares, carried, strict=True)
        ]
        # Of two ends equally near, the one that Python's round takes: as splits have been made since the first release.
        return sum(misses), sum(filled[end] != round(share) for end, share in zip(ends, shares, strict=True))

    def is_fair(ends: Sequence[int]) -> bool:
        counts = [filled[high] - filled[low] for low, high in pairwise((0, *ends, len(names)))]
        return all(
            count >= 0 and abs(count - wanted[part]) <= largest
            for count, part in zip(counts, parts, strict=True)
        )

    ends = min(filter(is_fair, product(*(_list_ends(filled, share) for share in shares))), key=cost)
    return {
        name: part
        for part, (low, high) in zip(parts, pairwise((0, *ends, len(names))), strict=True)
        for name in names[low:high]
    }


def _list_ends(filled: Sequence[int], share: float) -> list[int]:
    """Return the one or two numbers of groups whose images lie next to a share, from below and above."""
    below = max((end for end, images in enumerate(filled) if images <= share + _SLACK), default=0)
    return [below] if below == len(filled) - 1 else [below, below + 1]
