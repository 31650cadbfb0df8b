"""Programs of all shapes for the tests, with random weights."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from edgekit_export.fusing.program import Program
from edgekit_runtime.bundle import OperationInfo, ProgramInfo
from edgekit_runtime.bundle.program_checks import count_weights, measure_tensors


def fill_program(operations: list[OperationInfo], *, seed: int = 0, shift: float = 101.25) -> Program:
    """Return a program with random weights whose activations stay of the order of one."""
    generator = np.random.default_rng(seed)
    info = ProgramInfo("main.fused.npz", shift, tuple(operations))
    sizes = measure_tensors(info, 1 << 10, 1 << 10)
    weights = {}
    for operation in operations:
        shape = count_weights(operation, sizes)
        spread = 0.02 if operation.inputs == ("frame",) else 1.5 / np.sqrt(np.prod(shape[1:]) or shape[0])
        weights[f"{operation.name}.weight"] = generator.normal(0, spread, shape).astype(np.float32)
        weights[f"{operation.name}.bias"] = generator.normal(0, 0.3, operation.channels).astype(np.float32)
    return Program(info, weights)


def cheapnet(width: int, *, seed: int = 0) -> Program:
    """Return CheapNet of some width."""
    return fill_program(make_u(width, depth=4), seed=seed)


def make_u(
    width: int,
    *,
    depth: int,
    stem_stride: int = 1,
    repeats: int = 0,
    joined: bool = True,
    slope: float = 0.2,
    head_takes_stem: bool = True,
    side: bool = False,
) -> list[OperationInfo]:
    """Return the operations of a U.

    Args:
        width: Channels of every tensor.
        depth: Halvings after the first convolution.
        stem_stride: Of the first convolution.
        repeats: Convolutions of stride 1 after the first one and after each halving.
        joined: Whether decoders take the encoder's planes too.
        slope: Of every LeakyReLU but the head's: a ReLU there would make half of all logits equal.
        head_takes_stem: Whether the head takes the first convolution's planes too.
        side: Whether a first convolution of its own leads to the planes that the last decoder joins.
    """
    slope = float(np.float32(slope))
    operations = [OperationInfo("down0", "convolution", ("frame",), width, stem_stride, slope)]
    levels = []

    def repeat(name: str) -> str:
        for index in range(repeats):
            following = f"{name}.{index}"
            operations.append(OperationInfo(following, "convolution", (name,), width, 1, slope))
            name = following
        return name

    last = repeat("down0")
    levels.append(last)
    for level in range(1, depth + 1):
        operations.append(OperationInfo(f"down{level}", "convolution", (last,), width, 2, slope))
        last = repeat(f"down{level}")
        levels.append(last)
    if side and joined and depth > 1 and stem_stride == 1:
        operations.append(OperationInfo("side0", "convolution", ("frame",), width, 1, slope))
        operations.append(OperationInfo("side1", "convolution", ("side0",), width, 2, slope))
        levels[1] = "side1"
        if head_takes_stem:
            levels[0] = "side0"
    for level in range(depth - 1, -1, -1):
        inputs = (last,) if level == depth - 1 or not joined else (levels[level + 1], last)
        last = f"up{level}"
        operations.append(OperationInfo(last, "transposed", inputs, width, 2, slope))
    if stem_stride == 2:
        inputs = (levels[0], last) if joined and depth else (last if depth else levels[0],)
        last = "up"
        operations.append(OperationInfo(last, "transposed", inputs, width, 2, slope))
        taken: tuple[str, ...] = (last,)
    else:
        taken = (levels[0], last) if head_takes_stem and last != levels[0] else (last,)
    operations.append(OperationInfo("logit", "head", taken, 1, 1, 0.25))
    return operations


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw networks of any depth, width, stride and slope."""
    operations = make_u(
        draw(st.integers(1, 6)),
        depth=draw(st.integers(0, 4)),
        stem_stride=draw(st.sampled_from([1, 1, 2])),
        repeats=draw(st.sampled_from([0, 0, 1, 2])),
        joined=draw(st.booleans()),
        slope=draw(st.sampled_from([0.0, 0.2, 1.0])),
        head_takes_stem=draw(st.booleans()),
        side=draw(st.booleans()),
    )
    return fill_program(operations, seed=draw(st.integers(0, 1000)), shift=draw(st.sampled_from([0.0, 87.5])))
