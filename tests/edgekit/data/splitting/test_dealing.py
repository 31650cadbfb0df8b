"""Shares of images hold in each stratum and in total, for groups of any size."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data.splitting.dealing import deal_to_folds, deal_to_parts

FRACTIONS = {"train": 0.7, "val": 0.1, "test": 0.2}


def name_groups(sizes: list[list[int]]) -> list[dict[str, int]]:
    return [{f"{s}-{g}": size for g, size in enumerate(groups)} for s, groups in enumerate(sizes)]


def count_images(stratum: dict[str, int], part_of: dict) -> Counter:
    counts: Counter = Counter()
    for name, size in stratum.items():
        counts[part_of[name]] += size
    return counts


@given(
    count=st.integers(1, 300),
    fractions=st.sampled_from(
        [FRACTIONS, {"train": 0.6, "val": 0.2, "test": 0.2}, {"train": 0.75, "test": 0.25}, {"test": 1.0}]
    ),
)
def test_single_images_of_one_stratum_are_cut_where_they_always_were(count: int, fractions: dict) -> None:
    stratum = {str(n): 1 for n in range(count)}
    expected, start, share = {}, 0, 0.0
    for part, fraction in fractions.items():
        share += fraction
        expected |= {str(n): part for n in range(start, round(share * count))}
        start = round(share * count)
    if set(expected.values()) == set(fractions):  # else a part got nothing, which is made good
        assert deal_to_parts([stratum], fractions) == expected


@given(counts=st.lists(st.integers(1, 12), min_size=1, max_size=20))
@settings(deadline=None)
def test_single_images_keep_to_their_share_in_each_stratum_and_in_total(counts: list[int]) -> None:
    strata = name_groups([[1] * count for count in counts])
    part_of = deal_to_parts(strata, FRACTIONS)
    total: Counter = Counter()
    for stratum in strata:
        dealt = count_images(stratum, part_of)
        total += dealt
        # One more where a part that got nothing was given an image of another.
        assert all(abs(dealt[part] - share * len(stratum)) <= 2 + 1e-9 for part, share in FRACTIONS.items())
    assert all(abs(total[part] - share * sum(counts)) <= 2 + 1e-9 for part, share in FRACTIONS.items())


def test_small_strata_do_not_all_land_in_train() -> None:
    strata = name_groups([[1]] * 20)
    dealt = Counter(deal_to_parts(strata, FRACTIONS).values())
    assert dealt == {"train": 14, "val": 2, "test": 4}


@given(
    sizes=st.lists(
        st.lists(st.sampled_from([1, 2, 3, 6, 6, 7]), min_size=30, max_size=60), min_size=1, max_size=5
    )
)
@settings(max_examples=50, deadline=None)
def test_groups_of_unequal_size_are_dealt_by_their_images(sizes: list[list[int]]) -> None:
    strata = name_groups(sizes)
    part_of = deal_to_parts(strata, FRACTIONS)
    images = sum(map(sum, sizes))
    total: Counter = Counter()
    for stratum in strata:
        assert set(stratum) <= set(part_of)
        total += count_images(stratum, part_of)
    assert all(abs(total[part] - share * images) <= 7 for part, share in FRACTIONS.items())


@pytest.mark.parametrize("place", [0, 13, 40])
def test_a_huge_group_leaves_something_for_every_part(place: int) -> None:
    names = [f"single-{n}" for n in range(40)]
    names.insert(place, "huge")
    stratum = {name: 60 if name == "huge" else 1 for name in names}
    part_of = deal_to_parts([stratum], FRACTIONS)
    assert part_of["huge"] == "train"
    assert count_images(stratum, part_of) == {"train": 70, "val": 10, "test": 20}


def test_a_kind_with_few_large_groups_is_in_every_part_that_wants_one() -> None:
    # As the cracks of Magnetic Tile: seven tiles, 47 images; 4.7 and 9.4 are wanted to choose and to test.
    cracks = {f"tile-{n}": size for n, size in enumerate([6, 6, 12, 6, 6, 6, 5])}
    others = {f"other-{n}": 6 for n in range(9)}
    counts = count_images(cracks, deal_to_parts([others, cracks], FRACTIONS))
    assert all(counts[part] >= 5 for part in FRACTIONS)


def test_many_small_strata_of_large_groups_fill_every_part() -> None:
    strata = name_groups([[6, 6]] * 20)
    part_of = deal_to_parts(strata, FRACTIONS)
    total = sum((count_images(stratum, part_of) for stratum in strata), Counter())
    assert all(abs(total[part] - share * 240) <= 6 for part, share in FRACTIONS.items())


def test_the_largest_groups_are_not_always_trained_on() -> None:
    found = set()
    for place in range(50):
        sizes = [2] * 50
        sizes[place] = 6
        found.add(deal_to_parts(name_groups([sizes]), FRACTIONS)[f"0-{place}"])
    assert found == set(FRACTIONS)


@given(
    sizes=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=30), min_size=1, max_size=6),
    folds=st.integers(3, 7),
)
def test_folds_are_balanced_in_each_stratum(sizes: list[list[int]], folds: int) -> None:
    strata = name_groups(sizes)
    fold_of = deal_to_folds(strata, folds)
    for stratum in strata:
        counts = count_images(stratum, fold_of)
        found = [counts[fold] for fold in range(folds)]
        assert max(found) - min(found) <= max(stratum.values())


@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=20), folds=st.integers(3, 7))
def test_folds_of_single_images_differ_by_one_in_total(counts: list[int], folds: int) -> None:
    strata = name_groups([[1] * count for count in counts])
    counted = Counter(deal_to_folds(strata, folds).values())
    totals = [counted[fold] for fold in range(folds)]
    assert max(totals) - min(totals) <= 1


@pytest.mark.parametrize("count", range(3, 13))
def test_no_part_is_empty_where_there_are_groups_enough(count: int) -> None:
    sizes = {f"g{number}": 1 for number in range(count)}
    dealt = deal_to_parts([sizes], {"train": 0.7, "val": 0.1, "test": 0.2})
    assert set(dealt.values()) == {"train", "val", "test"}
    assert dealt.keys() == sizes.keys()


def test_two_groups_leave_a_part_empty() -> None:
    dealt = deal_to_parts([{"a": 4, "b": 1}], {"train": 0.7, "val": 0.1, "test": 0.2})
    assert len(set(dealt.values())) == 2
