"""What a bundle is exported for: the rewrites that each kind of device is fastest with, by precision.

One form does not serve all: the sub-pixel form of a transposed convolution costs TensorRT-RTX layers and ONNX Runtime
time in fp32, but it is the only one that runs in int8 on either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from edgekit_runtime.errors import UsageProblem

ExportPrecision = Literal["fp32", "fp16", "int8"]
"""Precisions that an export can ask for."""

EXPORT_PRECISIONS: tuple[ExportPrecision, ...] = ("fp32", "fp16", "int8")

Where = Literal["everywhere", "narrow", "narrow and ungrouped", "grouped and activated"]
"""In which networks: "narrow" are those with transposed convolutions whose channels are no multiple of 8; "grouped and
activated" those with a convolution in groups whose answer goes straight into an activation."""


@dataclass(frozen=True)
class Preference:
    """A rewrite that a target is faster with.

    Attributes:
        rewrite: Its name.
        where: In which networks.
    """

    rewrite: str
    where: Where = "everywhere"


@dataclass(frozen=True)
class Target:
    """A kind of device.

    Attributes:
        rewrites: Precision → what is applied where the network admits it.
        rest: What an int8 bundle computes in where it does not compute in int8.
        answers: Whether int8 layers round what they answer, too, in networks without grouped convolutions: ONNX Runtime
            has integer kernels for such only, and its depthwise ones are slower than float (CheapNet-S: 8 times).
    """

    rewrites: Mapping[ExportPrecision, tuple[Preference, ...]]
    rest: Literal["fp32", "fp16"]
    answers: bool = False


_SUBPIXEL = (Preference("subpixel"),)

TARGETS: Mapping[str, Target] = {
    "any": Target({"fp32": (), "fp16": (), "int8": _SUBPIXEL}, rest="fp32"),
    "cpu": Target({"fp32": (), "fp16": (), "int8": _SUBPIXEL}, rest="fp32", answers=True),
    # TensorRT-RTX 1.7 makes one kernel of a transposed convolution and its activation where the channels are a
    # multiple of 8, with groups in fp32 from 4 on; and in fp16 it fills groups up to 2 channels, in a kernel per layer,
    # where it fuses them with an activation (CheapNet; ShuffleNet's have none, and lose by the dense form).
    "tensorrt": Target(
        {
            "fp32": (Preference("subpixel", "narrow and ungrouped"),),
            "fp16": (Preference("dense", "grouped and activated"), Preference("subpixel", "narrow")),
            "int8": _SUBPIXEL,
        },
        rest="fp16",
    ),
}
"""Engine layers and times behind each choice: benchmarks/results/README.md."""


def find_target(name: str) -> Target:
    """Return a target by its name.

    Raises:
        UsageProblem: If there is none; the remedy lists them.
    """
    if name not in TARGETS:
        raise UsageProblem(f"There is no target {name!r}.", remedy=f"Choose from: {', '.join(TARGETS)}.")
    return TARGETS[name]
