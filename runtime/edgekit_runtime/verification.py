"""Does a bundle hold what it claims, and does it answer on this machine as it did where it was exported?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit_runtime.backends import (
    Backend,
    BackendFactory,
    BackendOptions,
    check_backend,
    open_backend,
    parse_device,
)
from edgekit_runtime.backends.base import Array
from edgekit_runtime.bundle import Bundle, GoldenSample, Manifest, ProgramInfo
from edgekit_runtime.bundle.program_checks import ProgramFault, measure_tensors, parse_weights
from edgekit_runtime.errors import ArtefactRefused, EdgekitError, UnusableInput, UsageProblem
from edgekit_runtime.execution import resolve_thresholds, run_every_stage
from edgekit_runtime.exits import ThresholdExits
from edgekit_runtime.frames import prepare_frame

FLOAT_TOLERANCE = {"fp32": 1e-4, "binary": 1e-4, "fp16": 4e-3, "int8": 2e-2}
"""Largest difference of a probability between two machines, by precision.

fp32 sums in another order differ by about 1e-6 at the logits; 1e-4 leaves room for deep networks and is far
below any difference that matters. fp16 has steps of 1e-3 below 2 at the logits, of which a few may add up.
int8 kernels of processors without VNNI saturate 16-bit sums, and a value on the edge of a step moves by a
whole one.
"""

UNDECIDED_LIMIT = {"fp32": 0.01, "binary": 0.01, "fp16": 0.04, "int8": 0.04}
"""Share of a mask that a golden sample may leave undecided, by precision: one that leaves more verifies little."""


@dataclass(frozen=True)
class Check:
    """One row of a verification."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class VerificationReport:
    """What was checked, and what came out.

    Attributes:
        bundle: The path that was given.
        checks: In the order in which they were made; those after a refusal are missing.
        error: Why the bundle is refused; None where every check passed.
    """

    bundle: str
    checks: tuple[Check, ...]
    error: EdgekitError | None = None

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return self.error is None and all(check.ok for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready data, schema edgekit.verify/1."""
        return {
            "schema": "edgekit.verify/1",
            "ok": self.ok,
            "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in self.checks],
        }


def verify_bundle(
    path: str | Path,
    *,
    backend: str | BackendFactory = "auto",
    device: str = "auto",
    threads: int | None = None,
) -> VerificationReport:
    """Check a bundle's bytes, load its stages and reproduce its golden samples.

    Args:
        path: The bundle.
        backend: "auto", the name of a backend, or a factory.
        device: "auto", "cpu", "cuda", "cuda:N" or "jetson".
        threads: Threads per run.

    Returns:
        The report. A refused bundle is a failed check in it, not an exception.

    Raises:
        UsageProblem: If there is no bundle, or an option does not exist.
        EnvironmentMismatch: If this machine does not have the device.
        MissingDependency: If the backend's package is not installed.
    """
    options = BackendOptions(parse_device(device), threads)
    check_backend(backend)
    checks: list[Check] = []
    try:
        bundle = Bundle.open(path)
    except ArtefactRefused as error:
        return VerificationReport(str(path), (Check("integrity", False, error.message),), error)
    manifest = bundle.manifest
    checks.append(Check("integrity", True, f"{len(manifest.files)} files match their hashes"))
    checks.append(_check_thresholds(manifest))
    programs = [
        _check_program(bundle, stage.name, stage.program) for stage in manifest.stages if stage.program
    ]
    checks.extend(programs)
    if not all(check.ok for check in programs):  # no backend is given weights that do not fit
        return VerificationReport(str(path), tuple(checks), _refusal(checks))
    try:
        runner = open_backend(backend, bundle, options)
    except ArtefactRefused as error:
        checks.append(Check("stages", False, error.message))
        return VerificationReport(str(path), tuple(checks), error)
    try:
        names = ", ".join(stage.name for stage in manifest.stages)
        checks.append(Check("stages", True, f"{names}: loaded by {runner.name}"))
        checks.extend(_check_golden(bundle, runner, sample) for sample in manifest.golden)
    finally:
        runner.close()
    if not manifest.golden:
        checks.append(Check("golden", False, "there is no golden sample to reproduce"))
    return VerificationReport(str(path), tuple(checks), _refusal(checks))


def _refusal(checks: list[Check]) -> EdgekitError | None:
    failed = [check for check in checks if not check.ok]
    if not failed:
        return None
    return ArtefactRefused(
        f"{failed[0].name}: {failed[0].detail}.",
        remedy="The bundle does not answer here as where it was exported: do not use it. Export it anew.",
    )


def _check_thresholds(manifest: Manifest) -> Check:
    """The recorded defaults must be values that a caller could set, and the samples' own ones too."""
    try:
        values = resolve_thresholds(manifest, {item.name: item.default for item in manifest.thresholds})
        for sample in manifest.golden:
            resolve_thresholds(manifest, sample.thresholds)
        ThresholdExits.of(manifest)
    except UsageProblem as error:
        return Check("thresholds", False, error.message)
    exits = {stage.name: stage.exit.threshold for stage in manifest.stages if stage.exit is not None}
    listed = ", ".join(f"{name} {value:g}" for name, value in {**values, **exits}.items())
    return Check("thresholds", True, listed or "none")


def _check_program(bundle: Bundle, stage: str, program: ProgramInfo) -> Check:
    """A program's weights must be those that its operations take, whichever backend runs here."""
    name = f"program {stage}"
    contract = bundle.manifest.input
    try:
        sizes = measure_tensors(program, contract.height, contract.width)
        weights = parse_weights(bundle.read(program.weights), program, sizes)
    except ProgramFault as error:
        return Check(name, False, f"{program.weights!r} {error}")
    return Check(name, True, f"{len(program.operations)} operations, {len(weights)} arrays of weights")


def _check_golden(bundle: Bundle, backend: Backend, sample: GoldenSample) -> Check:
    name = f"golden {sample.name}"
    try:
        batch = prepare_frame(bundle.read_array(sample.frame), bundle.manifest.input)
        found = run_every_stage(backend, bundle.manifest, batch.frames, sample.thresholds)
        compared = [
            _compare(output, found[output][0], bundle.read_array(file), bundle.manifest, sample)
            for output, file in sample.outputs.items()
        ]
    except (ArtefactRefused, UnusableInput) as error:
        return Check(name, False, error.message)
    return Check(name, all(ok for ok, _ in compared), "; ".join(detail for _, detail in compared))


def _compare(
    output: str, found: Array, expected: Array, manifest: Manifest, sample: GoldenSample
) -> tuple[bool, str]:
    """Return whether an output is reproduced, and by how much it differs."""
    if expected.shape == (1, *found.shape):
        expected = expected[0]
    if expected.shape != found.shape or expected.dtype != found.dtype:
        return (
            False,
            f"{output}: recorded {expected.dtype} {expected.shape}, came {found.dtype} {found.shape}",
        )
    if found.dtype.kind != "f":
        limit = min(sample.undecided_px, int(UNDECIDED_LIMIT[manifest.precision] * found.size))
        differing = int(np.count_nonzero(found != expected))
        return differing <= limit, f"{output}: {differing} of {found.size} pixels differ, at most {limit} may"
    tolerance = FLOAT_TOLERANCE[manifest.precision]
    difference = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    worst = float(difference.max(initial=0.0))
    # The comparison is false for NaN.
    return worst <= tolerance, f"{output}: differs by {worst:.1e}, at most {tolerance:.0e} may"
