"""What no recipe may say: numbers that define no training."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.train.recipe import MOST_IMAGES, ExitWeights, Recipe, plan_phases
from edgekit_runtime.errors import UsageProblem


def require_possible(recipe: Recipe) -> None:
    """Refuse numbers that define no training, of the whole or of one phase.

    Raises:
        UsageProblem: Naming the first of them.
    """
    names = [phase.name for phase in recipe.phases]
    _require(recipe, {"each phase needs a name of its own": all(names) and len(set(names)) == len(names)})
    # Of what the phases replace too: it is what a run without them would take.
    for planned, name in ((recipe, ""), *zip(plan_phases(recipe), names, strict=False)):
        _require(recipe, _conditions(planned), phase=name)


def _require(recipe: Recipe, conditions: Mapping[str, bool], *, phase: str = "") -> None:
    for words, holds in conditions.items():
        if not holds:
            where = f"{recipe.schedule}, phase {phase}" if phase else recipe.schedule
            raise UsageProblem(f"The recipe {recipe.name} ({where}) cannot be trained: {words}.")


def _conditions(recipe: Recipe) -> dict[str, bool]:
    """Return what must hold, in words; each condition is written so that NaN fails."""
    optimiser, sampling, course = recipe.optimiser, recipe.sampling, recipe.course
    share = sampling.defective_share
    distillation = recipe.distillation
    return {
        "epochs must be at least 1": recipe.epochs >= 1,
        "batch_size must be at least 1": recipe.batch_size >= 1,
        "the learning rate must be above 0 and finite": 0 < optimiser.learning_rate < float("inf"),
        "momentum must be in [0, 1)": 0 <= optimiser.momentum < 1,
        "weight_decay must not be negative": 0 <= optimiser.weight_decay < float("inf"),
        "gamma must be above 0 and finite": 0 < course.gamma < float("inf"),
        "warmup_epochs must lie between 0 and the epochs": 0 <= course.warmup_epochs <= recipe.epochs,
        "positive_weight must be above 0": 0 < recipe.objective.positive_weight < float("inf"),
        "exit weights must be one list per kind, equally long, none negative, some above 0": _can_weigh(
            recipe.objective.exits
        ),
        f"images_per_epoch must lie between 1 and {MOST_IMAGES:,}": sampling.images_per_epoch is None
        or 1 <= sampling.images_per_epoch <= MOST_IMAGES,
        "defective_share must be in [0, 1]": share is None or 0 <= share <= 1,
        "crop_px must be at least 1": sampling.crop_px is None or sampling.crop_px >= 1,
        "crop_on_defect must be in [0, 1]": 0 <= sampling.crop_on_defect <= 1,
        "crop_on_defect needs crops (crop_px, --crop)": not sampling.crop_on_defect
        or sampling.crop_px is not None,
        "average_decay must be in (0, 1)": recipe.average_decay is None or 0 < recipe.average_decay < 1,
        "patience must be at least 1": recipe.patience is None or recipe.patience >= 1,
        "logit_weight must be in [0, 1]": distillation is None or 0 <= distillation.logit_weight <= 1,
        "feature_weight must not be negative": distillation is None
        or 0 <= distillation.feature_weight < float("inf"),
        "temperature must be above 0": distillation is None or 0 < distillation.temperature < float("inf"),
    }


def _can_weigh(weights: ExitWeights | None) -> bool:
    if weights is None:
        return True
    every = (*weights.normal, *weights.defective)
    finite = all(0 <= weight < float("inf") for weight in every)
    return len(weights.normal) == len(weights.defective) and finite and any(every)
