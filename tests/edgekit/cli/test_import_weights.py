"""`edgekit import-weights`: what is accepted, and that what is refused leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgekit.checkpoints import load_checkpoint
from edgekit.models import MODELS, build_model
from tests.edgekit.checkpoints.test_authors import Opener
from tests.edgekit.checkpoints.test_torchvision import make_published
from tests.edgekit.conftest import CliResult, RunCli


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return build_model(MODELS.get("cheapnet-s"), seed=4).state_dict()


@pytest.fixture
def import_file(run_cli: RunCli, tmp_path: Path):
    """Return a function that saves a content as torch file and imports it."""

    def run(
        content: object, *, model: str = "cheapnet-s", mean: object = 0.348, std: object = 0.278
    ) -> CliResult:
        torch.save(content, tmp_path / "a.pth")
        out = tmp_path / "imported"
        return run_cli(
            "import-weights",
            tmp_path / "a.pth",
            "--model",
            model,
            f"--mean={mean}",
            f"--std={std}",
            "--out",
            out,
        )

    return run


def test_a_sound_file_becomes_a_checkpoint(import_file, state, tmp_path: Path) -> None:
    result = import_file({"CheapNet": state})
    assert result.code == 0, result.err
    assert result.out == f"{tmp_path / 'imported'}\n"
    record, weights = load_checkpoint(tmp_path / "imported")
    assert (record.model, record.provenance) == ("cheapnet-s", "imported")
    assert torch.equal(weights["encoder1.0.weight"], state["encoder1.0.weight"])


def test_another_file_replaces_the_checkpoint(import_file, state, tmp_path: Path) -> None:
    assert import_file({"CheapNet": state}).code == 0
    state["encoder1.0.weight"] += 1
    assert import_file({"CheapNet": state}, mean=0.5).code == 0
    assert load_checkpoint(tmp_path / "imported")[0].normalisation.mean == (0.5,)


@pytest.mark.parametrize(
    ("model", "mean", "std", "code", "word"),
    [
        ("cheapnet-m", 0.3, 0.2, 8, "cheapnet-m"),
        ("cheapnet-x", 0.3, 0.2, 2, "cheapnet-s"),
        ("cheapnet-s", 88.0, 0.2, 2, "255"),
        ("cheapnet-s", 0.3, 0.0, 2, "0 to 1"),
        ("cheapnet-s", "nan", 0.2, 2, "0 to 1"),
    ],
)
def test_refusals_write_nothing(import_file, state, tmp_path, model, mean, std, code, word) -> None:
    import_file({"CheapNet": state}, model=model, mean=mean, std=std).refused(code, word)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]


def test_nan_weights_are_refused(import_file, state, tmp_path: Path) -> None:
    state["decoder1.0.bias"][0] = float("nan")
    import_file({"CheapNet": state}).refused(8, "decoder1.0.bias", "NaN")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]


def test_code_in_the_file_does_not_run(import_file, state, tmp_path: Path) -> None:
    import_file({"CheapNet": state, "x": Opener(tmp_path / "trap")}).refused(8)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]


def test_a_folder_of_other_files_is_not_replaced(import_file, state, tmp_path: Path) -> None:
    (tmp_path / "imported").mkdir()
    (tmp_path / "imported" / "photo.jpg").write_bytes(b"dear")
    import_file({"CheapNet": state}).refused(2, "holds other files")
    assert (tmp_path / "imported" / "photo.jpg").read_bytes() == b"dear"


def test_a_missing_file_is_named(run_cli: RunCli, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.pth"
    run_cli(
        "import-weights",
        nowhere,
        "--model",
        "cheapnet-s",
        "--mean",
        0.3,
        "--std",
        0.2,
        "--out",
        tmp_path / "o",
    ).refused(8, str(nowhere))


@pytest.mark.parametrize(
    "options", [(), ("--mean", 0.3), ("--std", 0.2), ("--mean", "0.3,0.3,0.3", "--std", "0.2,0.2,0.2")]
)
def test_the_authors_files_need_one_mean_and_one_std(
    run_cli: RunCli, tmp_path: Path, options: tuple[object, ...]
) -> None:
    run_cli(
        "import-weights", tmp_path / "a.pth", "--model", "cheapnet-s", *options, "--out", tmp_path / "o"
    ).refused(2, "one --mean and one --std", "--from torchvision")


@pytest.mark.parametrize("option", [("--new-head",), ("--classes", "a,b"), ("--normal-class", "a")])
def test_options_of_classifiers_are_refused_for_the_authors_files(
    run_cli: RunCli, tmp_path: Path, option: tuple[str, ...]
) -> None:
    run_cli(
        *("import-weights", tmp_path / "a.pth", "--model", "cheapnet-s", "--mean", 0.3, "--std", 0.2),
        *(*option, "--out", tmp_path / "o"),
    ).refused(2, "belong to classifiers")


@pytest.fixture
def import_published(run_cli: RunCli, tmp_path: Path):
    """Return a function that imports a file with ShuffleNet's published names."""
    torch.save(make_published(), tmp_path / "a.pth")

    def run(*options: object) -> CliResult:
        start = (
            "import-weights",
            tmp_path / "a.pth",
            "--from",
            "torchvision",
            "--model",
            "shufflenet-v2-0.5",
        )
        return run_cli(*start, *options, "--out", tmp_path / "imported")

    return run


def test_published_weights_become_a_checkpoint_that_says_what_is_fresh(
    import_published, tmp_path: Path
) -> None:
    result = import_published("--classes", "good, hole,stain", "--normal-class", "good", "--new-head")
    assert (result.code, result.out) == (0, f"{tmp_path / 'imported'}\n"), result.err
    assert "fc.bias, fc.weight are fresh" in result.err
    record, weights = load_checkpoint(tmp_path / "imported")
    assert (record.classes, record.normal_class) == (("good", "hole", "stain"), "good")
    assert record.normalisation.mean == (0.485, 0.456, 0.406)
    assert torch.equal(weights["conv5.0.weight"], make_published()["conv5.0.weight"])


def test_another_normalisation_can_be_named(import_published, tmp_path: Path) -> None:
    numbers = ("--mean", "0.5,0.4,0.3", "--std", "0.25,0.2,0.1")
    assert import_published("--new-head", *numbers).code == 0
    normalisation = load_checkpoint(tmp_path / "imported")[0].normalisation
    assert (normalisation.mean, normalisation.std) == ((0.5, 0.4, 0.3), (0.25, 0.2, 0.1))


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ((), 8, ("1000 classes", "--new-head")),
        (("--new-head", "--mean", "0.5,0.4,0.3"), 2, ("--mean and --std belong together",)),
        (("--new-head", "--mean", "0.5", "--std", "0.2"), 2, ("three numbers each",)),
        (("--new-head", "--classes", "a,a"), 2, ("different names",)),
        (("--new-head", "--classes", "a,b", "--normal-class", "c"), 2, ("none of a, b",)),
    ],
)
def test_refusals_of_published_weights_write_nothing(
    import_published, tmp_path, options, code, words
) -> None:
    import_published(*options).refused(code, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]


def test_a_mean_that_is_no_number_is_refused(import_published) -> None:
    result = import_published("--new-head", "--mean", "0.5,x", "--std", "0.2")
    assert (result.code, result.out) == (2, "")
    assert "'0.5,x' is no number" in result.err


def test_a_network_with_exits_takes_the_backbone_of_a_published_file(run_cli: RunCli, tmp_path: Path) -> None:
    torch.save(make_published("mobilenet-v3-large"), tmp_path / "a.pth")
    options = ("--from", "torchvision", "--model", "mobile-di", "--out", tmp_path / "imported")
    result = run_cli("import-weights", tmp_path / "a.pth", *options)
    assert (result.code, result.out) == (0, f"{tmp_path / 'imported'}\n"), result.err
    assert "Imported 308 tensors of mobile-di." in result.err
    assert "24 tensors of classifiers are fresh: train the checkpoint" in result.err
    record, weights = load_checkpoint(tmp_path / "imported")
    assert (record.model, record.provenance) == ("mobile-di", "untrained")
    assert len(weights) == 308 + 24


def test_a_network_whose_backbone_nobody_publishes_is_refused(run_cli: RunCli, tmp_path: Path) -> None:
    options = ("--from", "torchvision", "--model", "dinet-table1", "--out", tmp_path / "imported")
    run_cli("import-weights", tmp_path / "a.pth", *options).refused(2, "dinet-table1", "dinet, dinet-a")
