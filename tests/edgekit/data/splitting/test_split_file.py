"""A split on the disk: what was written comes back, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.data import Split, Subset, split_dataset
from edgekit.data.splitting.split_file import apply_split, read_split, write_split
from edgekit.data.splitting.splits import split_into_folds
from edgekit_runtime.errors import DatasetError, IoFault
from tests.edgekit.data.splitting.test_splits import NamedItems, plain

DATASET = NamedItems(plain(30))


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "split.json"
    write_split(path, split_dataset(DATASET, seed=3), DATASET)
    return path


@given(count=st.integers(10, 60), seed=st.integers(0, 2**40), fold=st.none() | st.integers(0, 4))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_written_comes_back(tmp_path: Path, count: int, seed: int, fold: int | None) -> None:
    dataset = NamedItems(plain(count, "Stücke/ä"))
    split = (
        split_dataset(dataset, seed=seed)
        if fold is None
        else split_into_folds(dataset, folds=5, fold=fold, seed=seed)
    )
    write_split(tmp_path / "split.json", split, dataset)
    stored = read_split(tmp_path / "split.json")
    assert apply_split(stored, dataset) == split
    assert (stored.split, stored.data) == (split.info(dataset), "named")
    assert stored.fingerprint == dataset.fingerprint()
    assert [path.name for path in tmp_path.iterdir()] == ["split.json"]


def test_names_that_are_no_text_come_back(tmp_path: Path) -> None:
    dataset = NamedItems(plain(20, "pl\udce4tte"))
    split = split_dataset(dataset)
    write_split(tmp_path / "split.json", split, dataset)
    assert apply_split(read_split(tmp_path / "split.json"), dataset) == split


def test_the_order_of_items_does_not_matter(stored: Path) -> None:
    reversed_items = NamedItems(DATASET.items[::-1])
    split = apply_split(read_split(stored), reversed_items)
    assert split.names(reversed_items) == split_dataset(DATASET, seed=3).names(DATASET)


def test_the_file_is_for_people_too(stored: Path) -> None:
    content = json.loads(stored.read_text())
    assert content["schema"] == "edgekit.split/1"
    assert content["data"] == "named"
    assert content["split"]["seed"] == 3
    assert {part: len(names) for part, names in content["parts"].items()} == {
        "train": 21,
        "val": 3,
        "test": 6,
    }
    assert all(names == sorted(names) for names in content["parts"].values())


def test_an_image_that_the_split_does_not_name_is_refused(stored: Path) -> None:
    more = NamedItems([*plain(30), *plain(1, "new")])
    with pytest.raises(
        DatasetError, match="1 images of named are there but not named by the split, such as new-0"
    ):
        apply_split(read_split(stored), more)


def test_an_image_that_is_gone_is_refused(stored: Path) -> None:
    fewer = Subset(DATASET, range(1, 30))
    with pytest.raises(
        DatasetError, match="1 images of named are named by the split but not there, such as all-0"
    ):
        apply_split(read_split(stored), fewer)


def move_a_name(content: dict[str, Any]) -> None:
    content["parts"]["train"].append(content["parts"]["test"].pop())


def repeat_a_name(content: dict[str, Any]) -> None:
    content["parts"]["train"].append(content["parts"]["test"][0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (move_a_name, "not those that were written"),
        (repeat_a_name, "names all-[0-9]+ twice"),
        (lambda content: content.update(schema="edgekit.split/2"), "schema is 'edgekit.split/2'"),
        (lambda content: content.pop("schema"), "schema"),
        (lambda content: content.pop("fingerprint"), "fingerprint"),
        (lambda content: content.update(more=1), "more"),
        (lambda content: content["parts"].update(dev=["x"]), "a part 'dev'"),
        (lambda content: content["parts"].update(test=[]), "test part is empty"),
        (lambda content: content.update(parts={}), "no parts"),
        (lambda content: content["parts"].update(test=[3]), "test"),
        (lambda content: content["split"].update(seed="three"), "seed"),
    ],
)
def test_a_changed_file_is_refused(stored: Path, change: Callable[[dict[str, Any]], Any], words: str) -> None:
    content = json.loads(stored.read_text())
    change(content)
    stored.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=words) as caught:
        read_split(stored)
    assert str(stored) in caught.value.message


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_is_no_split_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "split.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="no usable split"):
        read_split(path)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(IoFault, match=r"missing\.json"):
        read_split(tmp_path / "missing.json")
    with pytest.raises(IoFault, match="cannot be read"):
        read_split(tmp_path)


def test_a_folder_that_cannot_be_written_is_named_and_left_clean(tmp_path: Path) -> None:
    split = split_dataset(DATASET)
    with pytest.raises(IoFault, match=r"split\.json cannot be written"):
        write_split(tmp_path / "missing" / "split.json", split, DATASET)
    (tmp_path / "split.json").mkdir()
    with pytest.raises(IoFault, match=r"split\.json cannot be written"):
        write_split(tmp_path / "split.json", split, DATASET)
    assert [path.name for path in tmp_path.iterdir()] == ["split.json"]


def test_a_split_in_two_parts_comes_back(tmp_path: Path) -> None:
    split = split_dataset(DATASET, fractions={"test": 0.5, "train": 0.5})
    write_split(tmp_path / "split.json", split, DATASET)
    found: Split = apply_split(read_split(tmp_path / "split.json"), DATASET)
    assert found == split
