"""What each target's rewrites are."""

from __future__ import annotations

import pytest

from edgekit_export.rewriting import REWRITES
from edgekit_export.targets import EXPORT_PRECISIONS, TARGETS, find_target
from edgekit_runtime.errors import UsageProblem


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_says_for_every_precision_which_rewrites_and_each_exists(name: str) -> None:
    target = find_target(name)
    assert set(target.rewrites) == set(EXPORT_PRECISIONS)
    named = {item.rewrite for items in target.rewrites.values() for item in items}
    assert named <= set(REWRITES)


def test_an_unknown_target_is_refused_and_the_known_ones_are_listed() -> None:
    with pytest.raises(UsageProblem, match="no target 'jetson'") as caught:
        find_target("jetson")
    assert all(name in caught.value.remedy for name in TARGETS)
