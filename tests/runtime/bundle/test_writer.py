import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import edgekit_runtime
from edgekit_runtime.bundle import Bundle, FileInfo, Manifest, write_bundle
from edgekit_runtime.bundle.writer import check_bundle_target
from edgekit_runtime.errors import ArtefactRefused, BundleFormatError, IoFault, UsageProblem


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, to compare before and after."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_equal_arguments_give_equal_bytes(
    tmp_path: Path, segment_manifest: Manifest, segment_files: dict[str, bytes]
) -> None:
    first = write_bundle(tmp_path / "first.edgekit", segment_manifest, segment_files)
    backwards = dict(reversed(segment_files.items()))
    second = write_bundle(str(tmp_path / "second.edgekit"), segment_manifest, backwards)
    assert tree(first.path) == tree(second.path)
    assert first.digest == second.digest


def test_the_files_of_the_manifest_are_filled_in(
    tmp_path: Path, segment_manifest: Manifest, segment_files: dict[str, bytes]
) -> None:
    stale = replace(segment_manifest, files={"stale": FileInfo("00" * 32, 1)})
    bundle = write_bundle(tmp_path / "x.edgekit", stale, segment_files)
    assert {name: info.size_bytes for name, info in bundle.manifest.files.items()} == {
        name: len(content) for name, content in segment_files.items()
    }


def test_an_existing_bundle_is_replaced_whole(segment_bundle: Bundle, segment_manifest: Manifest) -> None:
    files = {"main.onnx": b"new"}
    bundle = write_bundle(segment_bundle.path, replace(segment_manifest, golden=()), files)
    assert Bundle.open(segment_bundle.path) == bundle
    assert sorted(tree(bundle.path.parent)) == [
        "plain.edgekit",
        "plain.edgekit/main.onnx",
        "plain.edgekit/manifest.json",
    ]


def test_a_damaged_bundle_can_be_replaced(
    segment_bundle: Bundle, segment_manifest: Manifest, segment_files: dict[str, bytes]
) -> None:
    (segment_bundle.path / "manifest.json").write_bytes(b"damaged")
    write_bundle(segment_bundle.path, segment_manifest, segment_files)
    Bundle.open(segment_bundle.path)


def test_others_may_read_what_the_umask_lets_them(segment_bundle: Bundle) -> None:
    umask = 0o777 & ~stat.S_IMODE((segment_bundle.path / "golden").stat().st_mode)
    assert stat.S_IMODE(segment_bundle.path.stat().st_mode) == 0o777 & ~umask


@pytest.mark.parametrize("name", ["x", "x.edgekit.bak", ".edgekit", "x.edgekit/..", "/"])
def test_the_name_ends_in_edgekit(tmp_path: Path, segment_manifest: Manifest, name: str) -> None:
    with pytest.raises(UsageProblem, match=r"ends in \.edgekit"):
        write_bundle(tmp_path / name, segment_manifest, {})


def test_only_bundles_are_replaced(
    tmp_path: Path, segment_manifest: Manifest, segment_files: dict[str, bytes], segment_bundle: Bundle
) -> None:
    folder = tmp_path / "places"
    (folder / "home.edgekit").mkdir(parents=True)
    (folder / "home.edgekit/letter.txt").write_text("dear")
    (folder / "file.edgekit").write_text("a file")
    (folder / "link.edgekit").symlink_to(segment_bundle.path)
    (folder / "dangling.edgekit").symlink_to("nowhere")
    before = tree(folder)
    for name, reason in {
        "home": "directory without manifest.json",
        "file": "is a file",
        "link": "is a link",
        "dangling": "is a link",
    }.items():
        with pytest.raises(UsageProblem, match=reason):
            write_bundle(folder / f"{name}.edgekit", segment_manifest, segment_files)
    assert tree(folder) == before


def test_a_missing_parent_is_named(
    tmp_path: Path, segment_manifest: Manifest, segment_files: dict[str, bytes]
) -> None:
    with pytest.raises(UsageProblem, match="missing is no directory"):
        check_bundle_target(tmp_path / "missing/x.edgekit")
    with pytest.raises(UsageProblem, match="missing is no directory"):
        write_bundle(tmp_path / "missing/x.edgekit", segment_manifest, segment_files)
    assert tree(tmp_path) == {}


def test_a_name_that_is_too_long_for_the_disk_is_a_fault_with_a_remedy(
    tmp_path: Path, segment_manifest: Manifest, segment_files: dict[str, bytes]
) -> None:
    for stem in ("x" * 300, "x" * 240):  # the second is too long only with the addition of a temporary name
        with pytest.raises(IoFault, match="too long") as caught:
            write_bundle(tmp_path / f"{stem}.edgekit", segment_manifest, segment_files)
        assert "shorter name" in caught.value.remedy
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a\\b", "a/../../x", "manifest.json", "Big", ""])
def test_names_that_leave_the_bundle_are_not_written(
    segment_bundle: Bundle, segment_manifest: Manifest, segment_files: dict[str, bytes], name: str
) -> None:
    before = tree(segment_bundle.path.parent)
    with pytest.raises(BundleFormatError, match="file name"):
        write_bundle(segment_bundle.path, segment_manifest, {**segment_files, name: b"x"})
    assert tree(segment_bundle.path.parent) == before


def test_a_manifest_that_breaks_the_format_changes_nothing(
    segment_bundle: Bundle, segment_manifest: Manifest, segment_files: dict[str, bytes]
) -> None:
    before = tree(segment_bundle.path.parent)
    with pytest.raises(BundleFormatError, match=r"'main\.onnx'"):
        write_bundle(segment_bundle.path, segment_manifest, {})
    assert tree(segment_bundle.path.parent) == before


def test_a_disk_that_loses_bytes_is_noticed_before_the_target_changes(
    segment_bundle: Bundle,
    segment_manifest: Manifest,
    segment_files: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = tree(segment_bundle.path.parent)
    write = Path.write_bytes
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", lambda path, content: write(path, bytes(len(content))))
        with pytest.raises(ArtefactRefused):
            write_bundle(segment_bundle.path, segment_manifest, segment_files)
    assert tree(segment_bundle.path.parent) == before


def test_importing_the_bundle_needs_numpy_alone() -> None:
    code = (
        "import sys, edgekit_runtime.bundle\n"
        "roots = {name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names - {'cython_runtime'}\n"
        "print(*sorted(root for root in roots if not root.startswith('_')))"
    )
    # -S skips what an editable install hooks in, so the package's own folder is named.
    folders = [str(Path(edgekit_runtime.__file__).parents[1]), *sys.path]
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {folders!r}\n{code}"],
        capture_output=True,
        text=True,
    )
    assert (done.stderr, done.stdout.split()) == ("", ["edgekit_runtime", "numpy"])
