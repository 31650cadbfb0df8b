"""`edgekit data synth`."""

from __future__ import annotations

from pathlib import Path

from edgekit.data import OpenOptions, open_dataset
from tests.edgekit.conftest import RunCli

FEW = ("--style", "dagm", "--class", 6, "--count", 2, "--normal", 3, "--size", "64x96", "--quiet")


def test_the_folder_opens_again(run_cli: RunCli, tmp_path: Path) -> None:
    result = run_cli("data", "synth", tmp_path / "out", *FEW)
    assert (result.code, result.out, result.err) == (0, f"{tmp_path / 'out'}\n", "")
    dataset = open_dataset(str(tmp_path / "out"), OpenOptions(include_normal=True))
    assert (dataset.layout, len(dataset)) == ("DAGM 2007", 5)
    assert dataset.load(0).image.shape == (64, 96)


def test_cloth_opens_again_with_its_kinds(run_cli: RunCli, tmp_path: Path) -> None:
    few = ("--style", "fabric", "--class", "stain", "--count", 2, "--normal", 3, "--size", "64x96")
    result = run_cli("data", "synth", tmp_path / "out", *few)
    assert (result.code, result.out) == (0, f"{tmp_path / 'out'}\n")
    assert "5 images of 1 classes, 2 of them defective." in result.err
    dataset = open_dataset(str(tmp_path / "out"))
    assert (dataset.classes, len(dataset)) == (("background", "stain"), 5)
    assert (dataset.labels, dataset.normal_label) == (("normal", "stain"), "normal")
    assert sorted(item.name for item in dataset.items if item.label == 1) == [
        "roll-0000/stain",
        "roll-0001/stain",
    ]


def test_a_class_of_another_style_is_a_usage_error(run_cli: RunCli, tmp_path: Path) -> None:
    result = run_cli("data", "synth", tmp_path / "out", "--style", "fabric", "--class", 6)
    result.refused(2, "'6'", "hole, stain, broken-yarn, end-out")


def test_the_seed_decides_the_bytes(run_cli: RunCli, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run_cli("data", "synth", tmp_path / name, *FEW, "--seed", seed).code == 0
    first, again, other = (
        sorted(path.read_bytes() for path in (tmp_path / name).rglob("*.PNG")) for name in "abc"
    )
    assert first == again != other


def test_an_unknown_style_is_a_usage_error(run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("data", "synth", tmp_path / "out", "--style", "fabrik").refused(2, "'fabrik'", "fabric")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_a_usage_error(run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("data", "synth", tmp_path, *FEW).refused(2, "is there already")
