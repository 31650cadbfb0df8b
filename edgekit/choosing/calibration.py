"""A choice with all that `edgekit calibrate` makes of it: a table, a document, a page, a new bundle."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.choosing.known_images import KnownImages
from edgekit.data.splitting.parts import ChosenPart
from edgekit_runtime.bundle import Bundle


@dataclass(frozen=True, eq=False)
class Calibration(ABC):
    """What was chosen for a bundle on images.

    Attributes:
        bundle: The bundle as it was.
        part: The images.
        images: The same, as they were known.
        backend: What ran the bundle on them.
    """

    bundle: Bundle
    part: ChosenPart
    images: KnownImages
    backend: str | None

    @property
    @abstractmethod
    def reached(self) -> bool:
        """Whether the goal was reached on these images."""

    @property
    @abstractmethod
    def goal(self) -> str:
        """What was asked for, in words."""

    @abstractmethod
    def describe(self) -> list[str]:
        """Return tables and statements for a terminal, one line each."""

    @abstractmethod
    def describe_best(self) -> str:
        """Return what the best is, in one line, such as "escape 3 %, overkill 5 %, at threshold 0.5"."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return what the document says of this choice, beside what it says of any."""

    @abstractmethod
    def write_page(self, path: Path, document: Mapping[str, Any]) -> None:
        """Write the page of the choice, whose document is `document`.

        Raises:
            IoFault: If the disk refuses.
        """

    @abstractmethod
    def write_bundle(self, out: Path) -> Bundle:
        """Write the bundle with what was chosen; errors as for `retune_bundle`."""
