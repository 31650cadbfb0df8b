"""VOC annotations: pixels counted from 1, and files that a stranger wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.data.layouts.voc_annotations import LARGEST_BYTES, Box, fill_boxes, read_annotation
from edgekit_runtime.errors import DatasetError, IoFault, MaskError

SIZE = (20, 30)

Corners = tuple[str, int, int, int, int]


def format_annotation(*boxes: Corners, size: tuple[int, int] | None = SIZE) -> str:
    """Return an annotation with boxes (kind, xmin, ymin, xmax, ymax) for an image of (height, width)."""
    head = f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>1</depth></size>" if size else ""
    objects = "".join(
        f"<object><name>{kind}</name><difficult>0</difficult><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for kind, left, top, right, bottom in boxes
    )
    return f"<annotation><folder>x</folder>{head}<segmented>0</segmented>{objects}</annotation>"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plate.xml"


def test_pixels_are_counted_from_one_and_the_last_is_inside(path: Path) -> None:
    path.write_text(format_annotation(("crack", 1, 1, 30, 20), ("stain", 3, 4, 4, 6)))
    annotation = read_annotation(path)
    assert annotation.boxes == (Box("crack", 0, 0, 30, 20), Box("stain", 2, 3, 4, 6))
    assert annotation.shape == SIZE
    assert annotation.kinds == ("crack", "stain")
    mask = fill_boxes(annotation.boxes, SIZE, {"crack": 1, "stain": 2})
    assert np.count_nonzero(mask == 2) == 2 * 3
    assert np.count_nonzero(mask == 1) == 20 * 30 - 2 * 3


def test_numbers_may_be_written_with_a_point(path: Path) -> None:
    path.write_text(
        format_annotation(("crack", 1, 1, 30, 20)).replace(">30<", ">30.0<").replace(">1<", "> 1 <")
    )
    assert read_annotation(path).boxes == (Box("crack", 0, 0, 30, 20),)


def test_no_object_is_no_box(path: Path) -> None:
    path.write_text(format_annotation())
    assert read_annotation(path).boxes == ()


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = draw(st.integers(0, 28)), draw(st.integers(0, 18))
    right, bottom = draw(st.integers(left + 2, 30)), draw(st.integers(top + 2, 20))
    return Box(draw(st.sampled_from("abc")), left, top, right, bottom)


@given(st.lists(boxes(), max_size=6))
def test_each_pixel_has_the_smallest_box_that_holds_it(drawn: list[Box]) -> None:
    values = {"a": 1, "b": 2, "c": 3}
    mask = fill_boxes(drawn, SIZE, values)
    for row in range(SIZE[0]):
        for column in range(SIZE[1]):
            holding = [b for b in drawn if b.top <= row < b.bottom and b.left <= column < b.right]
            # Later ones are on top of equally large ones, hence the reversal: min takes the first of equals.
            top = min(reversed(holding), key=lambda box: box.area_px, default=None)
            assert mask[row, column] == (values[top.kind] if top else 0)


@given(st.lists(boxes(), max_size=6))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, drawn: list[Box]) -> None:
    path = tmp_path_factory.mktemp("voc") / "1.xml"
    path.write_text(format_annotation(*((b.kind, b.left + 1, b.top + 1, b.right, b.bottom) for b in drawn)))
    assert read_annotation(path).boxes == tuple(drawn)


@pytest.mark.parametrize("box", [("crack", 1, 1, 31, 20), ("crack", 1, 1, 30, 21)])
def test_a_box_that_ends_outside_is_refused(path: Path, box: Corners) -> None:
    path.write_text(format_annotation(("crack", 2, 2, 5, 5), box))
    with pytest.raises(
        MaskError, match=rf"plate\.xml has the box crack \(xmin 1, ymin 1, xmax {box[3]}, ymax {box[4]}"
    ):
        read_annotation(path)
    path.write_text(format_annotation(box, size=None))
    annotation = read_annotation(path)
    with pytest.raises(MaskError, match=f"xmax {box[3]}"):
        annotation.require_fit(SIZE)


@pytest.mark.parametrize("box", [("crack", 0, 1, 30, 20), ("crack", 1, 0, 30, 20), ("crack", 1, -3, 30, 20)])
def test_a_box_that_begins_outside_is_refused(path: Path, box: Corners) -> None:
    path.write_text(format_annotation(box))
    with pytest.raises(DatasetError, match=rf"xmin {box[1]}, ymin {box[2]}.* begins outside") as caught:
        read_annotation(path)
    assert "from 1" in caught.value.remedy


@pytest.mark.parametrize("box", [("crack", 9, 1, 9, 20), ("crack", 9, 1, 8, 20), ("crack", 1, 5, 30, 5)])
def test_an_empty_box_is_refused(path: Path, box: Corners) -> None:
    path.write_text(format_annotation(box))
    with pytest.raises(DatasetError, match=rf"xmin {box[1]}, ymin {box[2]}.* empty or turned round"):
        read_annotation(path)


def test_an_image_of_another_size_is_refused(path: Path) -> None:
    path.write_text(format_annotation(("crack", 2, 2, 5, 5)))
    with pytest.raises(MaskError, match=r"image of \(20, 30\), its image is \(40, 60\)"):
        read_annotation(path).require_fit((40, 60))


def test_entities_are_not_expanded(path: Path) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    path.write_text(f'<!DOCTYPE annotation [<!ENTITY e0 "ha">{levels}]><annotation>&e11;</annotation>')
    with pytest.raises(DatasetError, match=r"a DOCTYPE \(annotation\) is not allowed"):
        read_annotation(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_other_files_are_not_fetched(path: Path, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "secret").write_text("secret")
    text = f'<!DOCTYPE a [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]><annotation>&e;</annotation>'
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?>{text}', encoding=encoding)
    with pytest.raises(DatasetError, match="DOCTYPE"):
        read_annotation(path)


def test_a_huge_file_is_refused(path: Path) -> None:
    path.write_text("<annotation>" + " " * LARGEST_BYTES + "</annotation>")
    with pytest.raises(DatasetError, match="more than 4,000,000 bytes"):
        read_annotation(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no element found"),
        ("hello", "syntax error"),
        ("<annotation>", "no element found"),
        ("<html></html>", "its root is <html>"),
        ('<?xml version="1.0" encoding="klingon"?><annotation/>', "encoding"),
        (format_annotation(("", 1, 1, 5, 5)), "lacks its <name>"),
        ("<annotation><object><name>a</name></object></annotation>", "<bndbox>"),
        (format_annotation(("a", 1, 1, 5, 5)).replace(">5<", ">5.5<"), "<xmax> of <bndbox> is '5.5'"),
        (format_annotation(("a", 1, 1, 5, 5)).replace("<xmin>1</xmin>", ""), "<xmin> of <bndbox> is ''"),
        (format_annotation(("a", 1, 1, 5, 5)).replace(">5<", ">nan<"), "is 'nan'"),
        (format_annotation(("a", 1, 1, 5, 5)).replace(">5<", ">1e999<"), "is '1e999'"),
        (format_annotation(size=(20, 30)).replace(">20<", ">tall<"), "<height> of <size> is 'tall'"),
    ],
)
def test_a_file_that_is_no_annotation_is_refused(path: Path, content: str, words: str) -> None:
    path.write_text(content)
    with pytest.raises(DatasetError, match=words) as caught:
        read_annotation(path)
    assert str(path) in caught.value.message


def test_a_file_that_cannot_be_opened_is_named(path: Path) -> None:
    with pytest.raises(IoFault, match=r"plate\.xml"):
        read_annotation(path)
