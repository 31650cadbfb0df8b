"""The Magnetic Tile loader: a small folder in its layout, and real images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.data import OpenOptions, open_dataset
from edgekit.data.layouts.magnetic_tile import FOLDERS, MagneticTile, is_magnetic_tile
from edgekit_runtime.errors import DatasetError, FrameError, MaskError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.linked_trees import link_tree, replace_link
from tests.edgekit.image_folders import draw_plate, load, save

SIZE = (32, 48)
KINDS = ("blowhole", "break", "crack", "fray", "uneven")
BREAK = "MT_Break/Imgs/exp1_num_11000"


def write_magnetic_tile(root: Path) -> Path:
    """Write five tiles per folder, of two exposures each; the mask of a defect-free image is black."""
    for number, (kind, folder) in enumerate(sorted(FOLDERS.items())):
        (root / folder / "Imgs").mkdir(parents=True)
        for tile in range(5):
            for exposure in (1, 2):
                frame = 10_000 * number + 1000 * (tile + 1) + 20 * (exposure - 1)
                image, mask = draw_plate(frame, (SIZE[0] + tile, SIZE[1]))
                path = root / folder / "Imgs" / f"exp{exposure}_num_{frame}"
                save(path.with_suffix(".jpg"), image)
                save(path.with_suffix(".png"), mask * np.uint8(kind != "free"))
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_magnetic_tile(tmp_path / "tiles")


def index_of(dataset: MagneticTile, name: str) -> int:
    return [item.name for item in dataset.items].index(name)


class TestMagneticTile(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: MagneticTile(root)

    @pytest.fixture
    def change_content(self, root: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            save(root / f"{BREAK}.png", np.zeros((SIZE[0], SIZE[1]), np.uint8))
            return open_again

        return change


def test_the_folder_is_the_label_and_the_value_of_the_mask(root: Path) -> None:
    dataset = MagneticTile(root)
    assert dataset.classes == ("background", *KINDS)
    assert dataset.labels == ("free", *KINDS)
    assert dataset.normal_label == "free"
    for index, item in enumerate(dataset.items):
        kind = dataset.labels[item.label]
        sample = dataset.load(index)
        assert item.name.startswith(FOLDERS[kind])
        assert item.stratum == kind
        assert item.defective == (kind != "free")
        assert set(np.unique(sample.mask)) == ({0} if kind == "free" else {0, dataset.classes.index(kind)})
        assert sample.kinds == (() if kind == "free" else (kind,))


def test_two_exposures_of_one_tile_are_one_group(root: Path) -> None:
    dataset = MagneticTile(root)
    assert Counter(Counter(item.group for item in dataset.items).values()) == {2: 30}


def test_a_tile_that_is_defective_once_counts_as_defective(root: Path) -> None:
    for suffix in (".jpg", ".png"):
        (root / f"MT_Break/Imgs/exp2_num_11020{suffix}").rename(root / f"MT_Free/Imgs/exp2_num_11020{suffix}")
    dataset = MagneticTile(root)
    first, second = (
        dataset.items[index_of(dataset, name)]
        for name in ("MT_Break/exp1_num_11000", "MT_Free/exp2_num_11020")
    )
    assert first.group == second.group
    assert first.stratum == second.stratum == "break"
    assert (first.defective, second.defective) == (True, False)


def test_masks_split_above_127(root: Path) -> None:
    grey = np.zeros(SIZE, np.uint8)
    grey[:8], grey[8:16] = 127, 128
    save(root / f"{BREAK}.png", grey)
    dataset = MagneticTile(root)
    mask = dataset.load(index_of(dataset, "MT_Break/exp1_num_11000")).mask
    assert not mask[:8].any()
    assert (mask[8:16] == dataset.classes.index("break")).all()


def test_an_empty_mask_of_a_defective_image_is_kept(root: Path) -> None:
    save(root / f"{BREAK}.png", np.zeros(SIZE, np.uint8))
    dataset = MagneticTile(root)
    index = index_of(dataset, "MT_Break/exp1_num_11000")
    assert dataset.items[index].defective
    assert dataset.load(index).kinds == ()
    assert not dataset.load(index).mask.any()


def test_a_defect_on_a_free_image_is_background(root: Path) -> None:
    path = sorted((root / "MT_Free/Imgs").glob("*.png"))[0]
    save(path, np.full(load(path).shape, 255, np.uint8))
    dataset = MagneticTile(root)
    index = index_of(dataset, f"MT_Free/{path.stem}")
    assert not dataset.load(index).mask.any()
    assert dataset.mask_file(index) == path


def test_defect_free_images_may_be_left_out_without_changing_groups(root: Path) -> None:
    everything, defective = MagneticTile(root), MagneticTile(root, include_normal=False)
    assert (len(everything), len(defective)) == (60, 50)
    groups = {item.name: item.group for item in everything.items}
    assert all(groups[item.name] == item.group and item.defective for item in defective.items)
    assert len(open_dataset(str(root), OpenOptions(include_normal=False))) == 50
    assert len(open_dataset(str(root))) == 60


def test_the_tile_groups_of_a_csv_are_taken(root: Path) -> None:
    names = sorted(path.relative_to(root) for path in root.rglob("*.jpg"))
    lines = [f"{name.as_posix()},{number // 4}" for number, name in enumerate(names)]
    (root / "groups.csv").write_text("\n".join(["image,tile_group", *lines]))
    dataset = MagneticTile(root)
    assert Counter(item.group for item in dataset.items) == {f"tile-{number}": 4 for number in range(15)}
    (root / "groups.csv").write_text("\n".join(["image,tile_group", *lines[1:]]))
    with pytest.raises(DatasetError, match="no line for 1 of 60 images"):
        MagneticTile(root)


@pytest.mark.parametrize(("suffix", "words"), [(".png", "have no mask"), (".jpg", "have no image")])
def test_half_a_pair_is_refused(root: Path, suffix: str, words: str) -> None:
    (root / f"{BREAK}{suffix}").unlink()
    with pytest.raises(DatasetError, match=rf"1 of 10 \w+ {words}, such as .*exp1_num_11000"):
        MagneticTile(root)


def test_a_mask_of_another_size_is_refused(root: Path) -> None:
    save(root / f"{BREAK}.png", np.zeros((5, 5), np.uint8))
    dataset = MagneticTile(root)
    with pytest.raises(MaskError, match=r"exp1_num_11000\.png is \(5, 5\), its image \(32, 48\)"):
        dataset.load(index_of(dataset, "MT_Break/exp1_num_11000"))


def test_a_damaged_image_is_named(root: Path) -> None:
    broken = root / f"{BREAK}.jpg"
    broken.write_bytes(broken.read_bytes()[:40])
    dataset = MagneticTile(root)
    with pytest.raises(FrameError, match=r"exp1_num_11000\.jpg"):
        dataset.load(index_of(dataset, "MT_Break/exp1_num_11000"))


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="MT_Free"):
        MagneticTile(tmp_path)
    (tmp_path / "MT_Free").mkdir()
    assert not is_magnetic_tile(tmp_path)


def test_defect_free_images_alone_are_refused_where_they_are_left_out(root: Path) -> None:
    for kind in KINDS:
        for path in (root / FOLDERS[kind] / "Imgs").iterdir():
            path.unlink()
    assert len(MagneticTile(root)) == 10
    with pytest.raises(DatasetError, match="only MT_Free"):
        MagneticTile(root, include_normal=False)


@pytest.fixture
def real_root(real_data: Path) -> Path:
    return real_data / "magnetic-tile"


def test_counts_of_the_real_images(real_root: Path) -> None:
    dataset = open_dataset(str(real_root))
    assert dataset.layout == "Magnetic Tile"
    assert Counter(dataset.labels[item.label] for item in dataset.items) == {
        "free": 763,
        "blowhole": 95,
        "uneven": 79,
        "break": 64,
        "crack": 47,
        "fray": 32,
    }
    assert len({item.group for item in dataset.items}) == 188


@pytest.mark.slow
class TestRealMagneticTile(DatasetConformance):
    @pytest.fixture
    def open_again(self, real_root: Path) -> OpenDataset:
        return lambda: MagneticTile(real_root)

    @pytest.fixture
    def change_content(self, real_root: Path, tmp_path: Path) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            copy = link_tree(real_root, tmp_path / "magnetic-tile")
            image = min((copy / "MT_Fray/Imgs").glob("*.jpg"))
            replace_link(image, np.zeros(load(image).shape, np.uint8))
            return lambda: MagneticTile(copy)

        return change

    def test_groups_derived_from_names_contain_those_of_the_csv(
        self, real_root: Path, tmp_path: Path
    ) -> None:
        copy = link_tree(real_root, tmp_path / "download")
        (copy / "groups.csv").unlink()
        derived = {item.name: item.group for item in MagneticTile(copy).items}
        tiles: dict[str, set[str]] = {}
        for item in MagneticTile(real_root).items:
            tiles.setdefault(item.group, set()).add(derived[item.name])
        assert all(len(groups) == 1 for groups in tiles.values())
        assert MagneticTile(copy).fingerprint() == MagneticTile(real_root).fingerprint()

    def test_every_image_loads_and_masks_hold_the_folders_kind(self, real_root: Path) -> None:
        dataset = MagneticTile(real_root)
        empty = []
        for index, item in enumerate(dataset.items):
            sample = dataset.load(index)
            with Image.open(dataset.mask_file(index)) as mask:
                assert np.array_equal(sample.mask > 0, np.asarray(mask) > 127)
            assert set(np.unique(sample.mask)) <= {0, item.label}
            if item.defective and not sample.kinds:
                empty.append(item.name)
        assert empty == ["MT_Uneven/exp4_num_124690"]
