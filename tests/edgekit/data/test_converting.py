"""Converted data are the data: items, images, masks and kinds come back, whatever the names."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.data import Dataset, Item, OpenOptions, Sample, Subset, open_dataset
from edgekit.data.converting import LONGEST_STEM, convert_dataset, name_files
from edgekit.data.layouts.coco import Coco
from edgekit.data.layouts.images_masks import open_image_folder
from edgekit.reporting import Reporter
from edgekit_runtime.errors import DatasetError, MaskError, UsageProblem
from tests.conformance.dataset_conformance import DatasetConformance, OpenDataset
from tests.edgekit.data.layouts.annotation_folders import write_coco
from tests.edgekit.data.layouts.building import BUILDERS
from tests.edgekit.image_folders import load, save

QUIET = Reporter(quiet=True)


class InMemory(Dataset):
    """Samples that are there already."""

    def __init__(
        self, samples: list[Sample], items: list[Item], classes: tuple[str, ...], labels: tuple[str, ...]
    ):
        self.name, self.layout = "some data", "memory"
        self.samples, self.items, self.classes, self.labels = samples, tuple(items), classes, labels
        self.normal_label = labels[0] if labels else None

    def load(self, index: int) -> Sample:
        return self.samples[index]

    def digest(self, index: int) -> str:
        return str(index)


words = st.text(min_size=1, max_size=12)
names = st.lists(
    words | st.sampled_from(["a/b", "a_b", "A/B", "a//b", "../x", ".", "..", "CON", "x" * 400]), unique=True
)


@st.composite
def datasets(draw: st.DrawFn) -> InMemory:
    classes = draw(st.sampled_from([(), ("background", "defect"), ("background", "a", "b", "c")]))
    labels = tuple(draw(st.lists(words, max_size=3, unique=True)))
    samples, items = [], []
    for name in draw(names.filter(bool)):
        size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
        generator = np.random.default_rng(draw(st.integers(0, 99)))
        channels = draw(st.sampled_from([(), (3,)]))
        image = generator.integers(0, 256, (*size, *channels)).astype(np.uint8)
        if channels:
            image[0, 0] = (1, 2, 3)
        mask = generator.integers(0, len(classes), size).astype(np.uint8) if classes else None
        defective = draw(st.sampled_from([True, False, None]))
        kinds = () if defective is False else tuple(sorted(draw(st.sets(words, max_size=2))))
        label = draw(st.none() | st.integers(0, len(labels) - 1)) if labels else None
        samples.append(Sample(name, image, mask, kinds))
        items.append(Item(name, draw(words), draw(words), defective, label))
    return InMemory(samples, items, classes, labels)


def require_same(first: Dataset, second: Dataset) -> None:
    """Check that two datasets say and hold the same."""
    assert second.items == first.items
    assert (second.name, second.classes) == (first.name, first.classes)
    assert (second.labels, second.normal_label) == (first.labels, first.normal_label)
    for index in range(len(first)):
        ours, theirs = first.load(index), second.load(index)
        assert (theirs.name, theirs.kinds) == (ours.name, ours.kinds)
        assert np.array_equal(theirs.image, ours.image)
        assert (theirs.mask is None) == (ours.mask is None)
        assert theirs.mask is None or np.array_equal(theirs.mask, ours.mask)


def read_tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.slow
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(datasets())
def test_nothing_is_lost_and_twice_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, dataset: InMemory
) -> None:
    folder = tmp_path_factory.mktemp("converted")
    convert_dataset(dataset, folder / "first", reporter=QUIET)
    require_same(dataset, open_image_folder(folder / "first"))
    convert_dataset(dataset, folder / "second", reporter=QUIET)
    assert read_tree(folder / "second") == read_tree(folder / "first")
    convert_dataset(open_image_folder(folder / "first"), folder / "third", reporter=QUIET)
    require_same(dataset, open_image_folder(folder / "third"))


@pytest.mark.parametrize("kind", list(BUILDERS))
def test_every_layout_converts(tmp_path: Path, kind: str) -> None:
    title, build = BUILDERS[kind]
    build(tmp_path / "source")
    dataset = open_dataset(str(tmp_path / "source"), OpenOptions(boxes_as_masks=True))
    content = convert_dataset(dataset, tmp_path / "out", reporter=QUIET)
    again = open_dataset(str(tmp_path / "out"))
    assert (content.layout, again.layout) == (title, "images/ and masks/")
    require_same(dataset, again)


@pytest.mark.parametrize("name", ["dagm2007", "magnetic-tile", "neu-seg", "neu-det"])
def test_real_images_convert(tmp_path: Path, real_data: Path, name: str) -> None:
    dataset = open_dataset(str(real_data / name))
    some = Subset(dataset, range(0, len(dataset), max(1, len(dataset) // 12)))
    convert_dataset(some, tmp_path / "out", reporter=QUIET)
    require_same(some, open_dataset(str(tmp_path / "out")))


class TestConverted(DatasetConformance):
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        convert_dataset(Coco(write_coco(tmp_path / "source")), tmp_path / "out", reporter=QUIET)
        return tmp_path / "out"

    @pytest.fixture
    def open_again(self, root: Path) -> OpenDataset:
        return lambda: open_image_folder(root)

    @pytest.fixture
    def change_content(self, root: Path, open_again: OpenDataset) -> Callable[[], OpenDataset]:
        def change() -> OpenDataset:
            path = root / "masks" / "plate-00.png"
            save(path, load(path) * np.uint8(2))
            return open_again

        return change

    def test_masks_hold_class_indices(self, root: Path) -> None:
        values = {value for path in (root / "masks").iterdir() for value in np.unique(load(path)).tolist()}
        assert values == {0, 1, 2}

    def test_values_without_a_class_are_refused(self, root: Path) -> None:
        path = root / "masks" / "plate-00.png"
        save(path, load(path) * np.uint8(255))
        with pytest.raises(MaskError, match="holds the value 255; expected 0 to 2"):
            open_image_folder(root).load(0)

    @pytest.mark.parametrize("folder", ["images", "masks"])
    def test_a_missing_file_is_refused(self, root: Path, folder: str) -> None:
        (root / folder / "plate-03.png").unlink()
        with pytest.raises(DatasetError, match=rf"names 'plate-03', which is not in .*{folder} \(1 of 12"):
            open_image_folder(root)

    @pytest.mark.parametrize("folder", ["images", "masks"])
    def test_a_file_that_is_not_named_is_refused(self, root: Path, folder: str) -> None:
        save(root / folder / "new.png", np.zeros((24, 40), np.uint8))
        with pytest.raises(DatasetError, match=rf"does not name .*{folder}/new\.png \(1 such"):
            open_image_folder(root)

    def test_the_fingerprint_knows_what_the_file_says(self, root: Path) -> None:
        before = open_image_folder(root).fingerprint()
        path = root / "dataset.json"
        content = json.loads(path.read_text())
        content["items"][0]["kinds"] = ["scratch"]
        path.write_text(json.dumps(content))
        assert open_image_folder(root).fingerprint() != before


def test_masks_of_one_defect_class_are_black_and_white(tmp_path: Path, image_folder: Path) -> None:
    convert_dataset(open_dataset(str(image_folder)), tmp_path / "out", reporter=QUIET)
    assert np.unique(load(tmp_path / "out" / "masks" / "plate-00.png")).tolist() == [0, 255]


def test_equal_channels_become_grey(tmp_path: Path) -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    sample = Sample("a", np.repeat(grey[:, :, None], 3, axis=2), None)
    dataset = InMemory([sample], [Item("a", "a", "a", None)], (), ())
    convert_dataset(dataset, tmp_path / "out", reporter=QUIET)
    assert np.array_equal(open_image_folder(tmp_path / "out").load(0).image, grey)


def test_no_path_of_this_machine_is_written(tmp_path: Path) -> None:
    convert_dataset(Coco(write_coco(tmp_path / "source")), tmp_path / "out", reporter=QUIET)
    assert str(tmp_path) not in (tmp_path / "out" / "dataset.json").read_text()


@settings(deadline=None)
@given(names)
def test_file_names_are_safe_and_unlike_each_other(names: list[str]) -> None:
    stems = name_files(names)
    assert len({stem.casefold() for stem in stems}) == len(names)
    for stem in stems:
        assert 0 < len(stem.encode()) <= LONGEST_STEM
        assert not set(stem) & set('/\\:*?"<>|\0\n ')
        assert not stem.startswith(".")


@settings(deadline=None)
@given(names, st.randoms())
def test_file_names_do_not_depend_on_the_order(names: list[str], random) -> None:
    shuffled = random.sample(names, len(names))
    assert dict(zip(names, name_files(names), strict=True)) == dict(
        zip(shuffled, name_files(shuffled), strict=True)
    )


def test_names_that_are_no_text_come_back(tmp_path: Path) -> None:
    """A file name is bytes; Python keeps those that are no UTF-8 as halves of surrogate pairs."""
    dataset = InMemory(
        [Sample("p\udcfflate", np.zeros((2, 3), np.uint8), None)],
        [Item("p\udcfflate", "g\udc80", "s", None)],
        (),
        (),
    )
    convert_dataset(dataset, tmp_path / "out", reporter=QUIET)
    require_same(dataset, open_image_folder(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out" / "images").iterdir()] == ["p_late.png"]


def test_plain_names_stay(tmp_path: Path) -> None:
    assert name_files(["plate-17", "Class6/Train/1070", "ü"]) == ["plate-17", "Class6_Train_1070", "ü"]


def test_an_existing_folder_is_left_alone(tmp_path: Path, image_folder: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageProblem, match="is there already"):
        convert_dataset(open_dataset(str(image_folder)), tmp_path / "out", reporter=QUIET)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_image_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "source")
    dataset = Coco(root)
    (root / "images" / "plate-09.png").write_bytes(b"damaged")
    with pytest.raises(Exception, match=r"plate-09\.png"):
        convert_dataset(dataset, tmp_path / "out", reporter=QUIET)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


FULL_DISK = """
import resource, signal, sys
sys.path[:0] = {path!r}
from pathlib import Path
from edgekit.data import open_dataset
from edgekit.data.converting import convert_dataset
from edgekit.reporting import Reporter
from edgekit_runtime.errors import EdgekitError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    convert_dataset(open_dataset({source!r}), Path({out!r}), reporter=Reporter(quiet=True))
except EdgekitError as error:
    print(error.message)
    sys.exit(error.exit_code)
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [64, 3500], ids=["images", "dataset.json"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, limit: int) -> None:
    write_coco(tmp_path / "source", count=24)
    code = FULL_DISK.format(
        path=[entry for entry in sys.path if entry],
        limit=limit,
        source=str(tmp_path / "source"),
        out=str(tmp_path / "out"),
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (7, "")
    assert f"{tmp_path / 'out'} cannot be written: File too large." in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
