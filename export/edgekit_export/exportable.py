"""What can be exported: anything that names its stages, its input and its outputs.

Export does not know the models. A network of this project, or a user's own, is exportable when it is a torch
module that has the attributes of `Exportable`; nothing is inherited, and this file does not import torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

Module = Any
"""A torch.nn.Module; torch itself is imported by the tracer alone."""


@dataclass(frozen=True)
class ExportInput:
    """The image that the first stage takes, as the network sees it.

    Attributes:
        channels: "grey", "rgb" or "bgr".
        multiple: Height and width must be multiples of this.
        default_size: (height, width) used where the caller names none.
    """

    channels: Literal["grey", "rgb", "bgr"] = "grey"
    multiple: int = 1
    default_size: tuple[int, int] = (512, 512)


@dataclass(frozen=True)
class ExportExit:
    """A classifier at the end of a stage: `output` holds softmax probabilities, float32 (N, classes)."""

    output: str
    threshold: float


@dataclass(frozen=True)
class ExportStage:
    """One graph to be.

    Attributes:
        name: Such as "main" or "exit1".
        module: torch module whose forward takes `inputs` and returns a tensor or a tuple of `outputs`, all
            float32.
        inputs: Names; the first stage takes exactly one, the normalised image (N, C, H, W).
        outputs: Names in forward's order. A segmenting network's last stage has one output "logits",
            (N, 1, H, W) for one defect class or (N, K, H, W) with class 0 the background.
        carries: Those outputs that the next stage takes as inputs; carried tensors reach no caller.
        exit: Where the stage may answer (classifying networks).
    """

    name: str
    module: Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    carries: tuple[str, ...] = ()
    exit: ExportExit | None = None


@runtime_checkable
class Exportable(Protocol):
    """A torch module that can be exported."""

    task: Literal["segment", "classify"]
    """What it answers."""

    def export_input(self) -> ExportInput:
        """Return what the first stage takes."""

    def stages(self) -> Sequence[ExportStage]:
        """Return the stages in the order they run; their modules share the network's parameters."""


@dataclass(frozen=True)
class Normalisation:
    """x = (frame / scale − mean) / std, per channel; one number where there is one channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float = 255.0
