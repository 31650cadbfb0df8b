"""What a recipe is: everything that decides a training run besides model, data and seed, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from edgekit_runtime.bundle.decoding import decode, encode

Schedule = Literal["quick", "short", "paper"]
SCHEDULES: tuple[Schedule, ...] = ("quick", "short", "paper")

OF_A_PHASE = ("epochs", "objective", "optimiser", "course")
"""Fields of a recipe that a phase may have of its own."""

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
class ExitWeights:
    """How much the answer of each exit counts, by what the image shows: one weight per exit, in order.

    An exit that weighs 0 for both kinds takes no part in the loss.

    Attributes:
        normal: For images of the normal class.
        defective: For all others.
    """

    normal: tuple[float, ...]
    defective: tuple[float, ...]


@dataclass(frozen=True)
class Objective:
    """The loss.

    Attributes:
        name: In `edgekit.train.losses`.
        positive_weight: How much more a defective pixel counts than one of the background (bce).
        class_weights: "none", or "balanced": classes count inversely to how often the training part shows them
            (pixels when segmenting, images when classifying), 1 on average.
        exits: Of a network with early exits; None counts every exit 1.
    """

    name: Literal["bce", "dice", "dice-bce", "tversky", "ce"]
    positive_weight: float = 1.0
    class_weights: Literal["none", "balanced"] = "none"
    exits: ExitWeights | None = None


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
class Phase:
    """A part of a training with choices of its own; None stands for the recipe's.

    It begins with the best weights of the phase before, a fresh optimiser, and the start of its course.

    Attributes:
        name: Such as "early"; no two phases of a recipe share one.
        trains: The part of the network that learns (`ModelSpec.parts`); all else stays as it is, running statistics
            included. "" trains everything.
        epochs: See `Recipe`; the course and the patience count within the phase.
        objective: See `Recipe`.
        optimiser: See `Recipe`.
        course: See `Recipe`.
    """

    name: str
    trains: str
    epochs: int | None = None
    objective: Objective | None = None
    optimiser: Optimiser | None = None
    course: Course | None = None


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        name: The recipe's name, such as "cheapnet".
        schedule: "quick", "short" or "paper".
        epochs: Passes over the training part, or over `sampling.images_per_epoch` images; of each phase.
        batch_size: Images per step.
        optimiser: See `Optimiser`.
        course: Of the learning rate.
        objective: The loss.
        augmentation: Names in `edgekit.train.augmentation`, applied in this order.
        sampling: See `Sampling`.
        average_decay: Decay per step of an exponential moving average of the weights, which is then what is
            validated and kept; None keeps the weights themselves.
        patience: Epochs without a better validation score after which the run, or its phase, ends; None runs all
            epochs.
        distillation: What is learnt from a teacher, where one is named.
        autocast: "bfloat16" runs convolutions of the forward pass in 16 bits (torch.autocast), which is faster where
            the processor has such instructions; weights, loss and validation stay in 32 bits.
        phases: Trained one after the other; () is one phase that trains everything.
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
    phases: tuple[Phase, ...] = ()

    @property
    def total_epochs(self) -> int:
        """Epochs of all phases together."""
        return sum(planned.epochs for planned in plan_phases(self))

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


def plan_phases(recipe: Recipe) -> tuple[Recipe, ...]:
    """Return what each phase trains by: a recipe without phases, in which the phase's choices stand."""
    if not recipe.phases:
        return (recipe,)
    return tuple(_plan_phase(phase, recipe) for phase in recipe.phases)


def _plan_phase(phase: Phase, recipe: Recipe) -> Recipe:
    own = {name: value for name in OF_A_PHASE if (value := getattr(phase, name)) is not None}
    return replace(recipe, phases=(), **own)


def shorten(recipe: Recipe, epochs: int) -> Recipe:
    """Return the recipe with another number of epochs in every phase; milestones and warm-up move in proportion."""
    phases = tuple(_shorten_phase(phase, recipe, epochs) for phase in recipe.phases)
    course = _shorten_course(recipe.course, epochs / recipe.epochs)
    return replace(recipe, epochs=epochs, course=course, phases=phases)


def _shorten_phase(phase: Phase, recipe: Recipe, epochs: int) -> Phase:
    if phase.epochs is None and phase.course is None:
        return phase
    course = _shorten_course(phase.course or recipe.course, epochs / (phase.epochs or recipe.epochs))
    return replace(phase, epochs=None, course=course)


def _shorten_course(course: Course, factor: float) -> Course:
    return replace(
        course,
        # Not below 1: even a single epoch begins with the full rate.
        milestones=tuple(max(1, round(milestone * factor)) for milestone in course.milestones),
        warmup_epochs=round(course.warmup_epochs * factor),
    )
