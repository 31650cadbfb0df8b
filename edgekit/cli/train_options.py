"""What a person may change of a recipe: options of `edgekit train` in groups, and the recipe that they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from edgekit.train.recipe import Phase, Recipe

    Choices = TypeVar("Choices", Recipe, Phase)

Command = Callable[..., Any]
SHARE = click.FloatRange(0, 1)

RECIPE_OPTIONS = (
    click.option(
        "--epochs", type=click.IntRange(1), help="Of each phase; milestones and warm-up move in proportion."
    ),
    click.option("--batch-size", type=click.IntRange(1), help="Images per step."),
    click.option("--learning-rate", type=click.FloatRange(0, min_open=True), help="The largest of the run."),
    click.option("--optimiser", type=click.Choice(["adam", "adamw", "sgd"])),
    click.option("--momentum", type=click.FloatRange(0, 1, max_open=True), help="Of sgd."),
    click.option("--weight-decay", type=click.FloatRange(0), help="L2 penalty; decoupled with adamw."),
    click.option(
        "--course", type=click.Choice(["steps", "cosine", "one-cycle"]), help="Of the learning rate."
    ),
    click.option("--loss", type=click.Choice(["bce", "dice", "dice-bce", "tversky", "ce"])),
    click.option(
        "--positive-weight",
        type=click.FloatRange(0, min_open=True),
        help="How much more a defective pixel counts (bce).",
    ),
    click.option("--class-weights", type=click.Choice(["none", "balanced"])),
    click.option(
        "--exit-weights",
        type=click.Choice(["weighted", "plain"]),
        help="weighted: the recipe's, by exit and kind of image. plain: 1 for each exit that is trained.",
    ),
    click.option(
        "--end-to-end", is_flag=True, help="Train every exit at once, in one phase, and not part by part."
    ),
    click.option(
        "--augment",
        "augmentation",
        multiple=True,
        metavar="NAME",
        help="rot90, flip, flips, light, or none; may be given several times.",
    ),
    click.option(
        "--images-per-epoch", type=click.IntRange(1), help="Drawn at random; more than there are repeat."
    ),
    click.option("--defective-share", type=SHARE, help="Of the images of an epoch."),
    click.option("--crop", "crop_px", type=click.IntRange(1), metavar="PX", help="Train on square crops."),
    click.option(
        "--crop-on-defect", type=SHARE, help="Share of a defective image's crops that hold a defect."
    ),
    click.option(
        "--average",
        "average_decay",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        metavar="DECAY",
        help="Keep a moving average of the weights.",
    ),
    click.option(
        "--autocast",
        type=click.Choice(["none", "bfloat16"]),
        help="16-bit forward pass: faster where the processor supports it.",
    ),
    click.option(
        "--patience", type=click.IntRange(1), help="Stop after so many epochs without a better one."
    ),
)

DISTILLATION_OPTIONS = (
    click.option(
        "--distil-logits", type=SHARE, help="Share of the loss that imitates the teacher.  [default: 0.5]"
    ),
    click.option(
        "--distil-features",
        type=click.FloatRange(0),
        help="Weight of the attention maps' distance.  [default: 0]",
    ),
    click.option(
        "--temperature", type=click.FloatRange(0, min_open=True), help="Softens both answers.  [default: 2]"
    ),
)

PLACES = {
    "epochs": "",
    "batch_size": "",
    "augmentation": "",
    "average_decay": "",
    "patience": "",
    "autocast": "",
    "learning_rate": "optimiser",
    "optimiser": "optimiser.name",
    "momentum": "optimiser",
    "weight_decay": "optimiser",
    "course": "course.name",
    "loss": "objective.name",
    "positive_weight": "objective",
    "class_weights": "objective",
    "images_per_epoch": "sampling",
    "defective_share": "sampling",
    "crop_px": "sampling",
    "crop_on_defect": "sampling",
}
"""Option → the part of the recipe that it changes, with the field's name where it is another."""


def recipe_options(command: Command) -> Command:
    """Add every option that changes the recipe."""
    for option in reversed((*RECIPE_OPTIONS, *DISTILLATION_OPTIONS)):
        command = option(command)
    return command


def change_recipe(recipe: Recipe, choices: dict[str, Any], *, taught: bool) -> Recipe:
    """Return the recipe with what was typed.

    Args:
        recipe: The named one.
        choices: Option → value, None where it was not typed.
        taught: Whether a teacher is named.

    Raises:
        UsageProblem: If the choices make no possible recipe, or ask a teacher's part without one.
    """
    from edgekit.train.augmentation import require_augmentations
    from edgekit.train.recipe import shorten
    from edgekit.train.recipe_checks import require_possible
    from edgekit_runtime.errors import UsageProblem

    # By identity: a share of 0 was typed, too.
    typed = {
        name: value
        for name, value in choices.items()
        if value is not None and value is not False and value != ()
    }
    distilling = {
        name: typed.pop(option)
        for option, name in (
            ("distil_logits", "logit_weight"),
            ("distil_features", "feature_weight"),
            ("temperature", "temperature"),
        )
        if option in typed
    }
    if distilling and not taught:
        raise UsageProblem(
            "Options of distillation need a teacher.", remedy="Name one with --teacher CHECKPOINT."
        )
    if "augmentation" in typed:
        names = typed["augmentation"]
        typed["augmentation"] = () if names == ("none",) else names
        require_augmentations(typed["augmentation"])
    if typed:
        recipe = replace(recipe, source=f"{recipe.source} Changed by hand: {', '.join(sorted(typed))}.")
    if "epochs" in typed:
        recipe = shorten(recipe, typed.pop("epochs"))
    recipe = _change_exits(recipe, typed)
    for option, value in typed.items():
        recipe = _change(recipe, option, value)
    if taught:
        recipe = replace(recipe, distillation=_distillation(distilling))
    require_possible(recipe)
    return recipe


def _change_exits(recipe: Recipe, typed: dict[str, Any]) -> Recipe:
    """Return the recipe with what was typed about exits, which is taken out."""
    from edgekit.train.ablations import train_end_to_end, weigh_alike

    weights = typed.pop("exit_weights", None)
    if weights is not None:
        level = weigh_alike(recipe)  # refuses recipes that weigh none, whatever was typed
        recipe = level if weights == "plain" else recipe
    return train_end_to_end(recipe) if typed.pop("end_to_end", False) else recipe


def _change(recipe: Recipe, option: str, value: Any) -> Recipe:
    """Return the recipe with one option, in all its phases."""
    part, _, field = PLACES[option].partition(".")
    if not part:
        return replace(recipe, **{option: value})
    phases = tuple(
        phase if getattr(phase, part, None) is None else _replace_in(phase, part, field or option, value)
        for phase in recipe.phases
    )
    return replace(_replace_in(recipe, part, field or option, value), phases=phases)


def _replace_in(whole: Choices, part: str, field: str, value: Any) -> Choices:
    return replace(whole, **{part: replace(getattr(whole, part), **{field: value})})


def _distillation(choices: dict[str, float]) -> Any:
    from edgekit.train.recipe import Distillation

    return Distillation(**choices)
