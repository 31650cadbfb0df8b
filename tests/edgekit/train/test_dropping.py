"""What dropout draws follows from the place in the run."""

from __future__ import annotations

import itertools

import torch

from edgekit.train.dropping import Place, draw_by_place

CPU = torch.device("cpu")


def draw(place: Place | None, shard: int = 0) -> torch.Tensor:
    with draw_by_place(place, shard, CPU):
        return torch.nn.functional.dropout(torch.ones(64), 0.5)


def test_a_place_draws_the_same_and_every_other_place_something_else() -> None:
    places = [
        ((0, 0, 0), 0),
        ((1, 0, 0), 0),
        ((0, 1, 0), 0),
        ((0, 0, 1), 0),
        ((0, 0, 0), 1),
        ((2**63 - 1, 9, 9), 3),
    ]
    drawn = [draw(*place) for place in places]
    for first, second in itertools.combinations(drawn, 2):
        assert not torch.equal(first, second)
    for place, before in zip(places, drawn, strict=True):
        assert torch.equal(draw(*place), before)


def test_the_callers_random_state_stays() -> None:
    before = torch.random.get_rng_state()
    draw((0, 0, 0))
    assert torch.equal(torch.random.get_rng_state(), before)
    draw(None)
    assert not torch.equal(torch.random.get_rng_state(), before)
    torch.random.set_rng_state(before)
