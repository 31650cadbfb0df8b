"""Learning rates and optimisers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.train.optimisation import learning_rate_at, make_optimiser, set_learning_rate
from edgekit.train.recipe import Course, Optimiser, Recipe
from edgekit.train.recipes import get_recipe

PAPER = get_recipe("cheapnet", "paper")


def rates_of(recipe: Recipe, steps: int) -> list[float]:
    """Every step's rate over a whole run."""
    return [
        learning_rate_at(recipe, epoch, step, steps)
        for epoch in range(recipe.epochs)
        for step in range(steps)
    ]


def make_run(course: Course, *, epochs: int, largest: float = 0.1) -> Recipe:
    return replace(PAPER, epochs=epochs, course=course, optimiser=Optimiser("sgd", largest))


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 0.01), (59, 0.01), (60, 0.001), (89, 0.001), (90, 0.0001), (119, 0.0001)]
)
def test_the_rate_falls_after_the_papers_milestones(epoch: int, rate: float) -> None:
    assert (
        learning_rate_at(PAPER, epoch, 0, 10) == learning_rate_at(PAPER, epoch, 9, 10) == pytest.approx(rate)
    )


def test_steps_agree_with_torchs_own_scheduler() -> None:
    optimiser = make_optimiser(PAPER.optimiser, nn.Linear(1, 1))
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimiser, PAPER.course.milestones, PAPER.course.gamma)
    for epoch in range(PAPER.epochs):
        assert learning_rate_at(PAPER, epoch, 3, 7) == pytest.approx(scheduler.get_last_lr()[0])
        optimiser.step()
        scheduler.step()


@settings(max_examples=40, deadline=None)
@given(epochs=st.integers(1, 8), steps=st.integers(1, 25), largest=st.floats(1e-5, 10))
def test_one_cycle_agrees_with_torchs_own_at_every_step(epochs: int, steps: int, largest: float) -> None:
    recipe = make_run(Course("one-cycle"), epochs=epochs, largest=largest)
    optimiser = make_optimiser(recipe.optimiser, nn.Linear(1, 1))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=largest, total_steps=epochs * steps)
    for place, rate in enumerate(rates_of(recipe, steps)):
        assert rate == pytest.approx(scheduler.get_last_lr()[0], rel=1e-9), place
        optimiser.step()
        if place + 1 < epochs * steps:
            scheduler.step()


def test_one_cycle_rises_over_three_tenths_and_ends_near_0() -> None:
    rates = rates_of(make_run(Course("one-cycle"), epochs=10), 10)
    assert rates[0] == pytest.approx(0.1 / 25)
    assert rates.index(max(rates)) == 29
    assert max(rates) == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.1 / 25 / 1e4)


@settings(max_examples=40, deadline=None)
@given(epochs=st.integers(1, 9), warmup=st.integers(0, 9), steps=st.integers(1, 20))
def test_cosine_by_its_formula(epochs: int, warmup: int, steps: int) -> None:
    warmup = min(warmup, epochs)
    rising, whole = warmup * steps, epochs * steps
    rates = rates_of(make_run(Course("cosine", warmup_epochs=warmup), epochs=epochs), steps)
    for place, rate in enumerate(rates):
        if place < rising:
            expected = 0.1 * (place + 1) / rising
        else:
            expected = 0.1 * 0.5 * (1 + math.cos(math.pi * (place - rising) / (whole - rising)))
        assert rate == pytest.approx(expected, rel=1e-9)
        assert 0 < rate <= 0.1 * (1 + 1e-12)


def test_cosine_begins_above_0_peaks_after_the_warm_up_and_ends_near_0() -> None:
    rates = rates_of(make_run(Course("cosine", warmup_epochs=2), epochs=10), 10)
    assert rates[0] == pytest.approx(0.1 / 20)
    assert rates[19] == rates[20] == pytest.approx(0.1)
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[-1] < 0.1 * 1e-3


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        (Optimiser("adam", 0.1, weight_decay=0.01), torch.optim.Adam),
        (Optimiser("adamw", 0.1, weight_decay=0.01), torch.optim.AdamW),
        (Optimiser("sgd", 0.1, momentum=0.9, weight_decay=0.01), torch.optim.SGD),
    ],
)
def test_an_optimiser_is_torchs_with_the_choice_over_all_trained_parameters(
    choice: Optimiser, kind: type[torch.optim.Optimizer]
) -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    network[0].bias.requires_grad_(False)
    optimiser = make_optimiser(choice, network)
    assert type(optimiser) is kind
    [group] = optimiser.param_groups
    assert (group["lr"], group["weight_decay"], group.get("momentum", choice.momentum)) == (
        0.1,
        0.01,
        choice.momentum,
    )
    trained = {id(parameter) for parameter in network.parameters() if parameter.requires_grad}
    assert {id(parameter) for parameter in group["params"]} == trained
    set_learning_rate(optimiser, 0.5)
    assert {group["lr"] for group in optimiser.param_groups} == {0.5}
