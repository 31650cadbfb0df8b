"""Rewrite transposed convolutions as ordinary ones with a pixel shuffle: a choice, off by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnx_ir as ir

from edgekit_export.passes import editing
from edgekit_export.passes.base import ROUNDING, GraphPass, Tolerance, as_float32, ensure, require


class Subpixel(GraphPass):
    """ConvTranspose with stride s → Conv with s² phases per channel → DepthToSpace.

    The output at o = s·m + c is Σ_j x[m + (c + p)//s − j] · w[(c + p) mod s + s·j]: for each phase c a small
    convolution of x, exactly. Runtimes whose transposed convolution is slow (depthwise ones above all) gain;
    the others pay for the zero taps where the kernel is no multiple of the stride.
    """

    name: ClassVar[str] = "subpixel"
    changes: ClassVar[str] = "Replaces every ConvTranspose of stride 2 or more by Conv and DepthToSpace."
    tolerance: ClassVar[Tolerance] = ROUNDING

    def requires(self, model: ir.Model) -> None:
        """Each ConvTranspose has constant weights, no dilation, one stride for both axes, explicit pads."""
        for node in _transposed(model.graph):
            problem = _problem(node)
            require(problem is None, f"{node.name}: {problem}")

    def ensures(self, model: ir.Model) -> None:
        """No ConvTranspose with a stride is left."""
        left = [str(node.name) for node in _transposed(model.graph)]
        ensure(not left, f"ConvTranspose is left: {', '.join(left)}")

    def rewrite(self, graph: ir.Graph) -> bool:
        """Rewrite each in graph order."""
        nodes = _transposed(graph)
        for node in nodes:
            _rewrite(graph, node)
        return bool(nodes)


@dataclass(frozen=True)
class _Axis:
    """How one axis of the transposed convolution maps to phases of a convolution with `taps` taps."""

    stride: int
    kernel: int
    begin: int
    end: int
    output_padding: int

    @property
    def offsets(self) -> tuple[int, int]:
        """Return the first and last input offset that any phase reads; 0 is always among them."""
        first, last = 0, 0
        for phase in range(self.stride):
            shift, start = divmod(phase + self.begin, self.stride)
            count = len(range(start, self.kernel, self.stride))
            if count:
                first, last = min(first, shift - count + 1), max(last, shift)
        # Padding may cut off more than the kernel adds; zero taps take it up, as a Conv cannot pad by less than 0.
        return first, max(last, -self.growth)

    @property
    def growth(self) -> int:
        """Return ⌈output/stride⌉ − input: the same for every input size."""
        rest = self.kernel - self.begin - self.end + self.output_padding - self.stride
        return -(-rest // self.stride)

    @property
    def taps(self) -> int:
        first, last = self.offsets
        return last - first + 1

    @property
    def pads(self) -> tuple[int, int]:
        """Return the zeros before and after: they sum to growth + taps − 1."""
        first, last = self.offsets
        return -first, self.growth + last

    @property
    def crop(self) -> int:
        """Return how many positions too many the shuffle gives at the end."""
        rest = self.kernel - self.begin - self.end + self.output_padding - self.stride
        return self.growth * self.stride - rest

    def tap_sources(self) -> list[list[int | None]]:
        """Return, for each phase and tap, the kernel index that the tap holds; None for a zero."""
        first, last = self.offsets
        table: list[list[int | None]] = []
        for phase in range(self.stride):
            shift, start = divmod(phase + self.begin, self.stride)
            indices = [start + self.stride * (shift - offset) for offset in range(first, last + 1)]
            table.append(
                [index if 0 <= index < self.kernel and index >= start else None for index in indices]
            )
        return table


def _transposed(graph: ir.Graph) -> list[ir.Node]:
    return [
        node
        for node in graph
        if node.op_type == "ConvTranspose" and max(editing.ints_attribute(node, "strides", (1, 1))) > 1
    ]


def _problem(node: ir.Node) -> str | None:
    constants = list(node.inputs[1:3])
    if any(value is not None and editing.read_constant(value) is None for value in constants):
        return "its weights are not constant"
    weight = editing.read_constant(node.inputs[1])
    if weight is None or weight.ndim != 4:
        return "it is not two-dimensional"
    if editing.string_attribute(node, "auto_pad", "NOTSET") != "NOTSET" or "output_shape" in node.attributes:
        return "its padding is not explicit"
    if set(editing.ints_attribute(node, "dilations", (1, 1))) != {1}:
        return "it is dilated"
    if len(set(editing.ints_attribute(node, "strides", (1, 1)))) != 1:
        return "its strides differ, and a pixel shuffle has square blocks"
    return None


def _axes(node: ir.Node, weight: np.ndarray) -> tuple[_Axis, _Axis]:
    strides = editing.ints_attribute(node, "strides", (1, 1))
    pads = editing.ints_attribute(node, "pads", (0, 0, 0, 0))
    extra = editing.ints_attribute(node, "output_padding", (0, 0))
    rows, columns = (
        _Axis(strides[axis], weight.shape[2 + axis], pads[axis], pads[2 + axis], extra[axis])
        for axis in (0, 1)
    )
    return rows, columns


def _phase_weights(weight: np.ndarray, groups: int, rows: _Axis, columns: _Axis) -> np.ndarray:
    """Turn (Cin, Cout/g, kh, kw) into (Cout·s², Cin/g, taps, taps); each channel's phases stand together."""
    inputs, share = weight.shape[:2]
    stride = rows.stride
    phases = np.zeros(
        (groups, share, stride, stride, inputs // groups, rows.taps, columns.taps), weight.dtype
    )
    split = weight.reshape(groups, inputs // groups, share, *weight.shape[2:]).swapaxes(1, 2)
    for down, row_sources in enumerate(rows.tap_sources()):
        for across, column_sources in enumerate(columns.tap_sources()):
            for y, row in enumerate(row_sources):
                for x, column in enumerate(column_sources):
                    if row is not None and column is not None:
                        phases[:, :, down, across, :, y, x] = split[:, :, :, row, column]
    return phases.reshape(groups * share * stride * stride, inputs // groups, rows.taps, columns.taps)


def _rewrite(graph: ir.Graph, node: ir.Node) -> None:
    weight = np.asarray(editing.read_constant(node.inputs[1]))
    groups = editing.int_attribute(node, "group", 1)
    rows, columns = _axes(node, weight)
    stride = rows.stride
    name = str(node.name)
    phases = as_float32(_phase_weights(weight, groups, rows, columns))
    inputs = [node.inputs[0], editing.add_constant(graph, f"{name}.phases", phases)]
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        bias = np.repeat(np.asarray(editing.read_constant(node.inputs[2])), stride * stride)
        inputs.append(editing.add_constant(graph, f"{name}.phase_bias", bias))
    pads = [rows.pads[0], columns.pads[0], rows.pads[1], columns.pads[1]]
    settings = {"kernel_shape": [rows.taps, columns.taps], "pads": pads, "strides": [1, 1], "group": groups}
    conv = editing.make_node(graph, "Conv", inputs, f"{name}.phases.Conv", settings)
    # CRD reads each channel's s² phases side by side, which keeps the channels of a group together.
    shuffle_settings = {"blocksize": stride, "mode": "CRD"}
    shuffle = editing.make_node(graph, "DepthToSpace", conv.outputs, f"{name}.shuffle", shuffle_settings)
    added = [conv, shuffle]
    if rows.crop or columns.crop:
        added.append(_crop(graph, shuffle.outputs[0], name, (rows.crop, columns.crop)))
    graph.insert_after(node, added)
    editing.replace_value(graph, node.outputs[0], added[-1].outputs[0])
    graph.remove(node, safe=True)


def _crop(graph: ir.Graph, value: ir.Value, name: str, crop: tuple[int, int]) -> ir.Node:
    axes = [axis for axis, count in zip((2, 3), crop, strict=True) if count]
    ends = [-count for count in crop if count]
    constants = {"starts": [0] * len(axes), "ends": ends, "axes": axes}
    inputs = [
        editing.add_constant(graph, f"{name}.crop.{key}", np.array(numbers, np.int64))
        for key, numbers in constants.items()
    ]
    return editing.make_node(graph, "Slice", [value, *inputs], f"{name}.crop")
