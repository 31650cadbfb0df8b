"""The same bundle with other thresholds and rules: a new one, for a bundle never changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from edgekit_runtime.bundle.manifest import TuningInfo
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
) -> Bundle:
    """Write a bundle with other defaults of its thresholds and other rules; every file is taken over byte by byte.

    Golden samples name the thresholds that they were made with, so that they hold as before.

    Args:
        source: The bundle, which stays as it is.
        target: `NAME.edgekit`, elsewhere; a bundle that is there is replaced, in one step.
        thresholds: Name → new default; others stay.
        rules: All rules of the new bundle.
        tuning: Which images they were chosen on; None where they were not.

    Returns:
        The new bundle.

    Raises:
        UsageProblem: If the bundle has no such threshold, or the target is the source or no place for a bundle.
        BundleFormatError: If a threshold or a rule breaks the format.
        BundleIntegrityError: If a file of the source is damaged.
        IoFault: If the disk or the permissions fail; the target is as it was.
    """
    check_other_place(source.path, Path(target))
    manifest = source.manifest
    known = {threshold.name for threshold in manifest.thresholds}
    for name in thresholds:
        if name not in known:
            raise UsageProblem(
                f"No threshold {name!r}; the bundle has: {', '.join(sorted(known)) or 'none'}."
            )
    tuned = dataclasses.replace(
        manifest,
        thresholds=tuple(
            dataclasses.replace(item, default=float(thresholds.get(item.name, item.default)))
            for item in manifest.thresholds
        ),
        rules=rules,
        tuning=tuning,
    )
    return write_bundle(target, tuned, {name: source.read(name) for name in manifest.files})
