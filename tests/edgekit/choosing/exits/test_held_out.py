"""What thresholds do on images that had no part in choosing them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from edgekit.choosing.exits.goal import ExitGoal
from edgekit.choosing.exits.held_out import FOLDS, count_held_out
from edgekit.choosing.exits.search import search_exits
from edgekit.choosing.wording import OPTIMISM
from tests.edgekit.choosing.exits.fabrics import calibrate, know, make_answers, make_bundle
from tests.edgekit.choosing.exits.tables import make_table

GOAL = ExitGoal(max_escape=Fraction(1, 10), max_overkill=Fraction(1, 10))


def make_noise(count: int, seed: int) -> tuple[object, object, object]:
    """Two exits; the first one's confidence says nothing of whether it is right, and the last one is always right."""
    generator = np.random.default_rng(seed)
    confidences = generator.uniform(0.4, 1, (count, 2))
    wrong = np.stack([generator.random(count) < 0.3, np.zeros(count, np.bool_)], axis=1)
    return confidences, wrong, np.arange(count) % 2 == 0


def test_what_fits_noise_shows_on_images_held_out() -> None:
    chosen = held = 0
    for seed in range(12):
        table = make_table(*make_noise(60, seed))
        goal = ExitGoal(max_escape=Fraction(0), max_overkill=Fraction(0))
        outcome = search_exits(table, goal.apply(table)).chosen
        elsewhere = count_held_out(table, [str(index) for index in range(60)], goal)
        assert elsewhere is not None
        chosen += outcome.escapes + outcome.overkills
        held += elsewhere.escapes + elsewhere.overkills
    assert chosen == 0
    assert held > 0


def test_images_of_one_thing_are_held_out_together() -> None:
    # Every thing has a confidence of its own from which its images go wrong: only they could teach that.
    things = 10
    base = np.linspace(0.5, 0.9, things)
    confidences = np.stack([np.repeat(base, 4), np.full(4 * things, 0.99)], axis=1)
    wrong = np.zeros((4 * things, 2), np.bool_)
    wrong[-4:, 0] = True  # the surest thing of all
    defective = np.arange(4 * things) % 2 == 0
    groups = np.repeat([f"thing-{index}" for index in range(things)], 4).tolist()
    table = make_table(confidences, wrong, defective)
    goal = ExitGoal(max_escape=Fraction(0), max_overkill=Fraction(0))
    assert search_exits(table, goal.apply(table)).chosen.escapes == 0
    together = count_held_out(table, groups, goal)
    alone = count_held_out(table, [str(index) for index in range(4 * things)], goal)
    assert together is not None
    assert alone is not None
    assert (together.escapes, together.overkills) == (2, 2)
    assert (alone.escapes, alone.overkills) == (0, 0)


def test_too_few_things_say_nothing(tmp_path: Path) -> None:
    table = make_table(*make_noise(8, 1))
    assert count_held_out(table, ["a"] * 4 + ["b"] * 4, GOAL) is None
    # All defective images show one thing: without it nothing can be chosen.
    table = make_table(np.full((9, 2), 0.9), np.zeros((9, 2)), [True] * 3 + [False] * 6)
    groups = ["a"] * 3 + [f"n{index}" for index in range(6)]
    assert count_held_out(table, groups, GOAL) is None
    defective = [True] * 2 + [False] * (FOLDS + 1)
    answers = make_answers(defective, 2, seed=1)
    images = know(defective, ["a", "a", *(f"n{index}" for index in range(FOLDS + 1))])
    calibration = calibrate(make_bundle(tmp_path / "b.edgekit", 2), answers, images, GOAL)
    assert calibration.to_dict()["held_out"] is None
    assert OPTIMISM in calibration.describe()
