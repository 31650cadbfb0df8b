"""Two documents, one verdict: how much slower or faster, if they were measured alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgekit_benchmarks.documents import BenchDocument, MeasuredSubject
from edgekit_benchmarks.machine import Environment
from edgekit_benchmarks.ratios import Ratio, compare_medians
from edgekit_runtime.errors import EnvironmentMismatch, UsageProblem

SCHEMA = "edgekit.compare/1"

ALIKE = (
    "os",
    "kernel",
    "machine",
    "cpu",
    "cores_usable",
    "threads_per_core",
    "governor",
    "caches",
    "memory_bytes",
    "threads",
    "rate_hz",
    "python",
    "numpy",
    "jetson",
)
"""What must be the same. Load, frequency and the measured bounds move by themselves and are shown instead."""

MAY_DIFFER = ("edgekit",)
"""Packages whose version a comparison may be about."""


@dataclass(frozen=True)
class Change:
    """One bundle in both documents.

    Attributes:
        bundle: Name.
        digest: Of the bundle: the same in both.
        batch: Frames per call.
        before_backend: Backend in the first document.
        after_backend: Backend in the second.
        before_p50_ms: Median in the first.
        after_p50_ms: Median in the second.
        ratio: The first's median over the second's: above 1 the second is the faster one.
    """

    bundle: str
    digest: str
    batch: int
    before_backend: str
    after_backend: str
    before_p50_ms: float
    after_p50_ms: float
    ratio: Ratio


def compare_documents(
    before: BenchDocument, after: BenchDocument, generator: np.random.Generator
) -> tuple[Change, ...]:
    """Compare the bundles that both documents hold.

    Bundles are told by their hash, so that a figure is never held against that of another network. The backend and
    edgekit's version may differ: that is what a comparison is about.

    Args:
        before: The older one.
        after: The newer one.
        generator: Of the bootstrap.

    Raises:
        EnvironmentMismatch: If they were not measured alike; the message names what differs.
        UsageProblem: If they have no bundle in common.
    """
    differences = list(find_differences(before.environment, after.environment))
    if differences:
        raise EnvironmentMismatch(
            f"The documents were not measured alike: {'; '.join(differences)}.",
            remedy="Measure both again on one machine, with the same packages and options.",
        )
    changes = []
    known = {(run.subject.digest, run.subject.batch, run.subject.device): run.subject for run in before.runs}
    for run in after.runs:
        other = known.get((run.subject.digest, run.subject.batch, run.subject.device))
        if other is not None:
            changes.append(_compare_subjects(other, run.subject, generator))
    if not changes:
        raise UsageProblem(
            f"The documents have no bundle in common (hash, batch and device): {_list_subjects(before)}; "
            f"{_list_subjects(after)}.",
            remedy="Measure the same bundles.",
        )
    return tuple(changes)


def find_differences(one: Environment, other: Environment) -> Iterator[str]:
    """Yield, in words, what differs and must not."""
    for name in ALIKE:
        first, second = getattr(one, name), getattr(other, name)
        if first != second:
            yield f"{name} is {_say(first)} and {_say(second)}"
    for name in sorted(set(one.packages) | set(other.packages)):
        first, second = one.packages.get(name), other.packages.get(name)
        if first != second and name not in MAY_DIFFER:
            yield f"{name} is {first or 'not installed'} and {second or 'not installed'}"


def _say(value: object) -> str:
    return "not known" if value is None else str(value)


def _list_subjects(document: BenchDocument) -> str:
    listed = [f"{run.subject.name} {run.subject.digest[:8]} × {run.subject.batch}" for run in document.runs]
    return ", ".join(listed) or "none"


def _compare_subjects(
    before: MeasuredSubject, after: MeasuredSubject, generator: np.random.Generator
) -> Change:
    return Change(
        bundle=after.name,
        digest=after.digest,
        batch=after.batch,
        before_backend=before.backend,
        after_backend=after.backend,
        before_p50_ms=before.latency_ms.p50,
        after_p50_ms=after.latency_ms.p50,
        ratio=compare_medians(before.latency_ms.rounds_ms, after.latency_ms.rounds_ms, generator),
    )
