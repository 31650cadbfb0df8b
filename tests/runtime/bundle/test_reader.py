import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgekit_runtime.bundle import Bundle, Manifest, write_bundle
from edgekit_runtime.errors import (
    BundleFormatError,
    BundleIntegrityError,
    IoFault,
    UsageProblem,
)


def test_a_good_bundle_opens_and_reads(segment_bundle: Bundle, segment_files: dict[str, bytes]) -> None:
    bundle = Bundle.open(str(segment_bundle.path))
    assert bundle == segment_bundle
    assert set(bundle.manifest.files) == set(segment_files)
    for name, content in segment_files.items():
        assert bundle.read(name) == content
    mask = bundle.read_array("golden/mask.npy")
    assert mask.dtype == np.uint8
    assert mask.shape == (8, 16)
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = 1


def test_files_in_folders_are_found(
    tmp_path: Path, classify_manifest: Manifest, classify_files: dict[str, bytes]
) -> None:
    bundle = write_bundle(tmp_path / "staged.edgekit", classify_manifest, classify_files)
    assert Bundle.open(bundle.path).read("stages/exit2.onnx") == b"two"


def test_hard_links_are_allowed(segment_bundle: Bundle, tmp_path: Path) -> None:
    os.link(segment_bundle.path / "main.onnx", tmp_path / "cache-entry")
    Bundle.open(segment_bundle.path)


def test_a_link_to_a_bundle_opens_and_stays_with_it(
    segment_bundle: Bundle, tmp_path: Path, segment_manifest: Manifest, segment_files: dict[str, bytes]
) -> None:
    other = write_bundle(
        tmp_path / "other.edgekit", segment_manifest, {**segment_files, "main.onnx": b"other"}
    )
    link = tmp_path / "current.edgekit"
    link.symlink_to(segment_bundle.path)
    bundle = Bundle.open(link)
    link.unlink()
    link.symlink_to(other.path)
    assert bundle.path == segment_bundle.path
    assert bundle.read("main.onnx") == segment_files["main.onnx"]


def test_a_relative_path_survives_a_change_of_directory(
    segment_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(segment_bundle.path.parent)
    bundle = Bundle.open("plain.edgekit")
    monkeypatch.chdir(tmp_path)
    bundle.read("main.onnx")


def test_what_is_no_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"nothing\.edgekit: there is no bundle"):
        Bundle.open(tmp_path / "nothing.edgekit")
    (tmp_path / "file.edgekit").write_bytes(b"")
    with pytest.raises(BundleFormatError, match="a bundle is a directory, and this is a file"):
        Bundle.open(tmp_path / "file.edgekit")
    with pytest.raises(UsageProblem, match="there is no bundle"):
        Bundle.open(tmp_path / "file.edgekit" / "inside")
    with pytest.raises(BundleFormatError, match=r"no manifest\.json"):
        Bundle.open(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(IoFault, match="loop"):
        Bundle.open(tmp_path / "loop")


def test_only_files_of_the_manifest_are_read(segment_bundle: Bundle) -> None:
    for name in ("manifest.json", "../plain.edgekit/main.onnx", "/etc/hostname", "golden"):
        with pytest.raises(UsageProblem, match="has no file") as caught:
            segment_bundle.read(name)
        assert "main.onnx" in caught.value.remedy


def test_without_verification_damage_is_found_on_reading(segment_bundle: Bundle) -> None:
    path = segment_bundle.path / "main.onnx"
    path.write_bytes(path.read_bytes()[::-1])
    bundle = Bundle.open(segment_bundle.path, verify=False)
    for read in (bundle.read, bundle.verify_file):
        with pytest.raises(BundleIntegrityError, match=r"'main\.onnx' is damaged"):
            read("main.onnx")
    with pytest.raises(BundleIntegrityError, match=r"'main\.onnx' is damaged"):
        Bundle.open(segment_bundle.path)


@contextmanager
def replaced(path: Path) -> Iterator[None]:
    """Let a test put something else in a file's place."""
    aside = path.with_name(path.name + ".aside")
    path.rename(aside)
    yield
    aside.replace(path)


def test_what_changes_after_opening_is_refused_on_reading(segment_bundle: Bundle, tmp_path: Path) -> None:
    path = segment_bundle.path / "golden" / "mask.npy"
    content = path.read_bytes()
    outside = tmp_path / "outside"
    outside.write_bytes(content)

    def refuse(reason: str) -> None:
        with pytest.raises(BundleIntegrityError, match=reason):
            segment_bundle.read("golden/mask.npy")

    with replaced(path):
        refuse("'golden/mask.npy' is missing")
        path.symlink_to(outside)
        refuse("'golden/mask.npy' is a link or no regular file")
        path.unlink()
        os.mkfifo(path)
        refuse("'golden/mask.npy' must be a regular file, and is a pipe")
        path.unlink()
        path.mkdir()
        refuse("'golden/mask.npy' is a link or no regular file")
        path.rmdir()
        path.write_bytes(content + b"x")
        refuse(f"'golden/mask.npy' has {len(content) + 1} bytes; the manifest says {len(content)}")
        os.truncate(path, 1 << 40)  # its true size is known without reading it
        refuse(f"'golden/mask.npy' has {1 << 40} bytes; the manifest says {len(content)}")
        path.write_bytes(content[:-1] + b"x")
        refuse("'golden/mask.npy' is damaged")
    with replaced(path.parent):
        path.parent.symlink_to(path.parent.with_name("golden.aside"))
        refuse("'golden/mask.npy' is a link or no regular file")
        path.parent.unlink()
    assert segment_bundle.read("golden/mask.npy") == content


def test_a_failing_disk_is_a_fault_of_the_device_and_not_of_the_bundle(
    segment_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(IoFault, match=r"'main\.onnx' cannot be read: Permission denied") as caught:
        segment_bundle.read("main.onnx")
    assert caught.value.exit_code == 7


def test_a_file_that_is_no_array_is_refused_by_name(
    tmp_path: Path, segment_manifest: Manifest, segment_files: dict[str, bytes]
) -> None:
    files = {**segment_files, "golden/mask.npy": b"no array"}
    bundle = write_bundle(tmp_path / "x.edgekit", segment_manifest, files)
    with pytest.raises(BundleFormatError, match=r"'golden/mask\.npy' is no \.npy file"):
        bundle.read_array("golden/mask.npy")
