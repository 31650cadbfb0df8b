"""Names of operations, from the modules that they were traced in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from edgekit_runtime.bundle.program_checks import FRAME

_STRANGE = re.compile(r"[^A-Za-z0-9_.-]")


def name_operations(nodes: Sequence[str]) -> list[str]:
    """Return a name for each node, unique, of letters, digits, '_', '.' and '-'.

    A node is called after its module, encoder1.0.Conv becomes encoder1; the number stays where only it tells two
    modules apart, layers.0 and layers.3.
    """
    stems = [_STRANGE.sub("_", _find_module(node)) for node in nodes]
    short = [_strip_numbers(stem) for stem in stems]
    uses = Counter(short)
    taken = {FRAME}
    names = []
    for stem, brief in zip(stems, short, strict=True):
        name = base = brief if uses[brief] == 1 else stem
        count = 0
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name)
        names.append(name)
    return names


def _find_module(node: str) -> str:
    """Return the path before the operator; a node outside any module is called after its operator."""
    module, _, operator = node.rpartition(".")
    return module.strip(".") or operator.lower()


def _strip_numbers(stem: str) -> str:
    parts = stem.split(".")
    while len(parts) > 1 and parts[-1].isdigit():
        parts.pop()
    return ".".join(parts)
