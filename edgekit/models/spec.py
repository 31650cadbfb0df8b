"""What a model is, apart from its weights: a frozen description that needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from edgekit_runtime.errors import UsageProblem

Task = Literal["segment", "classify"]


@dataclass(frozen=True)
class ModelSpec:
    """A registry entry.

    Attributes:
        name: What a person types, such as "cheapnet-s".
        task: "segment" or "classify".
        channels: Input channels; 1 is grey.
        size: Default (height, width) of the input in pixels.
        multiple: Height and width must be multiples of this.
        classes: Class names where no data name others; a segmenting network's index 0 is the background.
        paper: Short reference of the paper and its table.
        recipe: Name of the default training recipe.
        factory: "module:function" that builds the network; imported only when it is built.
        arguments: What the factory is called with; a classifier's hold "classes", their number.
        flops_rule: The counting rule of the paper's own table (see `edgekit.models.counting`).
        normal_class: The one of `classes` that means no defect; None where every class is a defect.
        head: Starts of the names of a classifier's last layers, whose shape follows the classes; () otherwise.
        exit_thresholds: Confidence from which each exit answers, in order; () for a network without early exits. The
            forward of one that has them returns a tuple, the logits of every exit.
        parts: Part of the network → starts of its parameters' names, for trainings that take one part after the other;
            every parameter belongs to one part, where there are any.
        channels_last: Whether the network trains faster with channels last in memory. Measured, forward and backward
            on two CPU cores: ordinary convolutions 1.07 to 1.3 times, but CheapNet's depthwise ones 0.55 to 0.8 times.
    """

    name: str
    task: Task
    channels: int
    size: tuple[int, int]
    multiple: int
    classes: tuple[str, ...]
    paper: str
    recipe: str
    factory: str
    flops_rule: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    normal_class: str | None = None
    head: tuple[str, ...] = ()
    exit_thresholds: tuple[float, ...] = ()
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    channels_last: bool = True

    def for_classes(self, classes: Sequence[str]) -> ModelSpec:
        """Return the model as it is for these classes: a classifier has one output for each.

        A segmenting network's normal class is the first; a classifier keeps its own where it is among them.

        Raises:
            UsageProblem: If the network segments and answers another number of classes.
        """
        if self.task == "classify":
            arguments = {**self.arguments, "classes": len(classes)}
            normal = self.normal_class if self.normal_class in classes else None
            return replace(self, classes=tuple(classes), arguments=arguments, normal_class=normal)
        if len(classes) != len(self.classes):
            raise UsageProblem(
                f"{self.name} answers {', '.join(self.classes)}; got the classes {', '.join(classes)}."
            )
        return replace(self, classes=tuple(classes), normal_class=classes[0])

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image at the default size."""
        return (self.channels, *self.size)
