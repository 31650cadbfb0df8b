"""Every hostile bundle, one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit_runtime.bundle import Bundle
from tests.attacks import (
    hostile_arrays,
    hostile_files,
    hostile_links,
    hostile_manifests,
    hostile_names,
    hostile_programs,
    hostile_text,
)
from tests.attacks.building import ATTACKS, Attack

MODULES = (
    hostile_files,
    hostile_links,
    hostile_names,
    hostile_text,
    hostile_manifests,
    hostile_arrays,
    hostile_programs,
)
"""Importing one registers its attacks."""


@pytest.fixture(params=sorted(ATTACKS))
def hostile(request: pytest.FixtureRequest, segment_bundle: Bundle) -> tuple[Path, Attack]:
    """The path of a hostile bundle, and its attack."""
    chosen = ATTACKS[request.param]
    chosen.build(segment_bundle.path)
    return segment_bundle.path, chosen
