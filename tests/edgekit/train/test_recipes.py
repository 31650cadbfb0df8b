"""Recipes: the paper's numbers, and the way through JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edgekit.models import MODELS
from edgekit.train.losses import LOSSES
from edgekit.train.optimisation import OPTIMISERS
from edgekit.train.recipes import RECIPES, SCHEDULES, Recipe, get_recipe
from edgekit_runtime.errors import UsageProblem


@pytest.mark.parametrize("key", list(RECIPES), ids="/".join)
def test_every_recipe_survives_json(key: tuple[str, str]) -> None:
    recipe = RECIPES[key]
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert (recipe.name, recipe.schedule) == key
    assert recipe.optimiser in OPTIMISERS
    assert recipe.loss in LOSSES
    assert all(0 < milestone < recipe.epochs for milestone in recipe.milestones)
    assert recipe.source


def test_every_model_has_every_schedule_of_its_recipe() -> None:
    for spec in MODELS:
        for schedule in SCHEDULES:
            assert get_recipe(spec.recipe, schedule).schedule == schedule


def test_the_papers_numbers() -> None:
    recipe = get_recipe("cheapnet", "paper")
    assert (recipe.epochs, recipe.milestones, recipe.gamma) == (120, (60, 90), 0.1)
    assert (recipe.optimiser, recipe.learning_rate, recipe.batch_size, recipe.loss) == (
        "adam",
        0.01,
        8,
        "bce",
    )
    assert recipe.crop_px is None


def test_an_unknown_schedule_names_the_known_ones() -> None:
    with pytest.raises(UsageProblem, match="quick, short, paper"):
        get_recipe("cheapnet", "long")


def test_unknown_fields_are_refused() -> None:
    data = replace(get_recipe("cheapnet", "quick")).to_dict()
    with pytest.raises(TypeError):
        Recipe.from_dict({**data, "dropout": 0.5})
