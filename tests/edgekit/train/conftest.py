"""Fixtures of the training tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.train import engine, watching
from tests.edgekit.image_folders import save


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no curves and no samples: they take most of a tiny run's time."""
    monkeypatch.setattr(watching, "plot_history", lambda *_arguments, **_options: None)
    monkeypatch.setattr(engine, "draw_samples", lambda *_arguments, **_options: None)


@pytest.fixture
def class_folders(tmp_path: Path) -> Path:
    """Sixty noisy images of 32×32: plain, with a bright square, with dark stripes."""
    generator = np.random.default_rng(0)
    for name in ("good", "square", "stripes"):
        (tmp_path / "classes" / name).mkdir(parents=True)
        for index in range(20):
            image = generator.integers(90, 130, (32, 32)).astype(np.uint8)
            if name == "square":
                top, left = generator.integers(0, 16, 2)
                image[top : top + 16, left : left + 16] += 110
            if name == "stripes":
                image[:, index % 4 :: 4] = 10
            save(tmp_path / "classes" / name / f"{index}.png", image)
    return tmp_path / "classes"
