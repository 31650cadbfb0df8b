"""`--data`: what is typed, and what is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.layouts.dagm import Dagm2007
from edgekit.data.layouts.images_masks import ImageMaskFolder
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.data.synthetic_fabric import SyntheticFabric
from edgekit_runtime.errors import DatasetError, UsageProblem
from tests.edgekit.data.layouts.test_dagm import write_dagm


def test_layouts_are_recognised(image_folder: Path, tmp_path: Path) -> None:
    assert isinstance(open_dataset(str(image_folder)), ImageMaskFolder)
    root = write_dagm(tmp_path, kinds=(1,))
    assert isinstance(open_dataset(str(root)), Dagm2007)
    assert len(open_dataset(str(root / "Class1"))) == 10
    assert len(open_dataset(str(root), OpenOptions(True))) == 12


def test_generated_sets() -> None:
    everything, one = open_dataset("synthetic:dagm"), open_dataset("synthetic:dagm/6")
    assert isinstance(everything, SyntheticDagm)
    assert (len(everything), len(one)) == (2100, 150)
    assert len(open_dataset("synthetic:dagm/6", OpenOptions(True))) == 1150
    cloth, holes = open_dataset("synthetic:fabric"), open_dataset("synthetic:fabric/hole", OpenOptions(False))
    assert isinstance(cloth, SyntheticFabric)
    assert (len(cloth), len(holes)) == (1440, 120)


@pytest.mark.parametrize(
    "text",
    [
        "synthetic:",
        "synthetic:steel",
        "synthetic:fabric/tear",
        "synthetic:dagm/",
        "synthetic:dagm/0",
        "synthetic:dagm/11",
        "synthetic:dagm/six",
        "synthetic:dagm/-1",
        "synthetic:dagm/²",
        "synthetic:dagm/" + "9" * 5000,
    ],
)
def test_other_generated_sets_are_refused(text: str) -> None:
    with pytest.raises(UsageProblem):
        open_dataset(text)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder"):
        open_dataset(str(tmp_path / "nowhere"))


def test_an_unknown_layout_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        open_dataset(str(tmp_path))
    assert "images/" in caught.value.remedy
    assert "DAGM" in caught.value.message


def test_a_half_of_the_layout_says_which_half_is_missing(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="masks"):
        open_dataset(str(tmp_path))
