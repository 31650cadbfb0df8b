"""The recipes by name: how each paper trains its network. One engine runs them all.

Each recipe has three schedules: `paper` (the paper's own), `short` (what results on two cores are published with; it
says how its learning rate was rescaled) and `quick` (under two minutes; it shows that the way works, not what the
network can do).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgekit.train.augmentation import TIMES_EIGHT
from edgekit.train.exit_recipes import EXIT_RECIPES
from edgekit.train.recipe import SCHEDULES, Course, Objective, Optimiser, Recipe, Sampling
from edgekit_runtime.errors import UsageProblem

_CHEAPNET = Recipe(
    name="cheapnet",
    schedule="paper",
    epochs=120,
    batch_size=8,
    optimiser=Optimiser("adam", 0.01),
    course=Course("steps", milestones=(60, 90), gamma=0.1),
    objective=Objective("bce"),
    source="CheapNet, section 4: Adam 0.01, ×0.1 after epochs 60 and 90; batch 8 as the authors' code for G ≤ 2.",
)

_UNET = Recipe(
    name="unet",
    schedule="paper",
    epochs=600,
    batch_size=16,
    optimiser=Optimiser("sgd", 3e-4, momentum=0.9, weight_decay=1e-4),
    course=Course("steps"),
    objective=Objective("dice-bce"),
    augmentation=TIMES_EIGHT,
    source="LOS-UNet, section 4: SGD 3e-4, momentum 0.9, weight decay 1e-4, batch 16, 600 epochs, dice + 0.5 BCE, "
    "random 90° rotations and flips.",
)

_UNET_32 = Recipe(
    name="unet-32",
    schedule="paper",
    epochs=200,
    batch_size=32,
    optimiser=Optimiser("adam", 1e-4),
    course=Course("steps"),
    objective=Objective("tversky"),
    augmentation=TIMES_EIGHT,
    source="U-BiNet's full-precision U-Net: Adam 1e-4, batch 32, 200 epochs, Tversky 0.3/0.7, eight orientations.",
)

_RESNET = Recipe(
    name="resnet",
    schedule="paper",
    epochs=30,
    batch_size=32,
    optimiser=Optimiser("sgd", 1e-3, momentum=0.9),
    course=Course("steps"),
    objective=Objective("ce"),
    source="DI-Net, section 4: SGD 1e-3, momentum 0.9, batch 32, 30 epochs, cross-entropy.",
)

_MOBILENET = Recipe(
    name="mobilenet",
    schedule="paper",
    epochs=30,
    batch_size=32,
    optimiser=Optimiser("sgd", 1e-3, momentum=0.9),
    course=Course("steps"),
    objective=Objective("ce"),
    source="DI-Net, section 4, as for its other baselines: SGD 1e-3, momentum 0.9, batch 32, 30 epochs, cross-entropy.",
)

_SHUFFLENET = Recipe(
    name="shufflenet",
    schedule="paper",
    epochs=200,
    batch_size=32,
    optimiser=Optimiser("adam", 5e-4),
    course=Course("cosine", warmup_epochs=5),
    objective=Objective("ce"),
    augmentation=TIMES_EIGHT,
    source="Bi-ShuffleNet, section 4, for the full-precision baseline: Adam, 5 epochs of warm-up, cosine to 0, batch "
    "32, 200 epochs, cross-entropy, eight orientations; learning rate 5e-4 as of its second round.",
)

_SHORT = (
    replace(
        _CHEAPNET,
        schedule="short",
        epochs=40,
        batch_size=4,
        optimiser=Optimiser("adam", 0.02),
        course=Course("steps", milestones=(26, 34), gamma=0.1),
        source="A third of the paper's epochs: learning rate rescaled to twice the paper's, batch 4 as the authors'"
        " code for G ≥ 4, milestones moved with the epochs. Sized for G ≤ 32.",
    ),
    replace(
        _UNET,
        schedule="short",
        epochs=20,
        batch_size=4,
        optimiser=Optimiser("sgd", 0.01, momentum=0.9, weight_decay=1e-4),
        course=Course("one-cycle"),
        source="A thirtieth of the paper's epochs at batch 4: learning rate rescaled from 3e-4 to a cycle up to 0.01.",
    ),
    replace(
        _UNET_32,
        schedule="short",
        epochs=20,
        batch_size=8,
        optimiser=Optimiser("adam", 1e-3),
        course=Course("one-cycle"),
        source="A tenth of the paper's epochs at batch 8: learning rate rescaled from 1e-4 to a cycle up to 1e-3.",
    ),
    replace(
        _RESNET,
        schedule="short",
        epochs=10,
        batch_size=8,
        optimiser=Optimiser("sgd", 5e-3, momentum=0.9),
        course=Course("one-cycle"),
        source="A third of the paper's epochs at batch 8: learning rate rescaled from 1e-3 to a cycle up to 5e-3.",
    ),
    replace(
        _MOBILENET,
        schedule="short",
        epochs=40,
        batch_size=16,
        optimiser=Optimiser("adamw", 2e-3, weight_decay=1e-2),
        course=Course("one-cycle"),
        augmentation=TIMES_EIGHT,
        source="40 epochs from scratch at batch 16, eight orientations: learning rate rescaled from SGD's 1e-3 to a "
        "cycle of AdamW up to 2e-3, whose rise is the warm-up.",
    ),
    replace(
        _SHUFFLENET,
        schedule="short",
        epochs=30,
        batch_size=16,
        optimiser=Optimiser("adam", 2e-3),
        course=Course("cosine", warmup_epochs=1),
        source="A seventh of the paper's epochs at batch 16: learning rate rescaled from 5e-4 to 2e-3.",
    ),
)

_QUICK = (
    replace(
        _CHEAPNET,
        schedule="quick",
        epochs=8,
        batch_size=2,
        optimiser=Optimiser("adam", 0.03),
        course=Course("steps", milestones=(5, 7), gamma=0.1),
        sampling=Sampling(images_per_epoch=96, crop_px=256),
        source="768 crops of 256² in batches of 2 at three times the paper's learning rate: shows the way.",
    ),
    replace(
        _UNET,
        schedule="quick",
        epochs=4,
        batch_size=2,
        optimiser=Optimiser("sgd", 0.02, momentum=0.9),
        course=Course("one-cycle"),
        sampling=Sampling(images_per_epoch=24, crop_px=96),
        source="96 crops of 96² in batches of 2, one cycle up to 0.02: shows the way.",
    ),
    replace(
        _UNET_32,
        schedule="quick",
        epochs=4,
        batch_size=2,
        optimiser=Optimiser("adam", 2e-3),
        course=Course("one-cycle"),
        sampling=Sampling(images_per_epoch=32, crop_px=128),
        source="128 crops of 128² in batches of 2, one cycle up to 2e-3: shows the way.",
    ),
    replace(
        _RESNET,
        schedule="quick",
        epochs=3,
        batch_size=4,
        optimiser=Optimiser("sgd", 5e-3, momentum=0.9),
        course=Course("one-cycle"),
        sampling=Sampling(images_per_epoch=32, crop_px=160),
        source="96 crops of 160² in batches of 4, one cycle up to 5e-3: shows the way.",
    ),
    replace(
        _MOBILENET,
        schedule="quick",
        epochs=3,
        batch_size=8,
        optimiser=Optimiser("adamw", 2e-3, weight_decay=1e-2),
        course=Course("one-cycle"),
        sampling=Sampling(images_per_epoch=64, crop_px=160),
        source="192 crops of 160² in batches of 8, one cycle of AdamW up to 2e-3: shows the way.",
    ),
    replace(
        _SHUFFLENET,
        schedule="quick",
        epochs=4,
        batch_size=8,
        optimiser=Optimiser("adam", 2e-3),
        course=Course("one-cycle"),
        sampling=Sampling(images_per_epoch=128, crop_px=192),
        source="512 crops of 192² in batches of 8, one cycle up to 2e-3: shows the way.",
    ),
)

RECIPES: Mapping[tuple[str, str], Recipe] = {
    (recipe.name, recipe.schedule): recipe
    for recipe in (
        _CHEAPNET,
        _UNET,
        _UNET_32,
        _RESNET,
        _MOBILENET,
        _SHUFFLENET,
        *_SHORT,
        *_QUICK,
        *EXIT_RECIPES,
    )
}


def get_recipe(name: str, schedule: str) -> Recipe:
    """Return a recipe.

    Raises:
        UsageProblem: If there is no such recipe or schedule.
    """
    if (name, schedule) not in RECIPES:
        raise UsageProblem(
            f"There is no schedule {schedule!r} of the recipe {name!r}; choose from {', '.join(SCHEDULES)}."
        )
    return RECIPES[name, schedule]
