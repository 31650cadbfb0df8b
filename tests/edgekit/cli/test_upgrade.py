"""`edgekit upgrade`: what the shipped bundle was under the first schema."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Bundle
from tests.edgekit.conftest import RunCli
from tests.runtime.bundle.test_upgrading import downgrade, rewrite


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The shipped bundle, as the first schema had it."""
    path = Path(shutil.copytree(DEMO_BUNDLE, tmp_path / "old.edgekit"))
    rewrite(path, downgrade)
    return path


def test_an_old_bundle_is_verified_after_its_upgrade(run_cli: RunCli, old: Path, tmp_path: Path) -> None:
    refused = run_cli("verify", old)
    assert refused.code == 4
    assert "edgekit upgrade" in refused.err
    new = tmp_path / "new.edgekit"
    upgraded = run_cli("upgrade", old, "--out", new)
    assert (upgraded.code, upgraded.out) == (0, "")
    assert "edgekit.bundle/2" in upgraded.err
    assert run_cli("verify", new).code == 0
    assert Bundle.open(new).manifest.golden == Bundle.open(DEMO_BUNDLE).manifest.golden


def test_a_bundle_of_this_release_needs_none(run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("upgrade", DEMO_BUNDLE, "--out", tmp_path / "new.edgekit").refused(4, "edgekit.bundle/2")


def test_the_new_name_must_be_that_of_a_bundle(run_cli: RunCli, old: Path, tmp_path: Path) -> None:
    run_cli("upgrade", old, "--out", tmp_path / "new").refused(2, ".edgekit")
