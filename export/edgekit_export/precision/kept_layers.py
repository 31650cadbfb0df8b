"""Layers that a person asks to keep in the higher precision, by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import onnx_ir as ir

from edgekit_export.precision.operator_types import WEIGHTED
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.near_names import suggest

ASKED = "it was asked to stay"
"""Why such a layer stays."""


def require_known(models: Sequence[ir.Model], kept: Collection[str]) -> None:
    """Refuse names that no graph has; a node that is no layer may be named, too.

    Raises:
        UsageProblem: Naming the nearest layer.
    """
    nodes = [node for model in models for node in model.graph]
    known = {str(node.name) for node in nodes}
    layers = [str(node.name) for node in nodes if node.op_type in WEIGHTED]
    for name in sorted(kept):
        if name not in known:
            raise UsageProblem(f"The network has no layer {name!r}. {suggest(name, layers)}")
