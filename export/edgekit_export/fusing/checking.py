"""Rows of the parity table for a program: its reference against torch, and the backend against its reference."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Mapping
from pathlib import Path

from edgekit_export.fusing.program import Program
from edgekit_export.fusing.reference import evaluate_program
from edgekit_export.parity import Expected, choose_thresholds, compare_values
from edgekit_export.passes.names import LOGITS, MASK, THRESHOLD
from edgekit_runtime.backends import BACKENDS, Backend, BackendOptions, open_backend, parse_device
from edgekit_runtime.bundle import Manifest, ParityCheck, write_bundle
from edgekit_runtime.execution import run_every_stage

BACKEND = "fused"
_PACKAGE = "numba"


def check_program_values(program: Program, expected: Expected) -> ParityCheck:
    """Compare the program, evaluated in NumPy, with what torch answered."""
    answer = evaluate_program(program, expected.frames)
    return compare_values(
        "program: values",
        expected.outputs[LOGITS],
        answer.logits,
        expected.bounds[LOGITS],
        expected.rms_bounds.get(LOGITS),
    )


def check_program_masks(
    manifest: Manifest, files: Mapping[str, bytes], program: Program, expected: Expected
) -> tuple[ParityCheck, ...]:
    """Run a bundle's program as a detector would, and compare its masks with the reference.

    The bundle is written to a temporary folder: what is checked is what will be written, read by the runtime.

    Args:
        manifest: Of the bundle.
        files: Its files.
        program: Its program.
        expected: Frames, and what torch answered for them.

    Returns:
        One row; none where the backend, or the package that it compiles with, is not here.
    """
    if BACKEND not in BACKENDS or importlib.util.find_spec(_PACKAGE) is None:
        return ()
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        bundle = write_bundle(Path(folder) / "draft.edgekit", manifest, files)
        with open_backend(BACKEND, bundle, BackendOptions(parse_device("cpu"), None)) as backend:
            return (_compare_masks(backend, manifest, program, expected),)


def _compare_masks(backend: Backend, manifest: Manifest, program: Program, expected: Expected) -> ParityCheck:
    answer = evaluate_program(program, expected.frames)
    thresholds = choose_thresholds(expected.outputs[LOGITS], manifest.thresholds[0].default)
    different = near = total = 0
    for threshold in thresholds:
        mask = run_every_stage(backend, manifest, expected.frames, {THRESHOLD: threshold})[MASK]
        undecided = answer.find_undecided(threshold)
        near += int(undecided.sum())
        different += int(((mask != answer.decide(threshold)) & ~undecided).sum())
        total += mask.size
    detail = f"{different} of {total} px differ at {len(thresholds)} thresholds; {near} px are undecided by rounding"
    return ParityCheck("program: masks", different == 0, detail)
