"""Data that are generated: the styles, what each is opened as after `synthetic:`, and how it is written as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from edgekit.data import fabric, synthetic
from edgekit.data.contract import Dataset
from edgekit.data.converting import convert_dataset
from edgekit.data.synthetic_dagm import SyntheticDagm
from edgekit.data.synthetic_fabric import SyntheticFabric
from edgekit.data.synthetic_files import GeneratedSet, write_generated
from edgekit.reporting import Reporter
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.near_names import suggest


@dataclass(frozen=True)
class WantedFiles:
    """What is to be written.

    Attributes:
        classes: Of the style's; each once.
        defective: Images per class that show a defect.
        normal: Images per class that show none.
        seed: Another seed gives other images.
        size: (height, width) in pixels.
    """

    classes: tuple[str, ...]
    defective: int = 10
    normal: int = 60
    seed: int = 0
    size: tuple[int, int] = (512, 512)

    def __len__(self) -> int:
        return len(self.classes) * (self.defective + self.normal)


@dataclass(frozen=True)
class Style:
    """One style of generated images.

    Attributes:
        title: What it shows, in words.
        classes: What may stand after the slash.
        open: Opens some of the classes; the flag is whether defect-free images were asked for, None if neither.
        write: Writes a new folder.
    """

    title: str
    classes: tuple[str, ...]
    open: Callable[[tuple[str, ...], bool | None], Dataset]
    write: Callable[[Path, WantedFiles, Reporter], None]


def _open_dagm(classes: tuple[str, ...], include_normal: bool | None) -> Dataset:
    return SyntheticDagm([int(name) for name in classes], include_normal=bool(include_normal))


def _write_dagm(root: Path, wanted: WantedFiles, reporter: Reporter) -> None:
    kinds = tuple(int(name) for name in wanted.classes)
    some = GeneratedSet(kinds, wanted.defective, wanted.normal, wanted.seed, wanted.size)
    write_generated(root, some, reporter=reporter)


def _open_fabric(classes: tuple[str, ...], include_normal: bool | None) -> Dataset:
    return SyntheticFabric(classes, include_normal=include_normal is not False)


def _write_fabric(root: Path, wanted: WantedFiles, reporter: Reporter) -> None:
    dataset = SyntheticFabric(
        wanted.classes,
        defective=wanted.defective,
        normal=wanted.normal,
        seed=wanted.seed,
        size=wanted.size,
    )
    convert_dataset(dataset, root, reporter=reporter)


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "dagm": Style(
            title="the ten textures of DAGM 2007",
            classes=tuple(str(kind) for kind in synthetic.KINDS),
            open=_open_dagm,
            write=_write_dagm,
        ),
        "fabric": Style(
            title="woven cloth as a line camera sees it",
            classes=tuple(fabric.KINDS),
            open=_open_fabric,
            write=_write_fabric,
        ),
    }
)
"""By what stands after `synthetic:`."""


def find_style(name: str) -> Style:
    """Return the style of a name.

    Raises:
        UsageProblem: If there is none.
    """
    if name not in STYLES:
        raise UsageProblem(f"There is no style {name!r}.", remedy=suggest(name, STYLES))
    return STYLES[name]


def require_classes(name: str, classes: Sequence[str]) -> None:
    """Raise UsageProblem unless these are classes of the style, each at most once."""
    known = STYLES[name].classes
    unknown = [text for text in classes if text not in known]
    if unknown:
        raise UsageProblem(
            f"synthetic:{name} has the classes {_list_words(known)}; got {unknown[0][:40]!r}.",
            remedy=suggest(unknown[0][:40], known),
        )
    if len(set(classes)) < len(classes):
        raise UsageProblem(f"Each class is named at most once; got {', '.join(classes)}.")


def open_generated(text: str, *, include_normal: bool | None) -> Dataset:
    """Open what stands after `synthetic:`, such as "dagm/6" or "fabric".

    Args:
        text: The style, and after a slash one of its classes.
        include_normal: Whether defect-free images are items; None leaves it to the style: DAGM's are defective, as in
            the paper, and cloth is mostly without defect.

    Raises:
        UsageProblem: If there is no such style or class.
    """
    name, slash, chosen = text.partition("/")
    if name not in STYLES:
        raise UsageProblem(
            f"There is no generated set synthetic:{name}.",
            remedy="Use synthetic:dagm or synthetic:fabric, or one class such as synthetic:dagm/6.",
        )
    classes = (chosen,) if slash else STYLES[name].classes
    require_classes(name, classes)
    return STYLES[name].open(classes, include_normal)


def write_files(root: Path, name: str, wanted: WantedFiles, *, reporter: Reporter) -> None:
    """Write generated images as a new folder, which appears once everything is written.

    Args:
        root: The new folder; its parent must exist.
        name: The style.
        wanted: What to generate. The same values give the same bytes.
        reporter: Where progress goes.

    Raises:
        UsageProblem: If the folder exists already, or no such images can be generated.
        IoFault: If the disk refuses.
    """
    style = find_style(name)
    require_classes(name, wanted.classes)
    style.write(root, wanted, reporter)


def _list_words(known: Sequence[str]) -> str:
    numbers = all(text.isdecimal() for text in known)
    return f"{known[0]} to {known[-1]}" if numbers else ", ".join(known)
