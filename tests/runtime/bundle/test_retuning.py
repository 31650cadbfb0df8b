"""The same bundle with other thresholds and rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgekit_runtime import Bundle
from edgekit_runtime.bundle import ClassRule, Manifest, TuningInfo, VerdictRules, write_bundle
from edgekit_runtime.bundle.retuning import retune_bundle
from edgekit_runtime.errors import BundleFormatError, UsageProblem

TUNING = TuningInfo("plates, val part", "ab" * 32, "escape at most 5 %, least overkill", 20, 1, 80, 3)
RULES = VerdictRules(others=ClassRule(min_area_px=20))


@pytest.fixture
def classify_bundle(tmp_path: Path, classify_manifest: Manifest, classify_files: dict[str, bytes]) -> Bundle:
    """A bundle with two exits, on the disk."""
    return write_bundle(tmp_path / "staged.edgekit", classify_manifest, classify_files)


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


def test_only_the_exits_that_are_named_change(classify_bundle: Bundle, tmp_path: Path) -> None:
    old = classify_bundle.manifest
    first, last = old.stages
    assert first.exit is not None
    new = retune_bundle(
        classify_bundle,
        tmp_path / "new.edgekit",
        thresholds={},
        rules=old.rules,
        tuning=None,
        exits={first.name: 0.625},
    )
    tuned = replace(first, exit=replace(first.exit, threshold=0.625))
    assert new.manifest == replace(old, stages=(tuned, last), tuning=None)
    assert new.digest != classify_bundle.digest


def test_exits_that_are_not_there_or_mean_nothing_are_refused(
    classify_bundle: Bundle, segment_bundle: Bundle, tmp_path: Path
) -> None:
    target, name = tmp_path / "new.edgekit", classify_bundle.manifest.stages[0].name
    for bundle, words in ((classify_bundle, f"bundle has: .*{name}"), (segment_bundle, "bundle has: none")):
        with pytest.raises(UsageProblem, match=f"No exit 'other'; the {words}"):
            retune_bundle(bundle, target, thresholds={}, rules=RULES, tuning=None, exits={"other": 0.5})
    for threshold in (1.01, -0.01, float("nan")):
        with pytest.raises(BundleFormatError):
            retune_bundle(
                classify_bundle, target, thresholds={}, rules=RULES, tuning=None, exits={name: threshold}
            )
    assert not target.exists()


def test_a_bundle_never_replaces_itself(segment_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(segment_bundle.path.parent)
    for target in (segment_bundle.path, tmp_path / "link" / segment_bundle.path.name):
        with pytest.raises(UsageProblem, match="the bundle itself"):
            retune_bundle(segment_bundle, target, thresholds={}, rules=RULES, tuning=None)
