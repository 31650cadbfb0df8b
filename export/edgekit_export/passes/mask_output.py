"""Answer a class-index mask instead of logits."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import onnx_ir as ir

from edgekit_export.passes import editing
from edgekit_export.passes.base import EXACT, Feeds, GraphPass, Tolerance, ensure, require
from edgekit_export.passes.names import LOGITS, MASK, THRESHOLD
from edgekit_runtime.masks import mask_of


class MaskOutput(GraphPass):
    """`logits` becomes `mask`, uint8 (N, H, W), by a float32 scalar input `threshold`.

    One channel: defect where not (logit < threshold). K channels, 0 the background: defect where for some
    defect class not (logit − background < threshold), which is not (largest margin < threshold); its class is
    the largest defect logit's. Every comparison is written so that NaN, which is never less, is a defect, and
    none relies on how a maximum treats NaN. The value `logits` stays in the graph under its name, so that
    parity can look at it.
    """

    name: ClassVar[str] = "mask_output"
    changes: ClassVar[str] = (
        "Replaces the output `logits` by a uint8 class-index mask and adds the input `threshold`."
    )
    tolerance: ClassVar[Tolerance] = EXACT

    def requires(self, model: ir.Model) -> None:
        """The only output is `logits`, float32 (N, K, H, W), K at most 256 (the mask is uint8)."""
        outputs = model.graph.outputs
        require([value.name for value in outputs] == [LOGITS], f"the only output must be {LOGITS!r}")
        shape = outputs[0].shape
        require(outputs[0].dtype == ir.DataType.FLOAT, f"{LOGITS!r} must be float32")
        fits = shape is not None and len(shape) == 4 and isinstance(shape[1], int) and 1 <= shape[1] <= 256
        require(fits, f"{LOGITS!r} must be (N, K, H, W) with 1 to 256 channels, got {shape}")
        taken = {value.name for value in model.graph.inputs} & {MASK, THRESHOLD}
        require(not taken, f"the input name {', '.join(map(str, sorted(map(str, taken))))} is reserved")

    def ensures(self, model: ir.Model) -> None:
        """The only output is a uint8 mask, the last input its threshold, and `logits` is still there."""
        outputs = model.graph.outputs
        ensure([value.name for value in outputs] == [MASK], f"the only output must be {MASK!r}")
        ensure(outputs[0].dtype == ir.DataType.UINT8, f"{MASK!r} must be uint8")
        last = model.graph.inputs[-1]
        scalar = last.shape is not None and len(last.shape) == 0
        ensure(
            last.name == THRESHOLD and last.dtype == ir.DataType.FLOAT and scalar,
            "the threshold is not a scalar",
        )
        names = {value.name for node in model.graph for value in node.outputs}
        ensure(LOGITS in names, f"the value {LOGITS!r} is gone")

    def rewrite(self, graph: ir.Graph) -> bool:
        """Append the comparison."""
        logits = graph.outputs[0]
        shape = logits.shape
        classes = shape[1] if shape is not None else None
        if shape is None or not isinstance(classes, int):
            return False
        threshold = ir.val(THRESHOLD, ir.DataType.FLOAT, ir.Shape([]))
        graph.inputs.append(threshold)
        builder = _Builder(graph)
        if classes == 1:
            axes = builder.constant("axes", np.array([1], np.int64))
            flat = builder.add("Squeeze", "flat", logits, axes)
            defect = builder.not_less("defect", flat, threshold)
        else:
            defect = _class_index(builder, logits, classes, threshold)
        mask = builder.add("Cast", "cast", defect, to=int(ir.DataType.UINT8))
        mask.name = MASK
        mask.dtype = ir.DataType.UINT8
        mask.shape = ir.Shape([shape[0], shape[2], shape[3]])
        graph.outputs[0] = mask
        return True

    def feeds_before(self, feeds: Feeds) -> Feeds:
        """Leave the threshold out."""
        return {name: array for name, array in feeds.items() if name != THRESHOLD}

    def expected(self, outputs: Feeds, feeds: Feeds) -> Feeds:
        """Compare in NumPy."""
        return {MASK: mask_of(outputs[LOGITS], float(feeds[THRESHOLD]))}


class _Builder:
    """Appends nodes whose names start with `mask.`."""

    def __init__(self, graph: ir.Graph) -> None:
        self.graph = graph

    def constant(self, name: str, array: np.ndarray) -> ir.Value:
        return editing.add_constant(self.graph, f"{MASK}.{name}", array)

    def add(self, op: str, name: str, *inputs: ir.Value, **attributes: int) -> ir.Value:
        node = editing.make_node(self.graph, op, inputs, f"{MASK}.{name}", attributes)
        self.graph.append(node)
        return node.outputs[0]

    def not_less(self, name: str, value: ir.Value, threshold: ir.Value) -> ir.Value:
        return self.add("Not", name, self.add("Less", f"{name}.below", value, threshold))


def _class_index(builder: _Builder, logits: ir.Value, classes: int, threshold: ir.Value) -> ir.Value:
    """Return the class index per pixel as float32 (N, H, W)."""
    axis, zero = (
        builder.constant("axis", np.array([1], np.int64)),
        builder.constant("first", np.array([0], np.int64)),
    )
    one = builder.constant("second", np.array([1], np.int64))
    end = builder.constant("end", np.array([classes], np.int64))
    background = builder.add("Slice", "background", logits, zero, one, axis)
    defects = builder.add("Slice", "defects", logits, one, end, axis)
    margins = builder.add("Sub", "margins", defects, background)
    votes = builder.not_less("votes", margins, threshold)
    counted = builder.add("Cast", "counted", votes, to=int(ir.DataType.FLOAT))
    defect = builder.add("ReduceMax", "defect", counted, axis, keepdims=0)
    best = builder.add("ArgMax", "best", defects, axis=1, keepdims=0)
    offset = builder.constant("offset", np.array(1.0, np.float32))
    index = builder.add(
        "Add", "index", builder.add("Cast", "best.float", best, to=int(ir.DataType.FLOAT)), offset
    )
    return builder.add("Mul", "class", index, defect)
