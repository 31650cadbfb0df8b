"""Which stratum a group of images counts for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from edgekit.data.contract import Item


def share_strata(items: Sequence[Item]) -> tuple[Item, ...]:
    """Give all items of a group one stratum: the rarest of theirs, the first by name of equally rare ones.

    A group lies in one part of a split, so it can count for one stratum only. The rare one (a tile that is defective
    under one of six exposures) is the one that a part may come to lack.
    """
    count = Counter(item.stratum for item in items)
    strata: dict[str, str] = {}
    for item in items:
        strata[item.group] = min(
            item.stratum, strata.get(item.group, item.stratum), key=lambda name: (count[name], name)
        )
    return tuple(replace(item, stratum=strata[item.group]) for item in items)
