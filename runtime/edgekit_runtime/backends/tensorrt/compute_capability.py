"""Compute capabilities: the GPUs that TensorRT-RTX compiles for, as numbers such as 86 for SM 8.6."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from edgekit_runtime.backends.tensorrt.nvidia_library import Library
from edgekit_runtime.errors import UsageProblem

DEFAULT_TARGETS = (86, 89, 120)
"""RTX 30, 40 and 50. RTX 20 (75) needs an engine of its own: all targets of one share the layers of the oldest, and
with 75 among them CheapNet-M has 21 layers instead of 12, and 203 MB instead of 0.3."""

_NAME = re.compile(r"SM(\d+)", re.ASCII)
_JETSON = {72: "Xavier", 87: "Orin", 101: "Thor", 110: "Thor"}


def parse_targets(text: str) -> tuple[int, ...]:
    """Return the numbers of a list such as "86,89,120", sorted; whether a library takes them is `check_targets`'s part.

    Raises:
        UsageProblem: If an entry is no number, or stands there twice.
    """
    entries = [entry.strip() for entry in text.split(",")]
    wrong = next((entry for entry in entries if not re.fullmatch(r"[0-9]{1,4}", entry, re.ASCII)), None)
    if wrong is not None:
        raise UsageProblem(
            f"{wrong[:20]!r} is no compute capability.",
            remedy="List them as numbers: --sm 86,89,120 stands for SM 8.6, 8.9 and 12.0.",
        )
    targets = sorted(int(entry) for entry in entries)
    if len(set(targets)) < len(targets):
        raise UsageProblem(f"A compute capability stands twice in {text!r}.", remedy="Name each one once.")
    return tuple(targets)


def list_capabilities(bindings: ModuleType) -> Mapping[int, Any]:
    """Return number → member of the library's enumeration, read by name: its values may move between releases."""
    found = {}
    for name, member in bindings.ComputeCapability.__members__.items():
        match = _NAME.fullmatch(name)
        if match is not None:
            found[int(match[1])] = member
    return dict(sorted(found.items()))


def check_targets(targets: Sequence[int], library: Library) -> tuple[int, ...]:
    """Return the targets, sorted.

    Raises:
        UsageProblem: If there is none, or one that the library does not compile for; the remedy lists those it takes.
        MissingDependency: If the library is not installed.
    """
    known = list_capabilities(library.load())
    listed = ", ".join(map(str, known))
    if not targets:
        raise UsageProblem("No compute capability was named.", remedy=f"Choose from: {listed}.")
    if len(set(targets)) < len(targets):
        raise UsageProblem(
            f"A compute capability stands twice in {list(targets)}.", remedy="Name each one once."
        )
    unknown = next((target for target in targets if target not in known), None)
    if unknown is not None:
        remedy = f"It takes: {listed}."
        if unknown in _JETSON:
            remedy += f" SM {unknown} is Jetson {_JETSON[unknown]}: a board builds its own engines (`edgekit build`)."
        raise UsageProblem(
            f"{library.title} {library.read_version()} does not compile for SM {unknown}.", remedy=remedy
        )
    return tuple(sorted(targets))
