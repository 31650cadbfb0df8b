"""What a model is, apart from its weights: a frozen description that needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
        classes: Class names; index 0 is the background.
        paper: Short reference of the paper and its table.
        recipe: Name of the default training recipe.
        factory: "module:function" that builds the network; imported only when it is built.
        arguments: What the factory is called with.
        flops_rule: The counting rule of the paper's own table (see `edgekit.models.counting`).
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

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image at the default size."""
        return (self.channels, *self.size)
