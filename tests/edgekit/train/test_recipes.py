"""Recipes: the papers' numbers, and the way through JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edgekit.models import MODELS
from edgekit.train.augmentation import AUGMENTATIONS
from edgekit.train.losses import CLASSIFYING, SEGMENTING
from edgekit.train.optimisation import COURSES, OPTIMISERS
from edgekit.train.recipe import SCHEDULES, Course, ExitWeights, Optimiser, Recipe, plan_phases
from edgekit.train.recipe_checks import require_possible
from edgekit.train.recipes import RECIPES, get_recipe
from edgekit_runtime.errors import UsageProblem


@pytest.mark.parametrize("key", list(RECIPES), ids="/".join)
def test_every_recipe_survives_json_and_can_be_trained(key: tuple[str, str]) -> None:
    recipe = RECIPES[key]
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert (recipe.name, recipe.schedule) == key
    assert recipe.optimiser.name in OPTIMISERS
    assert recipe.course.name in COURSES
    assert recipe.objective.name in {**SEGMENTING, **CLASSIFYING}
    assert set(recipe.augmentation) <= set(AUGMENTATIONS)
    assert all(0 < milestone < recipe.epochs for milestone in recipe.course.milestones)
    assert recipe.source
    require_possible(recipe)


def test_every_model_has_every_schedule_of_its_recipe_with_a_loss_of_its_task() -> None:
    losses = {"segment": SEGMENTING, "classify": CLASSIFYING}
    for spec in MODELS:
        for schedule in SCHEDULES:
            recipe = get_recipe(spec.recipe, schedule)
            assert recipe.schedule == schedule
            assert recipe.objective.name in losses[spec.task], spec.name


def test_short_schedules_say_that_their_learning_rate_was_rescaled() -> None:
    for (name, schedule), recipe in RECIPES.items():
        if schedule == "short":
            assert recipe.optimiser.learning_rate != get_recipe(name, "paper").optimiser.learning_rate
            assert "rescaled" in recipe.source, name


def test_the_papers_numbers() -> None:
    cheapnet = get_recipe("cheapnet", "paper")
    assert (cheapnet.epochs, cheapnet.batch_size) == (120, 8)
    assert (cheapnet.course.name, cheapnet.course.milestones, cheapnet.course.gamma) == (
        "steps",
        (60, 90),
        0.1,
    )
    assert (cheapnet.optimiser.name, cheapnet.optimiser.learning_rate) == ("adam", 0.01)
    assert cheapnet.objective.name == "bce"
    assert cheapnet.sampling.crop_px is None
    unet = get_recipe("unet", "paper")
    assert (unet.epochs, unet.batch_size, unet.objective.name) == (600, 16, "dice-bce")
    assert (unet.optimiser.name, unet.optimiser.learning_rate) == ("sgd", 3e-4)
    assert (unet.optimiser.momentum, unet.optimiser.weight_decay) == (0.9, 1e-4)
    half = get_recipe("unet-32", "paper")
    assert (half.epochs, half.batch_size, half.objective.name) == (200, 32, "tversky")
    assert (half.optimiser.name, half.optimiser.learning_rate) == ("adam", 1e-4)
    shuffle = get_recipe("shufflenet", "paper")
    assert (shuffle.epochs, shuffle.batch_size, shuffle.course.name) == (200, 32, "cosine")
    assert (shuffle.course.warmup_epochs, shuffle.objective.name) == (5, "ce")
    for name in ("resnet", "mobilenet", "mobile-di", "dinet"):
        recipe = get_recipe(name, "paper")
        assert (recipe.epochs, recipe.batch_size, recipe.course) == (30, 32, Course("steps"))
        assert recipe.optimiser == Optimiser("sgd", 1e-3, momentum=0.9)


@pytest.mark.parametrize("name", ["dinet", "mobile-di"])
def test_networks_with_exits_are_trained_in_two_phases_whatever_the_schedule(name: str) -> None:
    for schedule in SCHEDULES:
        recipe = get_recipe(name, schedule)
        assert [(phase.name, phase.trains) for phase in recipe.phases] == [
            ("final", "final"),
            ("early", "early"),
        ]
        weights = [one.objective.exits for one in plan_phases(recipe)]
        assert weights == [
            ExitWeights((0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0)),
            ExitWeights((1.0, 1.0, 0.5, 0.0), (0.25, 0.5, 1.0, 0.0)),
        ]


def test_an_unknown_schedule_names_the_known_ones() -> None:
    with pytest.raises(UsageProblem, match="quick, short, paper"):
        get_recipe("cheapnet", "long")


def test_unknown_fields_are_refused() -> None:
    data = replace(get_recipe("cheapnet", "quick")).to_dict()
    with pytest.raises(ValueError, match="unknown key 'dropout'"):
        Recipe.from_dict({**data, "dropout": 0.5})
