"""The same bundle with other thresholds and rules: a new one, for a bundle never changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from edgekit_runtime.bundle.manifest import StageInfo, TuningInfo
from edgekit_runtime.bundle.reader import Bundle
from edgekit_runtime.bundle.rules import VerdictRules
from edgekit_runtime.bundle.writer import check_other_place, write_bundle
from edgekit_runtime.errors import UsageProblem


def retune_bundle(
    source: Bundle,
    target: str | Path,
    *,
    thresholds: Mapping[str, float],
    rules: VerdictRules,
    tuning: TuningInfo | None,
    exits: Mapping[str, float] = MappingProxyType({}),
) -> Bundle:
    """Write a bundle with other thresholds and other rules; every file is taken over byte by byte.

    Golden samples hold as before: they name the thresholds that they were made with, and the answers of every exit.

    Args:
        source: The bundle, which stays as it is.
        target: `NAME.edgekit`, elsewhere; a bundle that is there is replaced, in one step.
        thresholds: Name → new default; others stay.
        rules: All rules of the new bundle.
        tuning: Which images they were chosen on; None where they were not.
        exits: Name of a stage → confidence from which its exit answers; others stay.

    Returns:
        The new bundle.

    Raises:
        UsageProblem: If the bundle has no such threshold or exit, or the target is the source or no place for a bundle.
        BundleFormatError: If a threshold or a rule breaks the format.
        BundleIntegrityError: If a file of the source is damaged.
        IoFault: If the disk or the permissions fail; the target is as it was.
    """
    check_other_place(source.path, Path(target))
    manifest = source.manifest
    _require_known("threshold", thresholds, [item.name for item in manifest.thresholds])
    _require_known("exit", exits, [stage.name for stage in manifest.stages if stage.exit is not None])
    tuned = dataclasses.replace(
        manifest,
        stages=tuple(_retune_stage(stage, exits) for stage in manifest.stages),
        thresholds=tuple(
            dataclasses.replace(item, default=float(thresholds.get(item.name, item.default)))
            for item in manifest.thresholds
        ),
        rules=rules,
        tuning=tuning,
    )
    return write_bundle(target, tuned, {name: source.read(name) for name in manifest.files})


def _require_known(what: str, named: Iterable[str], known: Sequence[str]) -> None:
    for name in named:
        if name not in known:
            raise UsageProblem(f"No {what} {name!r}; the bundle has: {', '.join(sorted(known)) or 'none'}.")


def _retune_stage(stage: StageInfo, exits: Mapping[str, float]) -> StageInfo:
    if stage.exit is None or stage.name not in exits:
        return stage
    return dataclasses.replace(
        stage, exit=dataclasses.replace(stage.exit, threshold=float(exits[stage.name]))
    )
