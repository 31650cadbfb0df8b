"""Images of rejected parts: the right rows, in a folder that does not grow."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgekit_runtime.line.pictures import PictureFolder, RecentRows


def noise(seed, shape=(20, 20)):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def make_folder(path, *, max_bytes=1_000_000, channels="grey"):
    return PictureFolder(path, max_bytes=max_bytes, channels=channels)


def test_an_image_is_what_was_captured(tmp_path):
    path = make_folder(tmp_path / "new").save("1", noise(1))
    assert path.name == "part-1.png"
    assert (np.asarray(Image.open(path)) == noise(1)).all()


def test_colours_are_written_in_the_order_of_a_png(tmp_path):
    colours = noise(1, (3, 3, 3))
    path = make_folder(tmp_path, channels="bgr").save("1", colours)
    assert (np.asarray(Image.open(path)) == colours[..., ::-1]).all()


def test_the_oldest_images_go_those_of_earlier_runs_first(tmp_path):
    size = make_folder(tmp_path).save("0", noise(0)).stat().st_size
    os.utime(tmp_path / "part-0.png", ns=(1, 1))
    (tmp_path / "notes.txt").write_text("not ours")
    folder = make_folder(tmp_path, max_bytes=int(3.5 * size))
    for number in (1, 2, 3, 4):
        folder.save(str(number), noise(number))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["notes.txt", "part-2.png", "part-3.png", "part-4.png"]


def test_an_image_larger_than_all_may_be_costs_no_other(tmp_path):
    size = make_folder(tmp_path).save("1", noise(1)).stat().st_size
    folder = make_folder(tmp_path, max_bytes=size)
    with pytest.raises(OSError, match="larger than all may be"):
        folder.save("2", noise(2, (40, 40)))
    assert [path.name for path in tmp_path.iterdir()] == ["part-1.png"]


def test_a_disk_that_refuses_leaves_no_half_and_may_take_the_next(tmp_path):
    blocked = tmp_path / "folder"
    blocked.write_text("a file is in the way")
    folder = make_folder(blocked)
    with pytest.raises(OSError, match="exists"):
        folder.save("1", noise(1))
    blocked.unlink()
    folder.save("2", noise(2))
    assert [path.name for path in blocked.iterdir()] == ["part-2.png"]


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    folder = make_folder(tmp_path)
    (tmp_path / ".part-1.png.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        folder.save("1", noise(1))
    assert list(tmp_path.iterdir()) == []
    assert folder.save("1", noise(1)).is_file()


@given(
    st.lists(st.tuples(st.integers(1, 8), st.booleans()), min_size=1, max_size=12),
    st.integers(1, 30),
    st.data(),
)
def test_rows_are_cut_from_the_web_as_far_as_they_are_kept(pieces, most, data):
    web = np.zeros((sum(height for height, _ in pieces), 2), np.uint8)
    recent = RecentRows(most)
    row = 0
    for height, seen in pieces:
        if seen:
            web[row : row + height] = noise(row, (height, 2)) | 1
            recent.add(web[row : row + height])
        else:
            recent.skip(height)
        row += height
    y1 = data.draw(st.integers(0, row - 1))
    y2 = data.draw(st.integers(y1 + 1, row))
    found = recent.cut(y1, y2)
    kept = range(max(y1, row - most), y2)
    if found is None:
        assert not web[kept].any()
        return
    first, image = found
    assert (image == web[first : first + len(image)]).all()
    assert not web[[y for y in kept if not first <= y < first + len(image)]].any()
    assert first >= y1
    assert first + len(image) <= y2


def test_what_is_forgotten_is_no_longer_held():
    recent = RecentRows(100)
    for _ in range(10):
        recent.add(np.ones((10, 2), np.uint8))
    recent.forget(95)
    assert recent.cut(0, 90) is None
    assert recent.cut(0, 100)[0] == 90
