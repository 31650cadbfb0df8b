"""A program of every kind of operation for the frames of `segment_manifest`, and its weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit_runtime.bundle import FileInfo, Manifest, OperationInfo, ProgramInfo

WEIGHTS_FILE = "main.fused.npz"

OPERATIONS = (
    OperationInfo("stem", "convolution", ("frame",), 2, 1, 0.25),
    OperationInfo("down", "convolution", ("stem",), 2, 2, 0.0),
    OperationInfo("same", "convolution", ("down",), 2, 1, 1.0),
    OperationInfo("up", "transposed", ("down", "same"), 2, 2, 0.25),
    OperationInfo("head", "head", ("stem", "up"), 1, 1, 0.25),
)

PROGRAM = ProgramInfo(WEIGHTS_FILE, 91.5, OPERATIONS)

SHAPES = {
    "stem.weight": (2, 3, 3),
    "stem.bias": (2,),
    "down.weight": (2, 3, 3),
    "down.bias": (2,),
    "same.weight": (2, 3, 3),
    "same.bias": (2,),
    "up.weight": (2, 2, 3, 3),
    "up.bias": (2,),
    "head.weight": (4,),
    "head.bias": (1,),
}


def make_weights() -> dict[str, np.ndarray]:
    """Return the arrays that the operations take."""
    rng = np.random.default_rng(5)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def with_program(manifest: Manifest, program: ProgramInfo = PROGRAM) -> Manifest:
    """Return the manifest with a program for its one stage."""
    (stage,) = manifest.stages
    files = {**manifest.files, WEIGHTS_FILE: FileInfo("00" * 32, 1)}
    return replace(manifest, stages=(replace(stage, program=program),), files=files)
