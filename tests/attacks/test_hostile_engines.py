"""Engines that lie are refused when the bundle is opened; a good one changes nothing where no GPU is."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit_runtime.bundle import Bundle
from edgekit_runtime.testing import FakeBackend
from edgekit_runtime.verification import verify_bundle
from tests.attacks import test_hostile_bundles as bundles
from tests.attacks.hostile_engines import ENGINE, ENGINE_ATTACKS, add_engine


def test_the_engine_that_is_attacked_is_good(segment_bundle: Bundle) -> None:
    add_engine(segment_bundle.path)
    assert Bundle.open(segment_bundle.path).manifest.stages[0].engines == (ENGINE,)


@pytest.mark.parametrize("name", ENGINE_ATTACKS)
def test_it_is_refused(
    name: str, segment_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = ENGINE_ATTACKS[name]
    chosen.build(segment_bundle.path)
    bundles.test_every_attack_is_refused((segment_bundle.path, chosen), tmp_path, monkeypatch)


def test_verify_refuses_a_changed_engine_and_runs_nothing(
    segment_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    ENGINE_ATTACKS["engine_with_a_flipped_bit"].build(segment_bundle.path)
    monkeypatch.setattr(FakeBackend, "_open_impl", pytest.fail)
    report = verify_bundle(segment_bundle.path, backend=FakeBackend)
    assert report.error is not None
    assert report.error.exit_code == 4
