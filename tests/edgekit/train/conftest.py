"""Fixtures of the training tests."""

from __future__ import annotations

import pytest

from edgekit.train import engine, watching


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no curves and no samples: they take most of a tiny run's time."""
    monkeypatch.setattr(watching, "plot_history", lambda *_arguments, **_options: None)
    monkeypatch.setattr(engine, "draw_samples", lambda *_arguments, **_options: None)
