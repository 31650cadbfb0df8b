"""What thresholds make of images, against the runtime itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.choosing.exits.table import ExitTable, count_last_exit, count_thresholds, tabulate_exits
from edgekit_runtime import Detector
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.exits import ThresholdExits
from edgekit_runtime.testing import fake_bundle
from tests.edgekit.evaluation.staged import answer_rows, number_frames

EXITS = 3
GRID = (0.0, 0.3, 0.5, float(np.nextafter(np.float32(0.5), np.float32(1))), 0.8, 1.0, np.nan, np.inf)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    path = tmp_path_factory.mktemp("table") / "b.edgekit"
    return fake_bundle(path, task="classify", exits=EXITS, height=4, width=4)


def tabulate(bundle: Bundle, probabilities: object, defective: object) -> ExitTable:
    return tabulate_exits(np.array(probabilities, np.float32), bundle.manifest, np.array(defective, np.bool_))


def answer(bundle: Bundle, probabilities: np.ndarray, thresholds: tuple[float, ...]) -> list[tuple[int, str]]:
    """Return exit and verdict of every image, as the runtime answers it."""
    policy = ThresholdExits(thresholds)
    with Detector(bundle, backend=answer_rows(probabilities), exit_policy=policy) as detector:
        results = detector.run_batch(number_frames(len(probabilities)))
    exits = []
    for result in results:
        assert result.exit is not None
        exits.append((result.exit, result.verdict))
    return exits


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.lists(st.lists(st.sampled_from(GRID), min_size=2, max_size=2), min_size=EXITS, max_size=EXITS),
        min_size=2,
        max_size=6,
    ),
    st.lists(st.sampled_from(GRID[:6]), min_size=EXITS, max_size=EXITS),
)
def test_counts_are_those_of_the_runtime(bundle: Bundle, rows: list, thresholds: list[float]) -> None:
    probabilities = np.array(rows, np.float32)
    defective = np.arange(len(rows)) % 2 == 0
    count = count_thresholds(tabulate(bundle, probabilities, defective), thresholds)
    answers = answer(bundle, probabilities, tuple(thresholds))
    assert [number for number, _ in answers] == (count.answers + 1).tolist()
    verdicts = np.array([verdict for _, verdict in answers])
    assert count.escapes == (verdicts[defective] == "accept").sum()
    assert count.overkills == (verdicts[~defective] == "reject").sum()


def test_the_cost_is_that_of_every_stage_up_to_the_exit(bundle: Bundle) -> None:
    sure, unsure = [0.95, 0.05], [0.5, 0.5]
    rows = [[sure, sure, sure], [unsure, sure, sure], [unsure, unsure, sure], [unsure, unsure, sure]]
    table = tabulate(bundle, rows, [True, False, False, True])
    assert table.macs.tolist() == [1, 2, 3]  # a stage of a fake bundle costs 1
    count = count_thresholds(table, (0.9, 0.9, 0.9))
    assert count.answers.tolist() == [0, 1, 2, 2]
    assert (count.defective_macs, count.normal_macs) == (1 + 3, 2 + 3)
    assert (count.escapes, count.overkills) == (2, 0)
    last = count_last_exit(table)
    assert (last.thresholds, last.defective_macs, last.normal_macs) == (None, 6, 6)


def test_an_answer_that_is_not_finite_is_rejected_and_never_confident(bundle: Bundle) -> None:
    broken, sure = [np.nan, 0.9], [0.95, 0.05]
    table = tabulate(bundle, [[broken, broken, sure], [broken, broken, broken]], [True, False])
    count = count_thresholds(table, (0.0, 0.0, 0.0))
    assert count.answers.tolist() == [2, 2]
    assert (count.escapes, count.overkills) == (1, 1)
