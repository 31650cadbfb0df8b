"""DI-Net's own training against end-to-end, and against plain cross-entropy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit.train.ablations import train_end_to_end, weigh_alike
from edgekit.train.recipe import ExitWeights, Objective, plan_phases
from edgekit.train.recipe_checks import require_possible
from edgekit.train.recipes import get_recipe
from edgekit_runtime.errors import UsageProblem

DINET = get_recipe("dinet", "paper")


def weights_of(recipe: object) -> list[ExitWeights | None]:
    return [one.objective.exits for one in plan_phases(recipe)]


def test_end_to_end_trains_every_exit_in_one_phase() -> None:
    once = train_end_to_end(DINET)
    require_possible(once)
    assert weights_of(once) == [ExitWeights((1.0, 1.0, 0.5, 0.25), (0.25, 0.5, 1.0, 1.0))]
    assert once.total_epochs == DINET.epochs


def test_plain_weights_leave_out_what_a_phase_leaves_out() -> None:
    plain = weigh_alike(DINET)
    last, early = (0.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0, 0.0)
    assert weights_of(plain) == [ExitWeights(last, last), ExitWeights(early, early)]
    ones = (1.0,) * 4
    assert weights_of(train_end_to_end(plain)) == [ExitWeights(ones, ones)]


def test_an_exit_that_weighs_one_kind_of_image_alone_is_trained_for_both() -> None:
    one_kind = ExitWeights((0.0, 1.0, 0.0, 0.5), (0.5, 0.0, 0.0, 0.5))
    recipe = replace(DINET, objective=Objective("ce", exits=one_kind), phases=())
    assert weights_of(weigh_alike(recipe)) == [ExitWeights((1.0, 1.0, 0.0, 1.0), (1.0, 1.0, 0.0, 1.0))]


def test_recipes_without_exits_have_neither() -> None:
    resnet = get_recipe("resnet", "paper")
    with pytest.raises(UsageProblem, match="one phase already"):
        train_end_to_end(resnet)
    with pytest.raises(UsageProblem, match="weighs no exits"):
        weigh_alike(resnet)
