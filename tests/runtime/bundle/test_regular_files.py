from pathlib import Path

import pytest

from edgekit_runtime.bundle.regular_files import check_listing, open_regular
from edgekit_runtime.errors import BundleIntegrityError, IoFault

SIZES = {"a": 1, "one/b": 2, "one/two/c": 0}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "one/two").mkdir(parents=True)
    (folder / "manifest.json").write_bytes(b"anything")
    for name, size in SIZES.items():
        (folder / name).write_bytes(b"x" * size)
    return folder


def test_an_exact_listing_passes(root: Path) -> None:
    check_listing(root, SIZES)


@pytest.mark.parametrize("name", ["extra", ".hidden", "one/extra", "one/two/.DS_Store", "__pycache__/x"])
def test_extra_files_are_named(root: Path, name: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(b"")
    culprit = "__pycache__" if name.startswith("__pycache__") else name
    with pytest.raises(
        BundleIntegrityError, match=f"'{culprit}' is in the directory and not in the manifest"
    ):
        check_listing(root, SIZES)


def test_extra_empty_folders_are_named(root: Path) -> None:
    (root / "one/empty").mkdir()
    with pytest.raises(BundleIntegrityError, match="'one/empty'"):
        check_listing(root, SIZES)


@pytest.mark.parametrize("name", ["manifest.json", "a", "one/b", "one/two/c"])
def test_missing_files_are_named(root: Path, name: str) -> None:
    (root / name).unlink()
    with pytest.raises(BundleIntegrityError, match=f"'{name}' is missing"):
        check_listing(root, SIZES)


def test_a_missing_folder_is_named(root: Path) -> None:
    (root / "one/two/c").unlink()
    (root / "one/two").rmdir()
    with pytest.raises(BundleIntegrityError, match="'one/two' is missing"):
        check_listing(root, SIZES)


def test_other_sizes_are_named(root: Path) -> None:
    (root / "one/b").write_bytes(b"xxx")
    with pytest.raises(BundleIntegrityError, match="'one/b' has 3 bytes; the manifest says 2"):
        check_listing(root, SIZES)


def test_files_and_folders_do_not_stand_for_each_other(root: Path) -> None:
    (root / "a").unlink()
    (root / "a").mkdir()
    with pytest.raises(BundleIntegrityError, match="'a' must be a regular file, and is a folder"):
        check_listing(root, SIZES)
    (root / "a").rmdir()
    (root / "a").write_bytes(b"x")
    with pytest.raises(BundleIntegrityError, match="'a' must be a folder, and is a file"):
        check_listing(root, {**SIZES, "a/x": 1})


def test_a_link_to_the_right_content_is_still_a_link(root: Path, tmp_path: Path) -> None:
    (root / "a").rename(tmp_path / "a")
    (root / "a").symlink_to(tmp_path / "a")
    with pytest.raises(BundleIntegrityError, match="'a' must be a regular file, and is a link"):
        check_listing(root, SIZES)
    with (
        pytest.raises(BundleIntegrityError, match=r"'a' is a link or no regular file"),
        open_regular(root, "a"),
    ):
        pass


def test_opening_closes_every_descriptor(root: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with open_regular(root, "one/b") as file:
        assert file.read() == b"xx"
    for name in ("nothing", "one/nothing", "nothing/b", "one", "a/b"):
        with pytest.raises(BundleIntegrityError), open_regular(root, name):
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_errors_of_the_body_are_faults_of_the_disk(root: Path) -> None:
    with pytest.raises(IoFault, match="'a' cannot be read: Input/output error"), open_regular(root, "a"):
        raise OSError(5, "Input/output error")
