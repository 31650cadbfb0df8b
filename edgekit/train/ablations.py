"""The two ways of training a network with early exits that DI-Net's Table 4 compares its own with."""

from __future__ import annotations

from dataclasses import replace

from edgekit.train.recipe import ExitWeights, Objective, Recipe
from edgekit_runtime.errors import UsageProblem


def train_end_to_end(recipe: Recipe) -> Recipe:
    """Return the recipe as one phase that trains every exit at once, by the recipe's own objective.

    Raises:
        UsageProblem: If it is one phase already.
    """
    if not recipe.phases:
        raise UsageProblem(
            f"The recipe {recipe.name} trains everything in one phase already.",
            remedy="Leave --end-to-end out, or take a model with early exits, such as dinet.",
        )
    return replace(recipe, phases=())


def weigh_alike(recipe: Recipe) -> Recipe:
    """Return the recipe with the weight 1 for every exit that it weighs: plain cross-entropy.

    Exits that a phase leaves out stay left out.

    Raises:
        UsageProblem: If it weighs no exits.
    """
    if recipe.objective.exits is None:
        raise UsageProblem(
            f"The recipe {recipe.name} weighs no exits: its models answer once.",
            remedy="Leave --exit-weights out, or take a model with early exits, such as dinet.",
        )
    phases = tuple(
        phase if phase.objective is None else replace(phase, objective=_level(phase.objective))
        for phase in recipe.phases
    )
    return replace(recipe, objective=_level(recipe.objective), phases=phases)


def _level(objective: Objective) -> Objective:
    if objective.exits is None:
        return objective
    pairs = zip(objective.exits.normal, objective.exits.defective, strict=True)
    level = tuple(1.0 if normal or defective else 0.0 for normal, defective in pairs)
    return replace(objective, exits=ExitWeights(level, level))
