"""How often images are judged wrongly, in one way or in several at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.choosing.image_rates import count_wrong_groups, rate_answers, rate_images
from edgekit.evaluation.image_level import JudgedImage
from edgekit.evaluation.rates import Rate

DEFECTIVE = (True, True, True, True, False, False, False, False)
GROUPS = ("a", "a", "b", "c", "c", "d", "d", "e")
flags = st.lists(st.booleans(), min_size=8, max_size=8)


def judge(rejected: list[bool]) -> list[JudgedImage]:
    return [
        JudgedImage(shown, flag, float(flag), 10) for shown, flag in zip(DEFECTIVE, rejected, strict=True)
    ]


@settings(max_examples=20, deadline=None)
@given(st.lists(flags, min_size=1, max_size=3))
def test_answers_that_are_rated_together_are_rated_as_alone(many: list[list[bool]]) -> None:
    answers = [judge(rejected) for rejected in many]
    together = rate_answers(answers, GROUPS, mm_per_px=0.1)
    assert together == [rate_images(judged, GROUPS, mm_per_px=0.1) for judged in answers]


def test_images_of_one_thing_widen_the_interval() -> None:
    judged = judge([False, False, True, True, False, False, False, True])
    rates = rate_images(judged, GROUPS, mm_per_px=None)
    assert (rates.escape, rates.overkill, rates.per_metre) == (Rate(2, 4), Rate(1, 4), None)
    assert count_wrong_groups(judged, GROUPS, defective=True) == (1, 3)
    alone = rate_images(judged, [str(place) for place in range(8)], mm_per_px=None)
    assert alone.escape_interval == Rate(2, 4).interval
    assert rates.escape_interval == (0.0, 1.0)
