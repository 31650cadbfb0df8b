"""What a recipe may say, and how it is shortened."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.train.recipe import (
    Course,
    Distillation,
    ExitWeights,
    Objective,
    Optimiser,
    Phase,
    Recipe,
    Sampling,
    plan_phases,
    shorten,
)
from edgekit.train.recipe_checks import require_possible
from edgekit.train.recipes import get_recipe
from edgekit_runtime.errors import UsageProblem

PAPER = get_recipe("cheapnet", "paper")
NAN = float("nan")


def weigh(normal: tuple[float, ...], defective: tuple[float, ...]) -> dict[str, Any]:
    return {"objective": Objective("ce", exits=ExitWeights(normal, defective))}


IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "no epoch": ({"epochs": 0}, "epochs"),
    "an empty batch": ({"batch_size": 0}, "batch_size"),
    "no rate": ({"optimiser": Optimiser("adam", 0.0)}, "learning rate"),
    "a rate that is no number": ({"optimiser": Optimiser("adam", NAN)}, "learning rate"),
    "an endless rate": ({"optimiser": Optimiser("adam", float("inf"))}, "learning rate"),
    "momentum 1": ({"optimiser": Optimiser("sgd", 0.1, momentum=1.0)}, "momentum"),
    "negative decay": ({"optimiser": Optimiser("sgd", 0.1, weight_decay=-1.0)}, "weight_decay"),
    "a longer warm-up than the run": ({"course": Course("cosine", warmup_epochs=121)}, "warmup_epochs"),
    "a rate that turns negative": ({"course": Course("steps", (3,), gamma=-0.1)}, "gamma"),
    "no weight": ({"objective": Objective("bce", positive_weight=0.0)}, "positive_weight"),
    "no image": ({"sampling": Sampling(images_per_epoch=-1)}, "images_per_epoch"),
    "more images than memory": ({"sampling": Sampling(images_per_epoch=10**12)}, "images_per_epoch"),
    "no image at all": ({"sampling": Sampling(images_per_epoch=0)}, "images_per_epoch"),
    "a share above 1": ({"sampling": Sampling(defective_share=1.1)}, "defective_share"),
    "a crop of nothing": ({"sampling": Sampling(crop_px=0)}, "crop_px"),
    "a share of crops without crops": ({"sampling": Sampling(crop_on_defect=0.5)}, "--crop"),
    "a share of crops that is no number": ({"sampling": Sampling(crop_on_defect=NAN)}, "crop_on_defect"),
    "an average that never moves": ({"average_decay": 1.0}, "average_decay"),
    "no patience": ({"patience": 0}, "patience"),
    "more than the whole loss": ({"distillation": Distillation(logit_weight=1.5)}, "logit_weight"),
    "negative features": ({"distillation": Distillation(feature_weight=-1.0)}, "feature_weight"),
    "no temperature": ({"distillation": Distillation(temperature=0.0)}, "temperature"),
    "exit weights of two lengths": (weigh((1.0, 1.0), (1.0,)), "exit weights"),
    "a negative exit weight": (weigh((1.0, -1.0), (1.0, 1.0)), "exit weights"),
    "an exit weight that is no number": (weigh((NAN,), (1.0,)), "exit weights"),
    "no exit that counts": (weigh((0.0, 0.0), (0.0, 0.0)), "exit weights"),
    "two phases of one name": ({"phases": (Phase("a", ""), Phase("a", ""))}, "a name of its own"),
    "a phase without a name": ({"phases": (Phase("", ""),)}, "a name of its own"),
    "a phase without epochs": ({"phases": (Phase("a", "", epochs=0),)}, "phase a.*epochs"),
    "a phase without a rate": (
        {"phases": (Phase("a", "", optimiser=Optimiser("adam", 0.0)),)},
        "phase a.*rate",
    ),
}


@pytest.mark.parametrize("case", list(IMPOSSIBLE))
def test_numbers_that_define_no_training_are_refused_by_name(case: str) -> None:
    changes, word = IMPOSSIBLE[case]
    with pytest.raises(UsageProblem, match=word):
        require_possible(replace(PAPER, **changes))


def test_shorten_moves_milestones_and_warm_up_in_proportion() -> None:
    assert shorten(PAPER, 40).course.milestones == (20, 30)
    assert shorten(PAPER, 40).epochs == 40
    shuffle = get_recipe("shufflenet", "paper")
    assert shorten(shuffle, 80).course.warmup_epochs == 2
    assert shorten(PAPER, PAPER.epochs) == PAPER


@given(epochs=st.integers(1, 500))
def test_even_the_shortest_run_begins_with_the_full_rate(epochs: int) -> None:
    shortened: Recipe = shorten(PAPER, epochs)
    assert min(shortened.course.milestones) >= 1
    assert list(shortened.course.milestones) == sorted(shortened.course.milestones)
    require_possible(shortened)


# Phases

PHASED = replace(
    PAPER,
    phases=(
        Phase("first", "", optimiser=Optimiser("sgd", 0.5)),
        Phase("second", "", epochs=10, course=Course("steps", (5,)), objective=Objective("tversky")),
    ),
)


def test_a_phase_takes_from_the_recipe_what_it_does_not_choose() -> None:
    first, second = plan_phases(PHASED)
    assert first == replace(PAPER, optimiser=Optimiser("sgd", 0.5))
    assert second == replace(PAPER, epochs=10, course=Course("steps", (5,)), objective=Objective("tversky"))
    assert plan_phases(PAPER) == (PAPER,)
    assert (PHASED.total_epochs, PAPER.total_epochs) == (130, 120)


def test_every_phase_is_shortened_in_proportion() -> None:
    first, second = plan_phases(shorten(PHASED, 40))
    assert (first.epochs, second.epochs) == (40, 40)
    assert (first.course.milestones, second.course.milestones) == ((20, 30), (20,))
    # What a phase took from the recipe it still takes from there.
    assert shorten(PHASED, 40).phases[0] == PHASED.phases[0]


def test_a_course_of_its_own_is_shortened_where_a_phase_takes_the_recipes_epochs() -> None:
    own = Phase("only", "", course=Course("steps", (PAPER.epochs // 2,)))
    (planned,) = plan_phases(shorten(replace(PAPER, phases=(own,)), 40))
    assert (planned.epochs, planned.course.milestones) == (40, (20,))


def test_a_recipe_in_phases_survives_json() -> None:
    assert Recipe.from_dict(json.loads(json.dumps(PHASED.to_dict()))) == PHASED


def test_recipes_that_were_written_before_there_were_phases_are_read() -> None:
    old = PAPER.to_dict()
    del old["phases"], old["objective"]["exits"]
    assert Recipe.from_dict(old) == PAPER
