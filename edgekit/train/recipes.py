"""Recipes: how a paper trains its network, as data. One engine runs them all.

Each recipe has three schedules: `paper` (the paper's own), `short` (under two hours on two cores for the models named
in its note; what results are published with) and `quick` (under two minutes; it shows that the way works, not what
the network can do).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edgekit_runtime.errors import UsageProblem

Schedule = Literal["quick", "short", "paper"]
SCHEDULES: tuple[Schedule, ...] = ("quick", "short", "paper")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides model, data and seed.

    Attributes:
        name: The recipe's name, such as "cheapnet".
        schedule: "quick", "short" or "paper".
        epochs: Passes over the training part.
        batch_size: Images per step.
        optimiser: Name in `edgekit.train.optimisation`.
        learning_rate: Of the first epoch.
        milestones: Epochs after which the learning rate is multiplied by `gamma`.
        gamma: See `milestones`.
        loss: Name in `edgekit.train.losses`.
        crop_px: Side of a random square crop per image; None trains on whole images.
        images_per_epoch: Images drawn per epoch; None takes the whole part.
        source: Where the numbers come from, and in what they differ from the paper.
    """

    name: str
    schedule: Schedule
    epochs: int
    batch_size: int
    optimiser: str
    learning_rate: float
    milestones: tuple[int, ...]
    gamma: float
    loss: str
    crop_px: int | None
    images_per_epoch: int | None
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON-ready data."""
        return {**asdict(self), "milestones": list(self.milestones)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """Return the recipe that `to_dict` wrote."""
        return cls(**{**data, "milestones": tuple(data["milestones"])})


_CHEAPNET_PAPER = Recipe(
    name="cheapnet",
    schedule="paper",
    epochs=120,
    batch_size=8,
    optimiser="adam",
    learning_rate=0.01,
    milestones=(60, 90),
    gamma=0.1,
    loss="bce",
    crop_px=None,
    images_per_epoch=None,
    source="CheapNet, section 4: Adam 0.01, ×0.1 after epochs 60 and 90; batch 8 as the authors' code for G ≤ 2.",
)

_CHEAPNET_SHORT = Recipe(
    **{
        **asdict(_CHEAPNET_PAPER),
        "schedule": "short",
        "epochs": 40,
        "milestones": (26, 34),
        "learning_rate": 0.02,
        "batch_size": 4,
        "source": "A third of the paper's epochs: learning rate rescaled to twice the paper's, batch 4 as the authors'"
        " code for G ≥ 4, milestones moved with the epochs. Sized for G ≤ 32.",
    }
)

_CHEAPNET_QUICK = Recipe(
    **{
        **asdict(_CHEAPNET_PAPER),
        "schedule": "quick",
        "epochs": 8,
        "milestones": (5, 7),
        "learning_rate": 0.03,
        "crop_px": 256,
        "images_per_epoch": 96,
        "batch_size": 2,
        "source": "768 crops of 256² in batches of 2 at three times the paper's learning rate: shows the way.",
    }
)

RECIPES: Mapping[tuple[str, str], Recipe] = {
    (recipe.name, recipe.schedule): recipe for recipe in (_CHEAPNET_PAPER, _CHEAPNET_SHORT, _CHEAPNET_QUICK)
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
