"""What a recipe is: everything that decides a training run besides model, data and seed, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from edgekit_runtime.bundle.decoding import decode, encode
from edgekit_runtime.errors import UsageProblem

Schedule = Literal["quick", "short", "paper"]
SCHEDULES: tuple[Schedule, ...] = ("quick", "short", "paper")

MOST_IMAGES = 10_000_000
"""Of an epoch: their order is drawn at once, and a typing slip should not ask for all memory."""


@dataclass(frozen=True)
class Optimiser:
    """How weights follow gradients.

    Attributes:
        name: In `edgekit.train.optimisation`.
        learning_rate: The largest of the run.
        momentum: Of SGD.
        weight_decay: L2 penalty (adam, sgd), decoupled (adamw).
    """

    name: Literal["adam", "adamw", "sgd"]
    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0


@dataclass(frozen=True)
class Course:
    """How the learning rate moves over the epochs.

    Attributes:
        name: "steps" multiplies by `gamma` after each of `milestones`; "cosine" falls to 0 after `warmup_epochs` of
            linear rise; "one-cycle" is torch's OneCycleLR with its defaults: up over the first 30 %, then down to a
            10,000th of the start, both as cosines, moved at every step.
        milestones: 0-based epochs from which the rate is lower.
        gamma: See `milestones`.
        warmup_epochs: Of "cosine".
    """

    name: Literal["steps", "cosine", "one-cycle"] = "steps"
    milestones: tuple[int, ...] = ()
    gamma: float = 0.1
    warmup_epochs: int = 0


@dataclass(frozen=True)
class Objective:
    """The loss.

    Attributes:
        name: In `edgekit.train.losses`.
        positive_weight: How much more a defective pixel counts than one of the background (bce).
        class_weights: "none", or "balanced": classes count inversely to how often the training part shows them
            (pixels when segmenting, images when classifying), 1 on average.
    """

    name: Literal["bce", "dice", "dice-bce", "tversky", "ce"]
    positive_weight: float = 1.0
    class_weights: Literal["none", "balanced"] = "none"


@dataclass(frozen=True)
class Sampling:
    """Which images an epoch shows, and which part of them.

    Attributes:
        images_per_epoch: Images drawn per epoch; None takes the training part once.
        defective_share: Share of the drawn images that show a defect; None leaves it as the data are.
        crop_px: Side of a square crop per image; None trains on whole images.
        crop_on_defect: Share of the crops of defective images that are made to hold a pixel of a defect.
    """

    images_per_epoch: int | None = None
    defective_share: float | None = None
    crop_px: int | None = None
    crop_on_defect: float = 0.0


@dataclass(frozen=True)
class Distillation:
    """What a student learns from its teacher, beside the truth (Hinton et al. 2015; attention: Zagoruyko 2017).

    Attributes:
        logit_weight: Share of the loss that compares with the teacher's softened answers; the rest compares with
            the truth.
        feature_weight: Weight of the distance between the attention maps of equal resolution, added to both.
        temperature: By which the logits of both are divided.
    """

    logit_weight: float = 0.5
    feature_weight: float = 0.0
    temperature: float = 2.0


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        name: The recipe's name, such as "cheapnet".
        schedule: "quick", "short" or "paper".
        epochs: Passes over the training part, or over `sampling.images_per_epoch` images.
        batch_size: Images per step.
        optimiser: See `Optimiser`.
        course: Of the learning rate.
        objective: The loss.
        augmentation: Names in `edgekit.train.augmentation`, applied in this order.
        sampling: See `Sampling`.
        average_decay: Decay per step of an exponential moving average of the weights, which is then what is
            validated and kept; None keeps the weights themselves.
        patience: Epochs without a better validation score after which the run ends; None runs all epochs.
        distillation: What is learnt from a teacher, where one is named.
        autocast: "bfloat16" runs convolutions of the forward pass in 16 bits (torch.autocast), which is faster where
            the processor has such instructions; weights, loss and validation stay in 32 bits.
        source: Where the numbers come from, and in what they differ from the paper.
    """

    name: str
    schedule: Schedule
    epochs: int
    batch_size: int
    optimiser: Optimiser
    course: Course
    objective: Objective
    source: str
    augmentation: tuple[str, ...] = ()
    sampling: Sampling = Sampling()
    average_decay: float | None = None
    patience: int | None = None
    distillation: Distillation | None = None
    autocast: Literal["none", "bfloat16"] = "none"

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON-ready data."""
        data: dict[str, Any] = encode(self)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """Return the recipe that `to_dict` wrote.

        Raises:
            DecodingError: If a key is missing or unknown, or a value has another type.
        """
        return decode(cls, data, "recipe")


def require_possible(recipe: Recipe) -> None:
    """Refuse numbers that define no training.

    Raises:
        UsageProblem: Naming the first of them.
    """
    optimiser, sampling, course = recipe.optimiser, recipe.sampling, recipe.course
    share = sampling.defective_share
    distillation = recipe.distillation
    # Each condition is written so that NaN fails.
    conditions = {
        "epochs must be at least 1": recipe.epochs >= 1,
        "batch_size must be at least 1": recipe.batch_size >= 1,
        "the learning rate must be above 0 and finite": 0 < optimiser.learning_rate < float("inf"),
        "momentum must be in [0, 1)": 0 <= optimiser.momentum < 1,
        "weight_decay must not be negative": 0 <= optimiser.weight_decay < float("inf"),
        "gamma must be above 0 and finite": 0 < course.gamma < float("inf"),
        "warmup_epochs must lie between 0 and the epochs": 0 <= course.warmup_epochs <= recipe.epochs,
        "positive_weight must be above 0": 0 < recipe.objective.positive_weight < float("inf"),
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
    for words, holds in conditions.items():
        if not holds:
            raise UsageProblem(f"The recipe {recipe.name} ({recipe.schedule}) cannot be trained: {words}.")


def shorten(recipe: Recipe, epochs: int) -> Recipe:
    """Return the recipe over another number of epochs, with milestones and warm-up moved in proportion."""
    factor = epochs / recipe.epochs
    course = replace(
        recipe.course,
        # Not below 1: even a single epoch begins with the full rate.
        milestones=tuple(max(1, round(milestone * factor)) for milestone in recipe.course.milestones),
        warmup_epochs=round(recipe.course.warmup_epochs * factor),
    )
    return replace(recipe, epochs=epochs, course=course)
