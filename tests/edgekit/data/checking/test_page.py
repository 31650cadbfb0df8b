"""The page of a check: whole, escaped, and alone in its folder but for the contact sheet."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from edgekit.data.checking.page import write_check_page
from edgekit.reporting import Reporter
from edgekit_runtime.errors import FrameError, IoFault
from tests.edgekit.data.checking.drawn import Drawn, DrawnDataset, check, make_mask
from tests.edgekit.image_folders import load

MARK = make_mask((8, 8, 10, 10, 1))
HOSTILE = "<script>alert('x')</script>&\"{name}"
VOID = {"meta", "img", "br", "rect"}


class Outline(HTMLParser):
    """Collects tags, attributes and text, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def write(out: Path, images: list[Drawn], **options: object) -> Outline:
    dataset = DrawnDataset(images, **options)
    page = write_check_page(out, check(dataset), dataset, reporter=Reporter(quiet=True))
    assert page == out / "index.html"
    outline = Outline(page.read_text())
    assert outline.open == []
    return outline


def test_the_page_says_what_the_report_says(tmp_path: Path) -> None:
    images = [
        Drawn("empty", mask=make_mask(), defective=True),
        Drawn("marked", mask=MARK, defective=True),
        Drawn("good", mask=make_mask(), defective=False),
        Drawn("torn", error=FrameError("torn.png is empty.")),
    ]
    page = write(tmp_path / "new" / "out", images)
    for words in (
        "1 of 2 images called defective has an empty mask.",
        "torn.png is empty.",
        "0.0326",
        "1 error",
    ):
        assert words in page.text
    alternatives = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    assert alternatives == ["marked", "empty", "good", "empty"]
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == ["index.html", "sheet.png"]
    assert load(tmp_path / "new" / "out" / "sheet.png").shape[2] == 3


def test_the_page_needs_no_other_file_and_no_network(tmp_path: Path) -> None:
    page = write(tmp_path, [Drawn("a", mask=MARK)])
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe"}
    sources = [
        value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")
    ]
    assert sources
    assert all(source is not None and source.startswith("data:image/jpeg;base64,") for source in sources)


def test_every_name_is_escaped(tmp_path: Path) -> None:
    images = [
        Drawn(HOSTILE, mask=make_mask(), defective=True, label=0, group=HOSTILE),
        Drawn(HOSTILE + "2", mask=MARK, label=0, kinds=(HOSTILE,), group=HOSTILE),
        Drawn(HOSTILE + "3", error=FrameError(f"{HOSTILE}.png is empty.")),
    ]
    page = write(tmp_path, images, labels=(HOSTILE,), name=HOSTILE)
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count(HOSTILE) >= 8


def test_a_name_that_is_no_text_ends_nothing(tmp_path: Path) -> None:
    assert "plate-\\udcff" in write(tmp_path, [Drawn("plate-\udcff", mask=MARK)]).text


def test_nothing_readable_gives_a_page_without_pictures(tmp_path: Path) -> None:
    page = write(tmp_path, [Drawn("a", error=FrameError("It is broken."))])
    assert "img" not in {tag for tag, _ in page.tags}
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    dataset = DrawnDataset([Drawn("a", mask=MARK)])
    with pytest.raises(IoFault, match="cannot be made"):
        write_check_page(tmp_path / "file" / "out", check(dataset), dataset, reporter=Reporter(quiet=True))
