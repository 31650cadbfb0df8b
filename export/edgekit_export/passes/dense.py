"""Write grouped convolutions as ordinary ones, for tensor cores: a choice, off by default."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import onnx_ir as ir

from edgekit_export.passes import editing
from edgekit_export.passes.base import ROUNDING, GraphPass, Tolerance, ensure, require
from edgekit_export.passes.fold_batchnorm import CONVOLUTIONS

TILE = 8
"""Channels that fp16 tensor cores take at a time: any other number is filled up with zeros."""

MOST_TIMES = 4
"""What tensor cores gain over ordinary fp16 arithmetic on desktop cards (GeForce RTX 3080: 119 to 29.8 TFLOPS): a
form that gives them more work than this cannot be the faster one."""


class Dense(GraphPass):
    """A convolution in groups → the same with one group, whose weights are zero between groups.

    Every sum keeps its terms and gains zeros. TensorRT-RTX runs a grouped convolution in fp16 by filling each
    group up with channels of zeros, in a kernel of its own per layer; with one group that kernel is gone. The
    weights grow by the number of groups, hence the limit: CheapNet-M's 32 groups of one channel are half the
    work of groups filled up, 1024 groups are 16 times it.
    """

    name: ClassVar[str] = "dense"
    changes: ClassVar[str] = (
        "Gives every grouped Conv and ConvTranspose one group, with zeros in its weights."
    )
    tolerance: ClassVar[Tolerance] = ROUNDING

    def requires(self, model: ir.Model) -> None:
        """Each grouped convolution has constant weights, and one group does not cost much more than many."""
        for node in _grouped(model.graph):
            weight = editing.read_constant(node.inputs[1])
            if weight is None:
                require(False, f"{node.name}: its weights are not constant")
                return
            dense, filled = _products(node, weight)
            require(
                dense <= MOST_TIMES * filled,
                f"{node.name}: as one group its {_groups(node)} groups would cost {dense / filled:.3g} times the "
                f"products of groups filled up to {TILE} channels, and {MOST_TIMES} times is allowed",
            )

    def ensures(self, model: ir.Model) -> None:
        """No convolution has groups."""
        left = [str(node.name) for node in _grouped(model.graph)]
        ensure(not left, f"grouped convolutions are left: {', '.join(left)}")

    def rewrite(self, graph: ir.Graph) -> bool:
        """Rewrite each in graph order."""
        nodes = _grouped(graph)
        for node in nodes:
            weight = np.asarray(editing.read_constant(node.inputs[1]))
            spread = _spread_groups(weight, _groups(node))
            editing.replace_constant(graph, node, 1, spread, fallback=f"{node.name}.dense")
            node.attributes["group"] = ir.AttrInt64("group", 1)
        return bool(nodes)


def _spread_groups(weight: np.ndarray, groups: int) -> np.ndarray:
    """Return the weights of one group that compute what `groups` groups do.

    Conv holds (Cout, Cin/groups, …) and gets (Cout, Cin, …), ConvTranspose holds (Cin, Cout/groups, …) and gets
    (Cin, Cout, …): in both the first axis goes group by group, and two channels of different groups meet in a zero.
    """
    rows, share = weight.shape[:2]
    spread = np.zeros((groups, rows // groups, groups, *weight.shape[1:]), weight.dtype)
    each = np.arange(groups)
    spread[each, :, each] = weight.reshape(groups, rows // groups, *weight.shape[1:])
    return spread.reshape(rows, groups * share, *weight.shape[2:])


def _grouped(graph: ir.Graph) -> list[ir.Node]:
    return [node for node in graph if node.op_type in CONVOLUTIONS and _groups(node) > 1]


def _groups(node: ir.Node) -> int:
    return editing.int_attribute(node, "group", 1)


def _products(node: ir.Node, weight: np.ndarray) -> tuple[int, int]:
    """Return products per kernel position, with channels filled up: as one group, and in groups."""
    groups = _groups(node)
    rows, share = weight.shape[:2]
    dense = _fill_up(rows) * _fill_up(groups * share)
    return dense, groups * _fill_up(rows // groups) * _fill_up(share)


def _fill_up(channels: int) -> int:
    return -(-channels // TILE) * TILE
