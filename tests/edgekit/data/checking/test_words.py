"""The report that people read on a terminal."""

from __future__ import annotations

import numpy as np

from edgekit.data.checking.words import render_words
from edgekit_runtime.errors import FrameError
from tests.edgekit.data.checking.drawn import Drawn, DrawnDataset, check, make_mask, make_noise

MARK = make_mask((8, 8, 8, 8, 1))


def render(images: list[Drawn], **options: object) -> str:
    return render_words(check(DrawnDataset(images, **options)))


def test_the_figures_stand_under_their_names() -> None:
    images = [
        Drawn("a", mask=MARK, label=0, group="plate"),
        Drawn("b", mask=make_mask(), label=1, group="plate"),
        Drawn("c", image=make_noise("c", (20, 30)), label=1),
        Drawn("d", error=FrameError("It is broken.")),
    ]
    text = render(images, labels=("hole", "free"))
    lines = {line[2:13].strip(): line[14:] for line in text.splitlines() if line.startswith("  ")}
    assert text.startswith("drawn: 4 images\n")
    assert lines["images"] == "1 defective, 1 defect-free, 1 of which nothing says, 1 that cannot be used"
    assert lines["sizes"].startswith("2 different; height 20 / 48 / 48, width 30 / 64 / 64 px")
    assert "most often 48×64 (2); 66.67% are multiples of 16" in lines["sizes"]
    assert lines["channels"] == "3 grey, 8 bits each"
    assert lines["classes"] == "hole 1, free 2"
    assert lines["groups"] == "2; the largest, plate, has 2 images"
    assert lines["pixels"] == "98.96% background, 1.04% defect"
    assert any(
        line.split() == ["defect", "1", "0.0208", "1", "64", "/", "64", "/", "64"]
        for line in text.splitlines()
    )


def test_findings_name_their_examples_and_errors_do_so_once() -> None:
    images = [Drawn(f"e{n}", mask=make_mask(), defective=True) for n in range(7)]
    text = render([*images, Drawn("torn", error=FrameError("torn.png is empty."))])
    flat = " ".join(text.split())
    assert "error torn cannot be used. torn.png is empty. Mend it, or take it out." in flat
    assert "warning All 7 images called defective have an empty mask. (e0, e1, e2, e3, e4, …)" in flat
    assert text.count("torn cannot") == 1
    assert max(map(len, text[text.index("error ") :].splitlines())) <= 100


def test_a_set_without_masks_has_no_columns_of_shares() -> None:
    text = render([Drawn("a", kinds=("hole",)), Drawn("b", kinds=("hole", "stain"))], classes=())
    assert "share" not in text.split("\n\n")[2]
    assert ["hole", "2"] in [line.split() for line in text.splitlines()]


def test_nothing_doubtful_is_said() -> None:
    images = [Drawn(f"{n}", mask=MARK if n % 2 else make_mask()) for n in range(40)]
    assert render(images).endswith("\nNothing doubtful was found.")


def test_nothing_readable_still_reads_well() -> None:
    text = render([Drawn("a", error=FrameError("It is broken."))])
    assert "0 defective, 0 defect-free, 1 that cannot be used" in text
    assert "nan" not in text


def test_colour_and_single_size() -> None:
    colour = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    text = render([Drawn("a", image=colour)])
    assert "1 in colour, 8 bits each" in text
    assert "48×64 (height × width in pixels)" in text
    assert "every image is a group of its own" in text
