"""`edgekit calibrate`, with the bundle that ships and generated images that it has not seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit.data.opening import OpenOptions, open_dataset
from edgekit.data.synthetic_files import GeneratedSet, write_generated
from edgekit.reporting import Reporter
from edgekit.shipped import DEMO_BUNDLE
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.testing import fake_bundle
from tests.edgekit.conftest import RunCli


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images with a scratch and six without, of another seed than those of the training."""
    root = tmp_path_factory.mktemp("data") / "fresh"
    write_generated(root, GeneratedSet((6,), defective=6, normal=6, seed=5), reporter=Reporter(quiet=True))
    return root


def test_a_bundle_is_tuned_verified_and_measured(run_cli: RunCli, fresh: Path, tmp_path: Path) -> None:
    new, page = tmp_path / "tuned.edgekit", tmp_path / "page.html"
    options = ("--data", fresh, "--include-normal", "--max-escape", "0.5%", "--out", new)
    result = run_cli("calibrate", DEMO_BUNDLE, *options, "--page", page, "--json", "--quiet")
    assert (result.code, result.err) == (0, "")
    document = json.loads(result.out)
    assert document["schema"] == "edgekit.calibrate/1"
    assert document["images"] == {"defective": 6, "normal": 6, "groups": 12}
    assert document["goal"]["words"] == "escape at most 0.5 %, least overkill"
    assert document["reached"]
    assert (document["chosen"]["escape"]["count"], document["chosen"]["overkill"]["count"]) == (0, 0)
    # The shipped bundle counts every region, and every defect-free image has a small one.
    assert document["before"]["overkill"]["rate"] == 1.0
    assert document["support"][0]["needed"] == 598
    assert "<svg" in page.read_text(encoding="utf-8")
    bundle, old = Bundle.open(new), Bundle.open(DEMO_BUNDLE)
    assert bundle.digest == document["written"]["digest"]
    assert bundle.manifest.thresholds[0].default == document["chosen"]["threshold"]
    assert bundle.manifest.rules.others.min_area_px == document["chosen"]["min_area_px"]
    assert bundle.manifest.files == old.manifest.files
    tuning = bundle.manifest.tuning
    assert tuning is not None
    assert (tuning.escapes, tuning.defective_images, tuning.overkills, tuning.normal_images) == (0, 6, 0, 6)
    assert tuning.fingerprint == document["fingerprint"]
    assert "not supported at 95 % confidence" in tuning.goal
    assert run_cli("verify", new).code == 0
    dataset = open_dataset(str(fresh), OpenOptions(include_normal=True))
    with Detector(new) as detector:
        for index, item in enumerate(dataset.items):
            verdict = detector(dataset.load(index).image).verdict
            assert verdict == ("reject" if item.defective else "accept"), item.name


def test_people_read_the_trade_off(run_cli: RunCli, fresh: Path, tmp_path: Path) -> None:
    new = tmp_path / "tuned.edgekit"
    options = ("--data", fresh, "--include-normal", "--cost-ratio", "20", "--out", new)
    result = run_cli("calibrate", DEMO_BUNDLE, *options)
    assert result.code == 0
    for words in (
        "all part: 6 defective and 6 defect-free images of 12 things",
        "goal: least cost, an escape counting as 20 overkills",
        "escape (95 %)",
        "chosen  0 ",
        "0 % (0–39 %), 0 of 6",
        "no threshold between them does better",
        "expect somewhat more of both errors on others",
    ):
        assert words in result.out, result.out
    assert f"wrote {new}" in result.err
    assert "be sure that none of them is among these" in result.err


def test_a_goal_that_is_not_reached_writes_nothing(run_cli: RunCli, tmp_path: Path) -> None:
    # Images without and with a defect that this bundle cannot tell apart: one texture, another class of the style.
    root = tmp_path / "flat"
    wanted = GeneratedSet((2,), defective=3, normal=3, size=(512, 512), seed=1)
    write_generated(root, wanted, reporter=Reporter(quiet=True))
    new = tmp_path / "tuned.edgekit"
    limits = ("--max-escape", "0", "--max-overkill", "0")
    result = run_cli("calibrate", DEMO_BUNDLE, "--data", root, "--include-normal", *limits, "--out", new)
    assert result.code == 3
    assert "Not reached: escape at most 0 % and overkill at most 0 %" in result.err
    assert "best " in result.out
    assert not new.exists()


def test_images_of_the_training_are_refused(run_cli: RunCli, tmp_path: Path) -> None:
    common = ("--data", "synthetic:dagm/6", "--max-escape", "1%", "--out", tmp_path / "t.edgekit")
    for part in ("train", "all"):
        run_cli("calibrate", DEMO_BUNDLE, *common, "--split", part).refused(2, "trained on")


def test_defective_images_alone_say_nothing_of_overkill(run_cli: RunCli, tmp_path: Path) -> None:
    options = ("--data", "synthetic:dagm/6", "--max-escape", "1%", "--out", tmp_path / "t.edgekit")
    run_cli("calibrate", DEMO_BUNDLE, *options).refused(8, "15 defective images", "--include-normal")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--max-escape 0.5%"),
        (("--max-escape", "150%"), "no share"),
        (("--max-overkill", "few"), "no share"),
        (("--cost-ratio", "-1"), "above 0"),
    ],
)
def test_goals_that_mean_nothing(
    run_cli: RunCli, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    arguments = ("--data", "nothing", *options, "--out", tmp_path / "t.edgekit")
    run_cli("calibrate", DEMO_BUNDLE, *arguments).refused(2, words)


def test_targets_that_have_no_threshold(run_cli: RunCli, checkpoint_folder: Path, tmp_path: Path) -> None:
    classifier = fake_bundle(tmp_path / "c.edgekit", task="classify").path
    options = ("--data", "nothing", "--max-escape", "1%", "--out", tmp_path / "t.edgekit")
    run_cli("calibrate", classifier, *options).refused(2, "classifies with one exit", "two exits or more")
    run_cli("calibrate", checkpoint_folder, *options).refused(2, "edgekit export")


def test_options_of_exits_are_refused_where_there_are_none(run_cli: RunCli, tmp_path: Path) -> None:
    common = (
        "calibrate",
        DEMO_BUNDLE,
        "--data",
        "nothing",
        "--max-escape",
        "1%",
        "--out",
        tmp_path / "t.edgekit",
    )
    for option in (("--max-cost", "60%"), ("--defective-share", "1%")):
        run_cli(*common, *option).refused(2, "segments", option[0], "classify")


def test_places_are_checked_before_the_work(run_cli: RunCli, tmp_path: Path) -> None:
    common = ("calibrate", DEMO_BUNDLE, "--data", "nothing", "--max-escape", "1%")
    run_cli(*common, "--out", DEMO_BUNDLE).refused(2, "the bundle itself")
    run_cli(*common, "--out", tmp_path / "t").refused(2, ".edgekit")
    page = tmp_path / "nowhere" / "page.html"
    run_cli(*common, "--out", tmp_path / "t.edgekit", "--page", page).refused(2, "no folder")
