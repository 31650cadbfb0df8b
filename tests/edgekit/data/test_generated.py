"""The table of generated styles: what is opened after `synthetic:`, and what is written as files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.generated import STYLES, WantedFiles, find_style, open_generated, write_files
from edgekit.data.synthetic_fabric import SyntheticFabric
from edgekit.reporting import Reporter
from edgekit_runtime.errors import UsageProblem

SMALL = WantedFiles(("hole", "end-out"), defective=2, normal=3, seed=5, size=(64, 80))


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", STYLES)
def test_every_class_of_every_style_opens(name: str) -> None:
    whole = open_generated(name, include_normal=None)
    assert whole.name == f"synthetic:{name}"
    for chosen in STYLES[name].classes:
        one = open_generated(f"{name}/{chosen}", include_normal=None)
        assert one.name == f"synthetic:{name}/{chosen}"
        assert 0 < len(one) < len(whole)


def test_cloth_is_mostly_normal_and_dagm_defective_unless_something_else_is_asked_for() -> None:
    counts = {
        (name, asked): {item.defective for item in open_generated(name, include_normal=asked).items}
        for name in STYLES
        for asked in (None, True, False)
    }
    assert [counts["dagm", asked] for asked in (None, True, False)] == [{True}, {True, False}, {True}]
    assert [counts["fabric", asked] for asked in (None, True, False)] == [
        {True, False},
        {True, False},
        {True},
    ]


@pytest.mark.parametrize("text", ["", "steel", "fabric/", "fabric/holes", "fabric/1", "fabric/" + "9" * 5000])
def test_what_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        open_generated(text, include_normal=None)
    assert len(caught.value.message) < 200


def test_an_unknown_style_is_refused_with_the_known_ones() -> None:
    assert find_style("dagm").classes[0] == "1"
    with pytest.raises(UsageProblem, match="'fabrics'") as caught:
        find_style("fabrics")
    assert "fabric" in caught.value.remedy


def test_written_cloth_opens_as_it_was_generated(tmp_path: Path, quiet: Reporter) -> None:
    write_files(tmp_path / "set", "fabric", SMALL, reporter=quiet)
    source = SyntheticFabric(SMALL.classes, defective=2, normal=3, seed=5, size=(64, 80))
    dataset = open_dataset(str(tmp_path / "set"))
    assert (dataset.classes, len(dataset)) == (source.classes, len(SMALL))
    written = {item.name: dataset.load(index) for index, item in enumerate(dataset.items)}
    assert {item.group for item in dataset.items} == {item.group for item in source.items}
    for index, item in enumerate(source.items):
        sample, same = source.load(index), written[item.name]
        assert np.array_equal(sample.image, same.image)
        assert np.array_equal(sample.known_mask, same.known_mask)
        assert sample.kinds == same.kinds
    assert len(open_dataset(str(tmp_path / "set"), OpenOptions(include_normal=False))) == 4


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, quiet: Reporter) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_files(tmp_path / name, "fabric", replace(SMALL, seed=seed), reporter=quiet)
    first, again, other = (content(tmp_path / name) for name in "abc")
    assert first == again
    images = [{data for path, data in found.items() if "images" in path} for found in (first, other)]
    assert not images[0] & images[1]


@pytest.mark.parametrize(
    ("style", "change", "words"),
    [
        ("fabric", {"classes": ("hole", "hole")}, "at most once"),
        ("fabric", {"classes": ("tear",)}, "hole, stain, broken-yarn, end-out"),
        ("dagm", {"classes": ("11",)}, "classes 1 to 10"),
        ("dagm", {"classes": ("hole",)}, "classes 1 to 10"),
        ("fabric", {"normal": 9999}, "1 to 9,999 tiles"),
        ("fabric", {"size": (64, 63)}, "at least 64 pixels"),
        ("fabrik", {}, "no style 'fabrik'"),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, quiet: Reporter, style: str, change: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageProblem, match=words):
        write_files(tmp_path / "set", style, replace(SMALL, **change), reporter=quiet)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_refused_and_left_alone(tmp_path: Path, quiet: Reporter) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(UsageProblem, match="set is there already"):
        write_files(tmp_path / "set", "fabric", SMALL, reporter=quiet)
    assert list((tmp_path / "set").iterdir()) == []
