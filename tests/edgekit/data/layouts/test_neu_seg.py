"""The NEU-Seg loader: a small folder in its layout, and real images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.data import open_dataset
from edgekit.data.layouts.neu_seg import NeuSeg, find_neu_seg
from edgekit_runtime.errors import DatasetError, FrameError, MaskError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.linked_trees import link_tree, replace_link
from tests.edgekit.image_folders import draw_plate, save

SIZE = (24, 24)
PER_PART = 9


def write_neu_seg(root: Path) -> Path:
    """Write training/ and test/ with the same file names; the kinds take turns."""
    for part in ("training", "test"):
        for folder in ("images", "annotations"):
            (root / "NEU_Seg" / folder / part).mkdir(parents=True)
        for number in range(PER_PART):
            image, mask = draw_plate(number + 100 * (part == "test"), SIZE)
            save(root / f"NEU_Seg/images/{part}/{number:06}.jpg", np.repeat(image[:, :, None], 3, axis=2))
            save(root / f"NEU_Seg/annotations/{part}/{number:06}.png", mask // 255 * np.uint8(1 + number % 3))
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_neu_seg(tmp_path / "neu-seg")


@pytest.fixture
def mask(root: Path) -> Path:
    """The file of the first image's mask."""
    return root / "NEU_Seg/annotations/training/000000.png"


def write_sources(path: Path, sources: dict[str, tuple[str, str]]) -> None:
    """Write a csv with the sources of images, whose paths are those below NEU_Seg."""
    lines = [f"images/{name}.jpg,1,{first},{second}" for name, (first, second) in sources.items()]
    path.write_text("\n".join(["image,in_pack,source_a,source_b", *lines]))


class TestNeuSeg(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: NeuSeg(root)

    @pytest.fixture
    def change_content(self, mask: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            save(mask, np.zeros(SIZE, np.uint8))
            return open_again

        return change


def test_values_are_the_kinds(root: Path) -> None:
    dataset = NeuSeg(root)
    assert [item.name for item in dataset.items[:2]] == ["training/000000", "training/000001"]
    assert [item.stratum for item in dataset.items[:3]] == ["inclusion", "patches", "scratches"]
    for index, item in enumerate(dataset.items):
        sample = dataset.load(index)
        assert item.defective
        assert sample.image.shape == SIZE
        assert sample.kinds == (item.stratum,)
        assert set(np.unique(sample.mask)) == {0, dataset.classes.index(item.stratum)}


def test_the_stratum_is_the_kind_that_covers_most(root: Path, mask: Path) -> None:
    pixels = np.zeros(SIZE, np.uint8)
    pixels[:2], pixels[2:5], pixels[5:7] = 1, 3, 2
    save(mask, pixels)
    dataset = NeuSeg(root)
    assert dataset.items[0].stratum == "scratches"
    assert dataset.load(0).kinds == ("inclusion", "patches", "scratches")


def test_an_empty_mask_means_no_defect(root: Path, mask: Path) -> None:
    save(mask, np.zeros(SIZE, np.uint8))
    item = NeuSeg(root).items[0]
    assert (item.stratum, item.defective) == ("normal", False)


@pytest.mark.parametrize("below", ["", "NEU_Seg"])
def test_either_level_opens_the_same(root: Path, below: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sources(root / "groups.csv", {item.name: ("inclusion_1", "") for item in NeuSeg(root).items})
    expected = NeuSeg(root)
    dataset = open_dataset(str(root / below))
    assert (dataset.name, dataset.layout) == ("neu-seg", "NEU-Seg")
    assert dataset.items == expected.items
    assert dataset.fingerprint() == expected.fingerprint()
    monkeypatch.chdir(root / below)
    assert open_dataset(".").items == expected.items


def test_images_of_one_source_are_one_group(root: Path) -> None:
    names = [item.name for item in NeuSeg(root).items]
    assert all(item.group == item.name for item in NeuSeg(root).items)
    sources = {name: (f"patches_{number}", "") for number, name in enumerate(names)}
    sources[names[3]] = ("patches_0", "patches_9")
    write_sources(root / "groups.csv", sources)
    dataset = NeuSeg(root)
    groups = {item.name: item.group for item in dataset.items}
    assert groups[names[0]] == groups[names[3]] == groups[names[9]] == "patches_0"
    assert groups[names[1]] == "patches_1"
    assert len(set(groups.values())) == len(names) - 2
    assert len({item.stratum for item in dataset.items if item.group == "patches_0"}) == 1


def test_a_csv_that_misses_an_image_is_refused(root: Path) -> None:
    names = [item.name for item in NeuSeg(root).items]
    write_sources(root / "NEU_Seg/groups.csv", dict.fromkeys(names[1:], ("inclusion_1", "")))
    with pytest.raises(DatasetError, match="no line for 1 of 18 images, such as training/000000"):
        NeuSeg(root)


@pytest.mark.parametrize("value", [4, 255])
def test_an_unknown_value_is_refused_when_it_is_loaded(root: Path, mask: Path, value: int) -> None:
    pixels = np.zeros(SIZE, np.uint8)
    pixels[2, 2] = value
    save(mask, pixels)
    dataset = NeuSeg(root)
    assert (dataset.items[0].stratum, dataset.items[0].defective) == ("unreadable", None)
    with pytest.raises(
        MaskError, match=rf"000000\.png holds the value {value}; expected 0 background, 1 inclusion"
    ):
        dataset.load(0)
    assert dataset.load(1).mask is not None


def test_a_damaged_mask_or_image_stops_only_itself(root: Path, mask: Path) -> None:
    mask.write_bytes(b"hello")
    image = root / "NEU_Seg/images/training/000001.jpg"
    image.write_bytes(image.read_bytes()[:40])
    dataset = NeuSeg(root)
    with pytest.raises(MaskError, match=r"000000\.png"):
        dataset.load(0)
    with pytest.raises(FrameError, match=r"000001\.jpg"):
        dataset.load(1)
    assert dataset.load(2).kinds == ("scratches",)


def test_a_mask_of_another_size_is_refused(root: Path, mask: Path) -> None:
    save(mask, np.zeros((24, 25), np.uint8))
    with pytest.raises(MaskError, match=r"000000\.png is \(24, 25\), its image \(24, 24\)"):
        NeuSeg(root).load(0)


@pytest.mark.parametrize(
    ("folder", "words"), [("annotations", "images have no mask"), ("images", "masks have no image")]
)
def test_half_a_pair_is_refused(root: Path, folder: str, words: str) -> None:
    min((root / "NEU_Seg" / folder / "test").iterdir()).unlink()
    with pytest.raises(DatasetError, match=f"1 of 9 {words}, such as .*000000"):
        NeuSeg(root)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    assert find_neu_seg(tmp_path) is None
    with pytest.raises(DatasetError, match="NEU_Seg/images/training"):
        NeuSeg(tmp_path)
    (tmp_path / "images/test").mkdir()
    (tmp_path / "annotations/test").mkdir()
    with pytest.raises(DatasetError, match="holds no images in training or test"):
        NeuSeg(tmp_path)


def test_counts_of_the_real_images(real_data: Path) -> None:
    dataset = open_dataset(str(real_data / "neu-seg" / "NEU_Seg"))
    assert dataset.layout == "NEU-Seg"
    assert Counter(item.stratum for item in dataset.items) == {
        "inclusion": 240,
        "patches": 241,
        "scratches": 240,
    }
    assert all(item.defective for item in dataset.items)
    assert len({item.group for item in dataset.items}) == 720


@pytest.mark.slow
class TestRealNeuSeg(DatasetConformance):
    @pytest.fixture
    def open_again(self, real_data: Path) -> OpenDataset:
        return lambda: NeuSeg(real_data / "neu-seg")

    @pytest.fixture
    def change_content(self, real_data: Path, tmp_path: Path) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            copy = link_tree(real_data / "neu-seg", tmp_path / "neu-seg")
            replace_link(copy / "NEU_Seg/images/test/000001.jpg", np.zeros((200, 200), np.uint8))
            return lambda: NeuSeg(copy)

        return change

    def test_every_image_loads_and_shows_its_sources_kind(self, real_data: Path) -> None:
        dataset = NeuSeg(real_data / "neu-seg")
        for index, item in enumerate(dataset.items):
            sample = dataset.load(index)
            assert sample.image.shape == (200, 200)
            assert sample.kinds == (item.stratum,) == (item.group.rpartition("_")[0],)
