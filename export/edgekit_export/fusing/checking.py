"""Rows of the parity table for a program: its reference against torch, and the backend against its reference."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from edgekit_export.fusing.reference import Evaluation
from edgekit_export.parity import Expected, choose_thresholds, compare_values
from edgekit_export.passes.names import LOGITS, MASK, THRESHOLD
from edgekit_runtime.backends import BACKENDS, BackendOptions, open_backend, parse_device
from edgekit_runtime.bundle import Manifest, ParityCheck, write_bundle
from edgekit_runtime.execution import run_every_stage

Array = npt.NDArray[Any]

BACKEND = "fused"
_PACKAGE = "numba"


def check_program_values(answer: Evaluation, expected: Expected) -> ParityCheck:
    """Compare what the program answers, computed in NumPy, with what torch answered."""
    return compare_values(
        "program: values",
        expected.outputs[LOGITS],
        answer.logits,
        expected.bounds[LOGITS],
        expected.rms_bounds.get(LOGITS),
    )


def can_run_programs() -> bool:
    """Whether this installation has the backend and the package that it compiles with."""
    return BACKEND in BACKENDS and importlib.util.find_spec(_PACKAGE) is not None


def check_program_masks(
    manifest: Manifest, files: Mapping[str, bytes], frames: Array, answer: Evaluation
) -> ParityCheck:
    """Run a bundle's program as a detector would, and compare its masks with the reference.

    The bundle is written to a temporary folder: what is checked is what will be written, read by the runtime. Pixels
    whose logit lies within its rounding bound of the threshold may differ, and no other.

    Args:
        manifest: Of the bundle.
        files: Its files.
        frames: (N, H, W) of the graph's type.
        answer: What the program answers for them.
    """
    thresholds = choose_thresholds(answer.logits, manifest.thresholds[0].default)
    different = near = 0
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        bundle = write_bundle(Path(folder) / "draft.edgekit", manifest, files)
        with open_backend(BACKEND, bundle, BackendOptions(parse_device("cpu"))) as backend:
            for threshold in thresholds:
                mask = run_every_stage(backend, manifest, frames, {THRESHOLD: threshold})[MASK]
                undecided = answer.find_undecided(threshold)
                near += int(undecided.sum())
                different += int(((mask != answer.decide(threshold)) & ~undecided).sum())
    total = len(thresholds) * answer.logits.size
    detail = f"{different} of {total} px differ at {len(thresholds)} thresholds; {near} px are undecided by rounding"
    return ParityCheck("program: masks", different == 0, detail)
