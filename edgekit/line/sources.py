"""`--source`: from what a person types to the strips of a web."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgekit.line.cloth import weave_strips
from edgekit.line.folder import find_width, read_strips
from edgekit.line.video import open_film
from edgekit.media.images import list_images
from edgekit_runtime.bundle.contract import InputContract
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.line.pacing import count_rows
from edgekit_runtime.line.strips import Pixels
from edgekit_runtime.near_names import suggest

CLOTH = "synthetic:fabric"
PAPER_WIDTH = 8192
"""DI-Net's line: two cameras of 4,096 pixels side by side."""


@dataclass(frozen=True)
class MadeWeb:
    """What a web that is made, and not read, shall be.

    Attributes:
        width: In pixels.
        strip_rows: Rows of a strip; None takes those of the bundle's tiles.
        seed: Another seed makes another web.
    """

    width: int = PAPER_WIDTH
    strip_rows: int | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class WebSource:
    """The strips of a web, and what is known of them.

    Attributes:
        strips: Arrays in the order of the web; an error in the place of one that cannot be read.
        width: In pixels; None where no strip says it before it is read.
        strip_rows: Rows of every strip; None where they may differ.
        mm_per_pixel: None where the source does not know it.
    """

    strips: Iterator[Pixels | Exception]
    width: int | None = None
    strip_rows: int | None = None
    mm_per_pixel: float | None = None


def open_source(text: str, contract: InputContract, made: MadeWeb, mm_per_pixel: float | None) -> WebSource:
    """Return the web that a person has named.

    Args:
        text: folder:PATH, PATH, video:FILE or synthetic:fabric.
        contract: Of the bundle.
        made: For a web that is made.
        mm_per_pixel: For a web that is made; None takes the bundle's, or else that of the paper's line.

    Raises:
        UsageProblem: If there is no such source.
        UnusableInput: If a folder holds no image, or a video cannot be read.
        MissingDependency: If a video needs a package that is not installed.
    """
    pixels = contract.pixels
    kind, _, rest = text.partition(":")
    if kind == "video" and rest:
        film = open_film(Path(rest), pixels)
        return WebSource(film.frames, film.width)
    if kind == "synthetic":
        if text != CLOTH:
            raise UsageProblem(f"There is no source {text!r}.", remedy=suggest(text, [CLOTH]))
        return _open_cloth(contract, made, mm_per_pixel)
    path = Path(rest if kind == "folder" and rest else text)
    if not path.exists():
        raise UsageProblem(
            f"{path}: there is no folder or image here.",
            remedy=f"A source is a folder of images, video:FILE or {CLOTH}.",
        )
    files = list_images([path])
    width = find_width(files)
    return WebSource(read_strips(files, pixels, width), width)


def limit_rows(strips: Iterable[Pixels | Exception], rows: int | None) -> Iterator[Pixels | Exception]:
    """Yield strips up to so many rows; the last one may be cut. None: all of them."""
    remaining = rows
    for strip in strips:
        if remaining is None:
            yield strip
            continue
        yield strip if isinstance(strip, Exception) else strip[:remaining]
        remaining -= count_rows(strip)
        if remaining <= 0:
            return


def _open_cloth(contract: InputContract, made: MadeWeb, mm_per_pixel: float | None) -> WebSource:
    from edgekit.data.fabric import PAPER_MM_PER_PIXEL, FabricWeb

    scale = mm_per_pixel or contract.mm_per_pixel or PAPER_MM_PER_PIXEL
    rows = made.strip_rows or contract.height
    web = FabricWeb(made.width, seed=made.seed, mm_per_pixel=scale)
    return WebSource(weave_strips(web, rows, contract.pixels), made.width, rows, scale)
