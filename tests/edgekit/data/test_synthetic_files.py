"""Generated images as files: what is written is what the DAGM 2007 layout reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.synthetic import render
from edgekit.data.synthetic_files import GeneratedSet, write_generated
from edgekit.reporting import Reporter
from edgekit_runtime.errors import IoFault, UsageProblem
from tests.edgekit.image_folders import load

SMALL = GeneratedSet((1, 6), defective=3, normal=4, seed=5, size=(64, 80))


@pytest.fixture
def written(tmp_path: Path, quiet: Reporter) -> Path:
    write_generated(tmp_path / "set", SMALL, reporter=quiet)
    return tmp_path / "set"


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_it_opens_as_dagm_with_the_images_and_masks_that_were_generated(written: Path) -> None:
    dataset = open_dataset(str(written), OpenOptions(include_normal=True))
    assert dataset.layout == "DAGM 2007"
    files = {f"Class{file.kind}/{file.part}/{file.number:04}": file for file in SMALL.files()}
    assert {item.name for item in dataset.items} == set(files)
    for index, item in enumerate(dataset.items):
        file = files[item.name]
        image, mask = render(file.kind, file.index, defective=file.defective, seed=5, size=(64, 80))
        sample = dataset.load(index)
        assert np.array_equal(sample.image, image)
        assert np.array_equal(sample.known_mask, mask)
        assert item.defective is file.defective
    assert len(open_dataset(str(written))) == 6


def test_files_are_named_as_in_the_official_set(written: Path) -> None:
    names = sorted(content(written))
    assert sum(name.endswith("_label.PNG") for name in names) == 6
    images = [name for name in names if "Label" not in name]
    assert images == [
        f"Class{kind}/{part}/{number:04}.PNG"
        for kind in (1, 6)
        for part, numbers in (("Test", range(5, 8)), ("Train", range(1, 5)))
        for number in numbers
    ]
    assert all((written / "Class1" / part / "Label").is_dir() for part in ("Train", "Test"))
    label = next(written.rglob("*_label.PNG"))
    assert set(np.unique(load(label))) == {0, 255}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    written: Path, tmp_path: Path, quiet: Reporter
) -> None:
    write_generated(tmp_path / "again", SMALL, reporter=quiet)
    assert content(tmp_path / "again") == content(written)
    write_generated(tmp_path / "other", replace(SMALL, seed=6), reporter=quiet)
    other, first = content(tmp_path / "other"), content(written)
    assert not set(other.values()) & set(first.values())


def test_both_parts_get_defective_images() -> None:
    files = [file for file in GeneratedSet().files() if file.defective]
    for kind in range(1, 11):
        assert {file.part for file in files if file.kind == kind} == {"Train", "Test"}


def test_an_existing_folder_is_refused_and_left_alone(tmp_path: Path, quiet: Reporter) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(UsageProblem, match="set is there already"):
        write_generated(tmp_path / "set", SMALL, reporter=quiet)
    assert list((tmp_path / "set").iterdir()) == []
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageProblem, match="link is there already"):
        write_generated(tmp_path / "link", SMALL, reporter=quiet)


def test_a_failure_leaves_nothing(tmp_path: Path, quiet: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fail_at_the_third(path: Path, pixels: np.ndarray) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise IoFault("The disk is full.")

    monkeypatch.setattr("edgekit.data.synthetic_files.write_png", fail_at_the_third)
    with pytest.raises(IoFault, match="full"):
        write_generated(tmp_path / "set", SMALL, reporter=quiet)
    assert len(calls) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kinds": (0,)}, "classes 1 to 10"),
        ({"kinds": (11,)}, "classes 1 to 10"),
        ({"kinds": (6, 6)}, "at most once"),
        ({"kinds": ()}, "classes 1 to 10"),
        ({"defective": 0, "normal": 0}, "1 to 9,999 images"),
        ({"defective": -1}, "1 to 9,999 images"),
        ({"normal": 9_999}, "1 to 9,999 images"),
        ({"size": (64, 63)}, "at least 64 pixels; got 64×63"),
    ],
)
def test_what_cannot_be_generated_is_refused(
    tmp_path: Path, quiet: Reporter, change: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageProblem, match=words):
        write_generated(tmp_path / "set", replace(SMALL, **change), reporter=quiet)
    assert list(tmp_path.iterdir()) == []
