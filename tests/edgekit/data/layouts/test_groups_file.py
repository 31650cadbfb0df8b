"""groups.csv: what it may say, and what it must not leave open."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.data import Item, OpenOptions, open_dataset, split_dataset
from edgekit.data.layouts.groups_file import (
    GroupsTable,
    Regrouped,
    join_groups,
    read_groups_file,
    regroup,
)
from edgekit.data.layouts.images_masks import ImageMaskFolder
from edgekit.data.strata import share_strata
from edgekit_runtime.errors import DatasetError
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.test_dagm import write_dagm
from tests.edgekit.image_folders import save, write_image_folder

COUNT, PER_COIL = 12, 2


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of plates and a groups.csv that puts two on each coil."""
    folder = write_image_folder(tmp_path / "plates", count=COUNT, size=(24, 40))
    write_lines(folder, [f"images/plate-{n:02}.png,coil-{n // PER_COIL}" for n in range(COUNT)])
    return folder


def write_lines(root: Path, lines: list[str], head: str = "image,group") -> None:
    (root / "groups.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


def read_table(root: Path) -> GroupsTable:
    table = read_groups_file(root)
    assert table is not None
    return table


class TestRegrouped(DatasetConformance):
    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: open_dataset(str(root))

    @pytest.fixture
    def change_content(self, root: Path, open_again: OpenDataset):
        def change() -> OpenDataset:
            path = root / "masks" / "plate-03.png"
            save(path, ImageMaskFolder(root).load(3).image * 0)
            return open_again

        return change


def test_the_file_says_the_groups(root: Path) -> None:
    dataset = open_dataset(str(root))
    assert isinstance(dataset, Regrouped)
    assert dataset.layout == "images/ and masks/"
    assert [item.group for item in dataset.items] == [f"coil-{n // PER_COIL}" for n in range(COUNT)]
    assert dataset.fingerprint() == ImageMaskFolder(root).fingerprint()


@pytest.mark.parametrize("seed", range(8))
def test_what_the_file_joins_lands_together(root: Path, seed: int) -> None:
    dataset = open_dataset(str(root))
    split = split_dataset(dataset, seed=seed)
    parts = defaultdict(set)
    for part, indices in split.parts.items():
        for index in indices:
            parts[dataset.items[index].group].add(part)
    assert all(len(found) == 1 for found in parts.values())


@pytest.mark.parametrize(
    "text", ["plate-00", "images/plate-00.png", "images\\plate-00.png", "./images/plate-00.png"]
)
def test_an_image_may_be_named_or_its_path_given(root: Path, text: str) -> None:
    write_lines(root, [f"{text},x", *(f"plate-{n:02},y" for n in range(1, COUNT))])
    assert [item.group for item in open_dataset(str(root)).items] == ["x"] + ["y"] * (COUNT - 1)


def test_a_file_of_a_spreadsheet_is_read(root: Path) -> None:
    lines = [f'"plate-{n:02}", coil {n} ,noted' for n in range(COUNT)]
    (root / "groups.csv").write_bytes(("\ufeff" + "\r\n".join(["image,group,note", *lines])).encode())
    assert open_dataset(str(root)).items[5].group == "coil 5"


def test_no_file_means_the_layouts_own_groups(root: Path) -> None:
    (root / "groups.csv").unlink()
    assert isinstance(open_dataset(str(root)), ImageMaskFolder)


def test_defect_free_images_that_are_left_out_may_be_named(tmp_path: Path) -> None:
    root = write_dagm(tmp_path, kinds=(1,))
    everything = open_dataset(str(root), OpenOptions(include_normal=True))
    write_lines(root, [f"{item.name}.PNG,{item.name[-2:]}" for item in everything.items])
    defective = open_dataset(str(root))
    assert len(defective) < len(everything)
    assert {item.group for item in defective.items} == {"01", "02", "03", "04", "05"}


def test_an_unknown_image_is_refused(root: Path) -> None:
    write_lines(root, [*(f"plate-{n:02},x" for n in range(COUNT)), "plate-99,x"])
    with pytest.raises(DatasetError, match=r"groups\.csv names 'plate-99', which is none of the 12 images"):
        open_dataset(str(root))


def test_an_image_without_a_line_is_refused(root: Path) -> None:
    write_lines(root, [f"plate-{n:02},x" for n in range(COUNT) if n != 7])
    with pytest.raises(DatasetError, match="no line for 1 of 12 images, such as plate-07"):
        open_dataset(str(root))


@pytest.mark.parametrize("again", ["plate-03", "images/plate-03.png"])
def test_an_image_with_two_lines_is_refused(root: Path, again: str) -> None:
    write_lines(root, [*(f"plate-{n:02},x" for n in range(COUNT)), f"{again},y"])
    with pytest.raises(DatasetError, match=r"names the image plate-03 twice"):
        open_dataset(str(root))


def test_an_empty_group_is_refused(root: Path) -> None:
    write_lines(root, [f"plate-{n:02},{'x' if n else ''}" for n in range(COUNT)])
    with pytest.raises(DatasetError, match="gives plate-00 no group"):
        open_dataset(str(root))


def test_a_name_that_fits_two_images_is_unknown() -> None:
    table = GroupsTable(Path("groups.csv"), ("image", "group"), {"a/b/1.png": {"group": "x"}})
    with pytest.raises(DatasetError, match=r"names 'a/b/1\.png'"):
        table.assign({"a/1", "b/1"})


def test_of_two_names_that_fit_the_longer_is_meant() -> None:
    table = GroupsTable(
        Path("groups.csv"), ("image",), {"a/1.png": {"image": "a/1.png"}, "1": {"image": "1"}}
    )
    assert table.assign({"a/1", "1"})["a/1"]["image"] == "a/1.png"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "its first line is empty"),
        (b"picture,group\n1,2\n", "its first line is picture, group"),
        (b"image,image,group\n1,2,3\n", "its first line is image, image, group"),
        (b"image,group\nplate-00\n", "line 2 has not 2 cells"),
        (b"image,group\nplate-00,1,2\n", "line 2 has not 2 cells"),
        (b"image,group\nplate-00,\xff\n", "utf-8"),
        (b'image,group\n"plate-00,1\n', "end of data"),
        (b"image,Group\nplate-00,1\n", "its first line is image, Group"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(root: Path, content: bytes, words: str) -> None:
    (root / "groups.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=words) as caught:
        open_dataset(str(root))
    assert "image,group" in caught.value.remedy


def test_a_column_that_the_layout_reads_itself_is_left_to_it(root: Path) -> None:
    write_lines(root, ["other.png,1"], head="image,tile_group")
    dataset = ImageMaskFolder(root)
    assert regroup(dataset, read_table(root), list, own_column="tile_group") is dataset


@pytest.mark.parametrize("column", ["tile_group", "source_a"])
def test_a_column_of_another_layout_is_not_overlooked(root: Path, column: str) -> None:
    # The images of a published set, moved to images/ with its list beside them: a split would part its groups.
    write_lines(root, [f"plate-{n:02},{n % 3}" for n in range(COUNT)], head=f"image,{column}")
    with pytest.raises(DatasetError, match=f"its first line is image, {column}"):
        open_dataset(str(root))


def test_a_file_one_folder_below_is_not_overlooked(tmp_path: Path) -> None:
    root = write_dagm(tmp_path, kinds=(1,))
    write_lines(
        root / "Class1", [f"Class1/{part}/{n:04}.PNG,x" for part in ("Train", "Test") for n in range(1, 7)]
    )
    assert {item.group for item in open_dataset(str(root / "Class1")).items} == {"x"}
    with pytest.raises(DatasetError, match=r"Class1/groups\.csv is not read where") as caught:
        open_dataset(str(root))
    assert str(root / "groups.csv") in caught.value.remedy


def test_a_group_takes_its_rarest_stratum() -> None:
    def make(name: str, group: str, stratum: str) -> Item:
        return Item(name, group, stratum, defective=None)

    items = [make("1", "a", "free"), make("2", "a", "crack"), make("3", "b", "free"), make("4", "c", "fray")]
    items += [make("5", "c", "crack"), make("6", "c", "free"), make("7", "d", "b"), make("8", "d", "a")]
    assert [item.stratum for item in share_strata(items)] == [
        *("crack", "crack", "free", "fray", "fray", "fray", "a", "a")
    ]


@given(st.lists(st.sets(st.sampled_from("abcdefghij"), min_size=1, max_size=3)), st.randoms())
def test_joined_names_are_the_connected_ones(sets: list[set[str]], random) -> None:
    groups = join_groups(sets)
    assert groups.keys() == set().union(*sets)
    for names in sets:
        assert len({groups[name] for name in names}) == 1
    # Names of different groups are linked by no set, in whatever order the sets come.
    for group in set(groups.values()):
        members = {name for name in groups if groups[name] == group}
        assert group == min(members)
        reached, before = {group}, 0
        while len(reached) > before:
            before = len(reached)
            reached = reached.union(*(names for names in sets if names & reached))
        assert reached == members
    shuffled = list(sets)
    random.shuffle(shuffled)
    assert join_groups(shuffled) == groups
