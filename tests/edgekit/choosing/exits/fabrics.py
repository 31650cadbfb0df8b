"""Images whose answers a test tells, and a bundle with exits that gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.choosing.exits.calibration import ExitCalibration, calibrate_exits
from edgekit.choosing.exits.goal import ExitGoal
from edgekit.choosing.known_images import KnownImages, know_images
from edgekit.data.contract import Sample
from edgekit.data.splitting.parts import ChosenPart
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.testing import fake_bundle
from tests.edgekit.evaluation.building import InMemory
from tests.edgekit.evaluation.staged import answer_rows, number_frames

CLASSES = ("normal", "hole", "stain")


def make_answers(defective: Sequence[bool], exits: int, seed: int) -> np.ndarray:
    """Return float32 (images, exits, 3): later exits are surer and more often right, defective images are harder."""
    generator = np.random.default_rng(seed)
    shown = np.array(defective)
    answers = np.empty((len(shown), exits, 3), np.float32)
    kind = np.where(shown, 1 + np.arange(len(shown)) % 2, 0)
    for level in range(exits):
        logits = generator.normal(0, 1, (len(shown), 3))
        skill = 1.5 + level + np.where(shown, 0, 1.5)
        logits[np.arange(len(shown)), kind] += skill
        powers = np.exp(logits)
        answers[:, level] = powers / powers.sum(axis=1, keepdims=True)
    return answers


def know(defective: Sequence[bool], groups: Sequence[str] | None = None) -> KnownImages:
    """Return images that carry their own number."""
    frames = number_frames(len(defective))
    dataset = InMemory(
        [Sample(f"tile-{index}", frame, None) for index, frame in enumerate(frames)],
        classes=(),
        groups=groups,
        defective=list(defective),
        labels=("normal", "defective"),
        label_of=[int(shown) for shown in defective],
        normal_label="normal",
    )
    dataset.may_hold_duplicates = False
    return know_images(dataset, reporter=Reporter(quiet=True))


def make_bundle(path: Path, exits: int, *, exit_threshold: float = 0.9, **more: object) -> Bundle:
    return fake_bundle(
        path,
        task="classify",
        exits=exits,
        classes=CLASSES,
        height=4,
        width=4,
        exit_threshold=exit_threshold,
        **more,  # type: ignore[arg-type]
    )


def calibrate(bundle: Bundle, answers: np.ndarray, images: KnownImages, goal: ExitGoal) -> ExitCalibration:
    part = ChosenPart(images.dataset, "val", "tiles")
    return calibrate_exits(
        bundle, part, images, goal, backend=answer_rows(answers), reporter=Reporter(quiet=True)
    )
