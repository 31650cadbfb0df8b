"""Files below a folder, through links and around circles."""

from __future__ import annotations

from pathlib import Path

from edgekit.data.layouts.file_trees import list_tree


def test_links_to_folders_are_followed_and_circles_end(tmp_path: Path) -> None:
    elsewhere = tmp_path / "disk" / "train"
    root = tmp_path / "data"
    for folder in (elsewhere, root / "val", root / ".cache"):
        folder.mkdir(parents=True)
        (folder / "b.png").touch()
        (folder / "a.png").touch()
        (folder / "._a.png").touch()
    (root / "train").symlink_to(elsewhere)
    (root / "val" / "up").symlink_to(root)
    names = [str(path.relative_to(root)) for path in list_tree(root)]
    assert names == ["train/a.png", "train/b.png", "val/a.png", "val/b.png"]
