from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_export.precision.choosing import MOST_ATTEMPTS, choose_layers, describe_drop
from edgekit_runtime.errors import GateFailed

ORDER = tuple("abcdefgh")


class Meter:
    """Adds what each layer loses, and remembers what it was asked."""

    def __init__(self, losses):
        self.losses = losses
        self.asked = []

    def __call__(self, layers):
        self.asked.append(layers)
        return sum(self.losses[name] for name in layers)


def test_all_layers_where_they_lose_little():
    meter = Meter(dict.fromkeys(ORDER, 0.01))
    choice = choose_layers(ORDER, meter, 0.5)
    assert (choice.layers, choice.left, len(meter.asked)) == (frozenset(ORDER), (), 1)
    assert choice.drop == pytest.approx(0.08)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(losses=st.lists(st.floats(0, 3), min_size=1, max_size=60), max_drop=st.floats(0, 20))
def test_as_few_as_possible_are_left(losses, max_drop):
    names = [str(index) for index in range(len(losses))]
    meter = Meter(dict(zip(names, losses, strict=True)))
    least = next((left for left in range(len(names)) if meter(frozenset(names[left:])) <= max_drop), None)
    meter.asked.clear()
    if least is None:
        with pytest.raises(GateFailed):
            choose_layers(names, meter, max_drop)
        assert len(meter.asked) <= MOST_ATTEMPTS
    else:
        choice = choose_layers(names, meter, max_drop)
        assert choice.left == tuple(names[:least])
        assert choice.layers == frozenset(names[least:])
        assert choice.layers in meter.asked
        assert choice.drop == meter(choice.layers) <= max_drop
        assert len(meter.asked) <= 3 + math.ceil(math.log2(len(names) + 1))


def test_where_bisection_finds_nothing_the_numbers_that_it_passed_over_are_tried():
    drops = {8: 0.17, 7: 0.1, 6: -0.02, 5: 0.05, 4: 0.03, 3: 0.07, 2: 0.01, 1: 1e-6}
    choice = choose_layers(ORDER, lambda layers: drops[len(layers)], 0.0)
    assert (len(choice.layers), choice.drop) == (6, -0.02)


@pytest.mark.parametrize(
    ("drop", "words"),
    [
        (0.174, "loses 0.17 points"),
        (-0.02, "gains 0.02 points"),
        (0.0, "loses 0.00 points"),
        (4e-6, "loses 4e-06 points"),
    ],
)
def test_a_drop_in_words(drop, words):
    assert describe_drop(drop) == words


def test_what_is_returned_was_measured_where_losses_are_not_monotonic():
    drops = {8: 2.0, 7: 0.1, 6: 0.9, 5: 0.9, 4: 0.4, 3: 0.2, 2: 0.2, 1: 0.2}
    choice = choose_layers(ORDER, lambda layers: drops[len(layers)], 0.5)
    assert drops[len(choice.layers)] <= 0.5
    assert choice.drop == drops[len(choice.layers)]


def test_one_layer_too_many_is_a_gate_with_the_best_that_was_reached():
    with pytest.raises(
        GateFailed,
        match=r"more than 0\.5 points .* 1 of 8 layers in it; with 1 the metric loses 3\.00 points",
    ) as caught:
        choose_layers(ORDER, Meter(dict.fromkeys(ORDER, 3.0)), 0.5)
    assert caught.value.exit_code == 3
    assert "--max-drop" in caught.value.remedy


def test_nan_is_no_small_loss():
    with pytest.raises(GateFailed, match="nan points"):
        choose_layers(ORDER, lambda layers: math.nan, 0.5)
    choice = choose_layers(ORDER, lambda layers: math.nan if "a" in layers else 0.0, 0.5)
    assert choice.left == ("a",)


def test_a_network_without_such_a_layer():
    with pytest.raises(GateFailed, match="No layer"):
        choose_layers((), Meter({}), 0.5)
