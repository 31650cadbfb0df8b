"""Take the camera's frame instead of a normalised image."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import onnx_ir as ir

from edgekit_export.exportable import Normalisation
from edgekit_export.passes import editing
from edgekit_export.passes.base import EXACT, Feeds, GraphPass, Tolerance, ensure, require
from edgekit_export.passes.names import FRAME
from edgekit_runtime.bundle.contract import Channels, FrameType


class FrameInput(GraphPass):
    """The image input becomes `frame`, integers (N, H, W) or (N, H, W, 3), widened and normalised in the graph.

    The arithmetic stays explicit (÷ scale, − mean, ÷ std, in the order that training used); folding it is
    `fold_normalisation`'s work.

    Args:
        normalisation: What the network was trained with.
        channels: Order that the network takes, and so that frames come in.
        image: Name of the input that is replaced.
        graph_type: Of the frame: uint8, or int32 where pixels are deeper than 8 bits; float32 holds all of 16.
    """

    name: ClassVar[str] = "frame_input"
    changes: ClassVar[str] = (
        "Replaces the image input by a frame of integers and adds cast, layout and normalisation."
    )
    tolerance: ClassVar[Tolerance] = EXACT

    def __init__(
        self,
        normalisation: Normalisation,
        channels: Channels,
        *,
        image: str,
        graph_type: FrameType = "uint8",
    ) -> None:
        super().__init__()
        self.frame_type = ir.DataType.UINT8 if graph_type == "uint8" else ir.DataType.INT32
        self.normalisation = normalisation
        self.channels = channels
        self.image = image

    def requires(self, model: ir.Model) -> None:
        """One float32 image (N, C, H, W) with the channels that the contract names."""
        inputs = model.graph.inputs
        require([value.name for value in inputs] == [self.image], f"the only input must be {self.image!r}")
        shape = inputs[0].shape
        wanted = 1 if self.channels == "grey" else 3
        require(inputs[0].dtype == ir.DataType.FLOAT, f"{self.image!r} must be float32")
        require(
            shape is not None and len(shape) == 4 and shape[1] == wanted,
            f"{self.image!r} must be (N, {wanted}, H, W)",
        )
        for numbers in (self.normalisation.mean, self.normalisation.std):
            require(len(numbers) in (1, wanted), f"mean and std must have 1 or {wanted} numbers")

    def ensures(self, model: ir.Model) -> None:
        """The only input is a frame of its type that is cast first."""
        inputs = model.graph.inputs
        ensure([value.name for value in inputs] == [FRAME], f"the only input must be {FRAME!r}")
        ensure(inputs[0].dtype == self.frame_type, f"{FRAME!r} must be {self.frame_type.name}")
        consumer = editing.only_consumer(inputs[0])
        # TensorRT takes uint8 at the network's border only: the cast must come before the layout.
        ensure(consumer is not None and consumer.op_type == "Cast", f"{FRAME!r} must be cast first")

    def rewrite(self, graph: ir.Graph) -> bool:
        """Put Cast → layout → Div → Sub → Div before the users of the image."""
        image = graph.inputs[0]
        shape = image.shape
        if shape is None:
            return False
        batch, channels, height, width = shape[0], shape[1], shape[2], shape[3]
        image.name = editing.fresh_name(graph, f"{self.image}.removed")
        frame_shape = [batch, height, width] if channels == 1 else [batch, height, width, channels]
        frame = ir.val(FRAME, self.frame_type, ir.Shape(frame_shape))
        graph.inputs[0] = frame
        nodes = self._chain(graph, frame)
        if len(graph) == 0:
            graph.extend(nodes)
        else:
            graph.insert_before(graph[0], nodes)
        editing.replace_value(graph, image, nodes[-1].outputs[0])
        return True

    def _chain(self, graph: ir.Graph, frame: ir.Value) -> list[ir.Node]:
        nodes = [editing.make_node(graph, "Cast", [frame], f"{FRAME}.cast", {"to": int(ir.DataType.FLOAT)})]

        def then(
            op: str, name: str, extra: list[ir.Value], attributes: dict[str, object] | None = None
        ) -> None:
            inputs = [editing.output_of(nodes[-1]), *extra]
            nodes.append(editing.make_node(graph, op, inputs, f"{FRAME}.{name}", attributes))

        def constant(name: str, array: np.ndarray) -> list[ir.Value]:
            return [editing.add_constant(graph, f"{FRAME}.{name}", array)]

        if self.channels == "grey":
            then("Unsqueeze", "layout", constant("axes", np.array([1], np.int64)))
        else:
            then("Transpose", "layout", [], {"perm": [0, 3, 1, 2]})
        scale, mean, std = self._numbers()
        then("Div", "scaled", constant("scale", scale))
        then("Sub", "centred", constant("mean", mean))
        then("Div", "normalised", constant("std", std))
        return nodes

    def _numbers(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scale = np.array(self.normalisation.scale, np.float32)
        mean = np.array(self.normalisation.mean, np.float32).reshape(1, -1, 1, 1)
        std = np.array(self.normalisation.std, np.float32).reshape(1, -1, 1, 1)
        return scale, mean, std

    def feeds_before(self, feeds: Feeds) -> Feeds:
        """Normalise the frames in NumPy."""
        frame = feeds[FRAME].astype(np.float32)
        planes = frame[:, None] if self.channels == "grey" else frame.transpose(0, 3, 1, 2)
        scale, mean, std = self._numbers()
        others = {name: array for name, array in feeds.items() if name != FRAME}
        return {self.image: np.ascontiguousarray((planes / scale - mean) / std), **others}
