"""The same bundle with other thresholds and rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgekit_runtime import Bundle
from edgekit_runtime.bundle import ClassRule, TuningInfo, VerdictRules
from edgekit_runtime.bundle.retuning import retune_bundle
from edgekit_runtime.errors import BundleFormatError, UsageProblem

TUNING = TuningInfo("plates, val part", "ab" * 32, "escape at most 5 %, least overkill", 20, 1, 80, 3)
RULES = VerdictRules(others=ClassRule(min_area_px=20))


def test_only_the_thresholds_the_rules_and_the_tuning_change(segment_bundle: Bundle, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in segment_bundle.path.rglob("*") if path.is_file()}
    new = retune_bundle(
        segment_bundle, tmp_path / "new.edgekit", thresholds={"threshold": 1.25}, rules=RULES, tuning=TUNING
    )
    old = segment_bundle.manifest
    tuned = (replace(old.thresholds[0], default=1.25),)
    assert new.manifest == replace(old, thresholds=tuned, rules=RULES, tuning=TUNING)
    for name in old.files:
        assert new.read(name) == segment_bundle.read(name)
    assert {path: path.read_bytes() for path in segment_bundle.path.rglob("*") if path.is_file()} == before


def test_thresholds_that_are_not_named_stay(segment_bundle: Bundle, tmp_path: Path) -> None:
    new = retune_bundle(segment_bundle, tmp_path / "new.edgekit", thresholds={}, rules=RULES, tuning=None)
    assert new.manifest.thresholds == segment_bundle.manifest.thresholds
    assert new.manifest.tuning is None


def test_what_the_bundle_does_not_have_is_refused(segment_bundle: Bundle, tmp_path: Path) -> None:
    target = tmp_path / "new.edgekit"
    with pytest.raises(UsageProblem, match="No threshold 'gain'; the bundle has: threshold"):
        retune_bundle(segment_bundle, target, thresholds={"gain": 1.0}, rules=RULES, tuning=None)
    with pytest.raises(BundleFormatError):
        retune_bundle(
            segment_bundle, target, thresholds={"threshold": float("nan")}, rules=RULES, tuning=None
        )
    assert not target.exists()


def test_a_bundle_never_replaces_itself(segment_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(segment_bundle.path.parent)
    for target in (segment_bundle.path, tmp_path / "link" / segment_bundle.path.name):
        with pytest.raises(UsageProblem, match="the bundle itself"):
            retune_bundle(segment_bundle, target, thresholds={}, rules=RULES, tuning=None)
