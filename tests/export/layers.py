"""Random convolutional networks as ONNX graphs that have the same layers at every width.

All weights are positive, there is no bias and nothing is squashed: an impulse in an image of zeros gives exactly the
positions that depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st
from onnx import helper

from tests.export.graphs import make_graph

HEIGHT = 8
CHANNELS = 4

steps = st.one_of(
    st.tuples(st.just("conv"), st.integers(1, 5), st.integers(1, 2), st.integers(0, 4)),
    st.tuples(st.just("window"), st.sampled_from(["MaxPool", "AveragePool"]), st.integers(2, 3)),
    st.tuples(st.just("shift"), st.integers(0, 3), st.sampled_from(["constant", "edge", "reflect"])),
    st.tuples(st.just("point"), st.sampled_from(["Relu", "LeakyRelu", "Identity"])),
)
DOWNS = ("conv1", "conv2", "conv3", "MaxPool", "AveragePool", "SpaceToDepth", "Slice")
UPS = ("up1", "up2", "up3", "up4", "DepthToSpace", "floor", "round", "linear", "asymmetric", "cubic")
networks = st.recursive(
    st.lists(steps, min_size=1, max_size=3),
    lambda inner: st.tuples(
        st.lists(steps, max_size=2),
        st.tuples(
            st.just("pyramid"),
            st.sampled_from(DOWNS),
            inner,
            st.sampled_from(UPS),
            st.sampled_from(["Add", "Concat"]),
        ),
    ).map(lambda drawn: [*drawn[0], drawn[1]]),
    max_leaves=2,
)


@dataclass
class Builder:
    """Adds layers to a graph along its width; tensors are (N, CHANNELS, HEIGHT, width)."""

    generator: np.random.Generator
    nodes: list = field(default_factory=list)
    constants: dict = field(default_factory=dict)

    def add(self, op, inputs, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants[name] = array
        return name

    def weight(self, *shape):
        return self.constant(self.generator.uniform(0.5, 1, shape).astype(np.float32))

    def numbers(self, *values):
        return self.constant(np.array(values, np.int64))

    def conv(self, value, channels, kernel, stride=1, dilation=1, left=None, output=CHANNELS):
        span = dilation * (kernel - 1)
        left = span // 2 if left is None else min(left, span)
        right = max(0, span - left - (stride - 1))
        weight = self.weight(output, channels, 1, kernel)
        pads = [0, left, 0, right]
        return self.add(
            "Conv", [value, weight], strides=[1, stride], dilations=[1, dilation], pads=pads, group=1
        )

    def step(self, value, step):
        kind, *settings = step
        if kind == "conv":
            kernel, dilation, left = settings
            return self.conv(value, CHANNELS, kernel, dilation=dilation, left=left)
        if kind == "window":
            op, kernel = settings
            # Padded so that nothing is shorter; the window looks to the right where it is even.
            return self.add(
                op, [value], kernel_shape=[1, kernel], pads=[0, (kernel - 1) // 2, 0, kernel // 2]
            )
        if kind == "shift":
            count, mode = settings
            padded = self.add("Pad", [value, self.numbers(0, 0, 0, 0, 0, 0, 0, count)], mode=mode)
            ends = self.numbers(1 << 30)
            return self.add("Slice", [padded, self.numbers(count), ends, self.numbers(3)])
        if kind == "point":
            return self.add(settings[0], [value])
        down, inner, up, join = settings
        deep = self.down(value, down)
        for one in inner:
            deep = self.step(deep, one)
        deep = self.up(deep, up)
        if join == "Add":
            return self.add("Add", [value, deep])
        return self.conv(self.add("Concat", [value, deep], axis=1), 2 * CHANNELS, 1)

    def down(self, value, kind):
        if kind.startswith("conv"):
            return self.conv(value, CHANNELS, int(kind[-1]), stride=2)
        if kind == "Slice":
            return self.add(kind, [value, *(self.numbers(one) for one in (0, 1 << 30, 3, 2))])
        if kind == "SpaceToDepth":
            # Blocks are square: rows are doubled before.
            tall = self.conv_rows(value)
            return self.conv(self.add(kind, [tall], blocksize=2), 4 * CHANNELS, 1)
        return self.add(kind, [value], kernel_shape=[1, 2], strides=[1, 2])

    def conv_rows(self, value):
        scales = self.constant(np.array([1, 1, 2, 1], np.float32))
        return self.add(
            "Resize",
            [value, "", scales],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def up(self, value, kind):
        if kind.startswith("up"):
            kernel = int(kind[-1])
            pad = (kernel - 1) // 2
            extra = 2 + 2 * pad - kernel
            return self.add(
                "ConvTranspose",
                [value, self.weight(CHANNELS, CHANNELS, 1, kernel)],
                strides=[1, 2],
                pads=[0, pad, 0, pad],
                output_padding=[0, extra],
            )
        if kind == "DepthToSpace":
            wide = self.add(kind, [self.conv(value, CHANNELS, 1, output=4 * CHANNELS)], blocksize=2)
            return self.add("Slice", [wide, *(self.numbers(one) for one in (0, 1 << 30, 2, 2))])
        scales = self.constant(np.array([1, 1, 1, 2], np.float32))
        form = "asymmetric" if kind in ("floor", "asymmetric") else "half_pixel"
        mode = {"floor": "nearest", "round": "nearest", "cubic": "cubic"}.get(kind, "linear")
        settings = {"nearest_mode": "floor"} if kind == "floor" else {}
        return self.add(
            "Resize", [value, "", scales], mode=mode, coordinate_transformation_mode=form, **settings
        )


def build_network(network, width, seed):
    """Return the graph of a drawn network for images (N, HEIGHT, width) in and out."""
    builder = Builder(np.random.default_rng(seed))
    value = builder.conv(builder.add("Unsqueeze", ["image", builder.numbers(1)]), 1, 1)
    for step in network:
        value = builder.step(value, step)
    last = builder.conv(value, CHANNELS, 1, output=1)
    builder.nodes.append(helper.make_node("Squeeze", [last, builder.numbers(1)], ["answer"]))
    shape = {"N": "N", "h": HEIGHT, "w": width}
    return make_graph(
        builder.nodes, {"image": list(shape.values())}, {"answer": list(shape.values())}, builder.constants
    )
