"""From a bundle with exits and images to a new bundle, which does what was counted."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from edgekit.choosing.document import make_document
from edgekit.choosing.exits.calibration import ExitCalibration
from edgekit.choosing.exits.goal import ExitGoal, parse_cost
from edgekit.choosing.exits.trade_off import list_series
from edgekit.evaluation.rates import Rate
from edgekit.models.catalogue import EXIT_THRESHOLDS
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.errors import FrameError
from tests.edgekit.choosing.exits.fabrics import calibrate, know, make_answers, make_bundle
from tests.edgekit.evaluation.staged import answer_rows, number_frames

DEFECTIVE = [index < 60 for index in range(240)]
GOALS = (
    ExitGoal(max_escape=Fraction(1, 20)),
    ExitGoal(max_overkill=Fraction(1, 20), defective_share=Fraction(1, 100)),
    ExitGoal(Fraction(1, 10), Fraction(1, 10)),
    ExitGoal(max_cost=parse_cost("60%")),
    ExitGoal(max_cost=parse_cost("75%"), cost_ratio=10.0),
)


@pytest.mark.parametrize("exits", [2, 3, 4])
@pytest.mark.parametrize("goal", GOALS, ids=ExitGoal.describe)
def test_the_new_bundle_does_what_was_counted(tmp_path: Path, exits: int, goal: ExitGoal) -> None:
    answers = make_answers(DEFECTIVE, exits, seed=exits)
    old = make_bundle(tmp_path / "old.edgekit", exits)
    calibration = calibrate(old, answers, know(DEFECTIVE), goal)
    chosen = calibration.choice.chosen
    new = calibration.write_bundle(tmp_path / "new.edgekit")
    assert chosen.thresholds is not None
    assert [stage.exit and stage.exit.threshold for stage in new.manifest.stages] == list(chosen.thresholds)
    with Detector(new, backend=answer_rows(answers)) as detector:
        results = detector.run_batch(number_frames(len(DEFECTIVE)))
        run = sum(sum(rows) for rows in detector.backend.rows.values())  # type: ignore[attr-defined]
    shown = np.array(DEFECTIVE)
    accepted = np.array([result.verdict == "accept" for result in results])
    exit_of = np.array([result.exit for result in results])
    assert chosen.escape == Rate(int(accepted[shown].sum()), 60)
    assert chosen.overkill == Rate(int((~accepted[~shown]).sum()), 180)
    assert chosen.defective_exits == tuple((exit_of[shown] == number).sum() for number in range(1, exits + 1))
    assert chosen.normal_exits == tuple((exit_of[~shown] == number).sum() for number in range(1, exits + 1))
    # A stage of a fake bundle costs 1: the rows that its stages ran are the cost.
    assert chosen.defective_macs * 60 + chosen.normal_macs * 180 == pytest.approx(run)


def test_before_and_the_last_exit_are_what_the_runtime_does(tmp_path: Path) -> None:
    answers = make_answers(DEFECTIVE, 3, seed=5)
    bundle = make_bundle(tmp_path / "b.edgekit", 3, exit_threshold=0.8)
    choice = calibrate(bundle, answers, know(DEFECTIVE), GOALS[0]).choice
    with Detector(bundle, backend=answer_rows(answers)) as detector:
        own = detector.run_batch(number_frames(240))
        late = detector.run_batch(number_frames(240), exit_policy=lambda *_: np.zeros(len(_[3]), np.bool_))
    for results, judged in ((own, choice.before), (late, choice.last)):
        assert judged.escape.count == sum(result.verdict == "accept" for result in results[:60])
        assert judged.overkill.count == sum(result.verdict == "reject" for result in results[60:])
    assert choice.last.relative_cost == 1.0
    assert choice.chosen.overkill.count <= choice.last.overkill.count  # it was given no limit
    assert choice.chosen.escape.count <= 3


def test_the_trade_off_is_a_staircase_with_the_choice_on_it(tmp_path: Path) -> None:
    answers = make_answers(DEFECTIVE, 4, seed=5)
    choice = calibrate(make_bundle(tmp_path / "b.edgekit", 4), answers, know(DEFECTIVE), GOALS[0]).choice
    costs = [point.macs for point in choice.frontier]
    escapes = [point.escape.count for point in choice.frontier]
    assert costs == sorted(set(costs))
    assert escapes == sorted(set(escapes), reverse=True)
    assert (choice.chosen.macs, choice.chosen.escape.count) in zip(costs, escapes, strict=True)
    most = max(choice.chosen.overkill.count, choice.last.overkill.count)
    assert all(point.overkill.count <= most for point in choice.frontier)


def test_series_of_thresholds() -> None:
    four = list_series(4)
    assert len(four) == 8
    assert four[:2] == [(0.9, 0.8, 0.7, 0.6), EXIT_THRESHOLDS]
    assert four[-1] == (0.2, 0.1, 0.0, 0.0)
    assert list_series(2)[0] == (0.9, 0.8)


def test_things_count_once(tmp_path: Path) -> None:
    defective = [True] * 8 + [False] * 8
    wrong, right = [0.95, 0.03, 0.02], [0.02, 0.95, 0.03]
    answers = np.array([[wrong] * 2] * 4 + [[right] * 2] * 4 + [[[0.99, 0.01, 0.0]] * 2] * 8, np.float32)
    bundle = make_bundle(tmp_path / "b.edgekit", 2)
    goal = ExitGoal(max_escape=Fraction(1, 2))
    single = calibrate(bundle, answers, know(defective), goal).choice
    groups = ["a"] * 4 + ["b"] * 4 + [f"n{index}" for index in range(8)]
    grouped = calibrate(bundle, answers, know(defective, groups), goal).choice
    assert single.chosen.escape == grouped.chosen.escape == Rate(4, 8)
    assert single.chosen.escape_interval == Rate(4, 8).interval
    assert grouped.chosen.escape_interval == (0.0, 1.0)
    assert [(each.count, each.total) for each in (single.support[0], grouped.support[0])] == [(4, 8), (1, 2)]


def test_a_goal_that_is_not_reached_shows_the_best(tmp_path: Path) -> None:
    answers = make_answers(DEFECTIVE, 3, seed=5)
    answers[7] = [0.9, 0.05, 0.05]  # a defect that every exit overlooks
    goal = ExitGoal(Fraction(0), Fraction(0))
    calibration = calibrate(make_bundle(tmp_path / "b.edgekit", 3), answers, know(DEFECTIVE), goal)
    assert not calibration.reached
    text = "\n".join(calibration.describe())
    assert "\nbest " in text
    assert "\nchosen " not in text
    assert calibration.describe_best().startswith("escape ")
    assert "held to" not in calibration.describe_best()


def test_a_limit_that_nobody_typed_is_named_where_it_is_missed(tmp_path: Path) -> None:
    wrong, right = [0.9, 0.05, 0.05], [0.05, 0.9, 0.05]
    # The last exit accepts every defect, the first one finds each and rejects a good image.
    answers = np.array([[right, wrong]] * 4 + [[right, wrong]] + [[wrong, wrong]] * 5, np.float32)
    images = know([True] * 4 + [False] * 6)
    goal = ExitGoal(max_cost=parse_cost("60%"))
    calibration = calibrate(make_bundle(tmp_path / "b.edgekit", 2), answers, images, goal)
    assert not calibration.reached
    assert calibration.describe_best().endswith("(0.9), overkill held to the last exit's 0 of 6")


def test_the_manifest_holds_goal_and_cost(tmp_path: Path) -> None:
    answers = make_answers(DEFECTIVE, 3, seed=5)
    goal = ExitGoal(max_escape=Fraction(1, 20), defective_share=Fraction(1, 100))
    calibration = calibrate(make_bundle(tmp_path / "b.edgekit", 3), answers, know(DEFECTIVE), goal)
    new = calibration.write_bundle(tmp_path / "new.edgekit")
    tuning, chosen = new.manifest.tuning, calibration.choice.chosen
    assert tuning is not None
    assert (tuning.defective_images, tuning.normal_images) == (60, 180)
    assert (tuning.escapes, tuning.overkills) == (chosen.escape.count, chosen.overkill.count)
    words, cost, doubt = tuning.goal.split("; ", 2)
    assert words == "escape at most 5 %, least expected cost"
    assert cost.startswith(f"expected cost {100 * chosen.relative_cost:.3g} % (")
    assert cost.endswith("at 1 % defective frames")
    assert doubt.startswith("escape at most 5 %: not supported at 95 % confidence")
    assert Bundle.open(new.path).manifest.files == calibration.bundle.manifest.files


def make_document_of(calibration: ExitCalibration) -> dict[str, object]:
    return make_document(calibration, target="<b>.edgekit", written=None)


def test_the_document_is_json_and_says_what_was_done(tmp_path: Path) -> None:
    answers = make_answers(DEFECTIVE, 4, seed=5)
    goal = ExitGoal(max_escape=Fraction(1, 20), defective_share=Fraction(1, 50))
    bundle = make_bundle(tmp_path / "b.edgekit", 4, mm_per_pixel=0.5)
    document = json.loads(
        json.dumps(make_document_of(calibrate(bundle, answers, know(DEFECTIVE), goal)), allow_nan=False)
    )
    assert (document["schema"], document["task"]) == ("edgekit.calibrate/1", "classify")
    assert document["goal"]["held"] == "overkill"
    assert document["goal"]["defective_share"] == document["goal"]["expected_defective_share"] == 0.02
    assert document["exits"] == ["exit1", "exit2", "exit3", "exit4"]
    chosen = document["chosen"]
    assert set(chosen) == {"thresholds", "escape", "overkill", "per_metre", "cost", "exits"}
    assert chosen["cost"]["macs"] == pytest.approx(
        0.02 * chosen["cost"]["defective_macs"] + 0.98 * chosen["cost"]["normal_macs"]
    )
    assert sum(chosen["exits"]["normal"]) == 180
    assert chosen["per_metre"]["metres"] == pytest.approx(240 * 4 * 0.5 / 1000)
    assert document["last_exit"]["thresholds"] is None
    assert [tuple(one["thresholds"]) for one in document["series"]] == list_series(4)
    assert document["exhausted"] is True


def test_people_read_tables_and_statements(tmp_path: Path) -> None:
    answers = make_answers(DEFECTIVE, 4, seed=5)
    calibration = calibrate(make_bundle(tmp_path / "b.edgekit", 4), answers, know(DEFECTIVE), GOALS[0])
    text = "\n".join(calibration.describe())
    chosen, last = calibration.choice.chosen, calibration.choice.last
    for words in (
        "thresholds",
        "expected cost",
        "last exit     every frame ",
        " 100 % (4 MAC) ",
        "0.9 0.9 0.9 (0.9)",
        "DI-Net's own  0.8 0.7 0.6 (0.5)",
        f"chosen       defective    {100 * chosen.defective_exits[0] / 60:.3g} %",
        "No other thresholds do better on these images",
        "The expected cost is that of 25 % defective frames, as in these images.",
        f"held to that of the last exit, {last.overkill.count} of 180. --max-overkill allows more",
        "escape at most 5 %: not supported at 95 % confidence",
        "held out      of 5 folds ",
        "expect that of other images",
        "`edgekit bench` measures time",
    ):
        assert words in text, text


def test_the_page_shows_every_point(tmp_path: Path) -> None:
    answers = make_answers(DEFECTIVE, 4, seed=5)
    goal = ExitGoal(Fraction(1, 10), Fraction(1, 10), parse_cost("60%"))
    calibration = calibrate(make_bundle(tmp_path / "b.edgekit", 4), answers, know(DEFECTIVE), goal)
    calibration.write_page(tmp_path / "page.html", make_document_of(calibration))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;.edgekit: thresholds of the exits" in page
    assert page.count('class="limit"') == 2
    assert page.count('class="dot c1"') == 1
    assert page.count('class="hollow"') == 2
    assert page.count('class="dot c0"') == len(calibration.choice.frontier)
    assert page.count('class="dot c2"') == 8
    assert page.count(">DI-Net&#x27;s own</text>") == 1
    assert (
        "escape at most 10 % and overkill at most 10 % and expected cost at most 60 % of the last exit"
        in page
    )


def test_an_image_that_does_not_fit_is_named(tmp_path: Path) -> None:
    images = know(DEFECTIVE)
    kept = list(images.kept)
    kept[13] = np.zeros((4, 5), np.uint8)
    object.__setattr__(images, "kept", tuple(kept))
    bundle = make_bundle(tmp_path / "b.edgekit", 2)
    with pytest.raises(FrameError, match=r"^tile-13: "):
        calibrate(bundle, make_answers(DEFECTIVE, 2, seed=1), images, GOALS[0])


def test_a_fixed_batch_is_filled_and_counted_once(tmp_path: Path) -> None:
    answers = make_answers(DEFECTIVE[:61], 2, seed=1)
    images = know(DEFECTIVE[:61])
    dynamic, fixed = (
        calibrate(make_bundle(tmp_path / f"{batch}.edgekit", 2, batch=batch), answers, images, GOALS[0])
        for batch in (None, 14)
    )
    assert fixed.choice.chosen.to_dict() == dynamic.choice.chosen.to_dict()


def test_an_exit_that_is_never_finite_is_passed(tmp_path: Path) -> None:
    answers = make_answers(DEFECTIVE, 3, seed=5)
    answers[:, 0] = np.nan
    choice = calibrate(make_bundle(tmp_path / "b.edgekit", 3), answers, know(DEFECTIVE), GOALS[0]).choice
    assert choice.chosen.defective_exits[0] == choice.chosen.normal_exits[0] == 0
    assert choice.chosen.thresholds is not None
    assert choice.chosen.thresholds[0] == 0.9  # nothing says what it should be
