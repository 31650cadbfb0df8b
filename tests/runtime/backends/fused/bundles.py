"""Bundles with a program."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from edgekit_runtime.bundle import Bundle, OperationInfo, ProgramInfo, arrays_bytes, write_bundle
from edgekit_runtime.testing import fake_bundle

FILE = "segment.fused.npz"

GREY = ProgramInfo(
    FILE,
    128.0,
    (
        OperationInfo("copy", "convolution", ("frame",), 1, 1, 1.0),
        OperationInfo("logit", "head", ("copy",), 1, 1, 1.0),
    ),
)
"""logit = frame − 128, as fake bundles answer."""


def grey_weights() -> dict[str, np.ndarray]:
    """Return weights that copy each pixel."""
    centre = np.zeros((1, 3, 3), np.float32)
    centre[0, 1, 1] = 1
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    return {"copy.weight": centre, "copy.bias": zero, "logit.weight": one, "logit.bias": zero}


def program_bundle(
    path: Path,
    height: int,
    width: int,
    *,
    program: ProgramInfo = GREY,
    weights: dict[str, np.ndarray] | None = None,
    content: bytes | None = None,
) -> Bundle:
    """Write a fake bundle with a program in place of its graph.

    Args:
        path: Where, ends in .edgekit.
        height: Rows of a frame.
        width: Columns of a frame.
        program: Of its one stage.
        weights: Of the program; those that copy each pixel by default.
        content: Bytes in place of the weights.
    """
    fake = fake_bundle(path, height=height, width=width)
    (stage,) = fake.manifest.stages
    files = {name: fake.read(name) for name in fake.manifest.files}
    files[program.weights] = arrays_bytes(weights or grey_weights()) if content is None else content
    changed = dataclasses.replace(stage, program=program)
    return write_bundle(path, dataclasses.replace(fake.manifest, stages=(changed,)), files)
