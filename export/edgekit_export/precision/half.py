"""Write fp16 into a graph: types and casts, as TensorRT takes them literally."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import onnx_ir as ir

from edgekit_export.passes import editing
from edgekit_export.passes.base import Feeds, GraphPass, Tolerance, ensure, require
from edgekit_export.precision.half_placement import PRECISE, is_float, place_nodes
from edgekit_export.precision.half_range import find_misfit, round_input, to_half
from edgekit_export.precision.operator_types import QUANTISED_OPSET, QUANTISERS, WEIGHTED, takes_half

_HALF, _FLOAT = ir.DataType.FLOAT16, ir.DataType.FLOAT
_SUFFIX = {_HALF: "half", _FLOAT: "float"}


class HalfPrecision(GraphPass):
    """Float arithmetic in fp16, with casts where it meets fp32 and nowhere else.

    In fp32 stay: what comes from a frame, up to the first convolution; Softmax and what follows it; operators
    that need it (`half_placement.PRECISE`); nodes whose constants do not fit; nodes on the block list; every
    graph output that is not carried to the next stage. Integers are left alone.

    Args:
        carried: Names of the graph inputs and outputs that go from stage to stage: they become fp16.
        blocked: Names of nodes that stay in fp32 → why; "" where nobody said why.
    """

    name: ClassVar[str] = "half_precision"
    changes: ClassVar[str] = "Computes in fp16 wherever that is safe, and holds those weights in fp16."
    tolerance: ClassVar[Tolerance] = Tolerance(
        0.02,
        "fp16 has 11 bits, so each value is rounded by up to 2^-11 of itself, and a network adds that up over its "
        "layers: at most 0.005 was measured, on CheapNet-S as trained, and a wrong weight or a wrong node moves more",
    )

    def __init__(
        self, *, carried: Collection[str] = frozenset(), blocked: Mapping[str, str] | None = None
    ) -> None:
        self.carried = frozenset(carried)
        self.blocked = dict(blocked or {})

    def requires(self, model: ir.Model) -> None:
        """Every type is known and no float is below fp32 yet; names mean one node; what was named exists."""
        graph = model.graph
        names = [str(node.name) for node in graph]
        ends = {str(value.name) for value in (*graph.inputs, *graph.outputs)}
        require(len(set(names)) == len(names), "two nodes have the same name")
        for node in graph:
            require(not _subgraphs(node), f"{node.name}: it holds a graph of its own")
            for value in node.outputs:
                require(value.dtype is not None, f"{node.name}: the type of {value.name!r} is not known")
                require(value.dtype != _HALF, f"{node.name}: it computes in fp16 already")
        for value in graph.outputs:
            require(value.producer() is not None, f"no node computes the output {value.name!r}")
        for name in sorted(self.blocked):
            require(name in names, f"there is no node {name!r} to keep in fp32")
        for name in sorted(self.carried):
            require(name in ends, f"no input or output is called {name!r}")

    def ensures(self, model: ir.Model) -> None:
        """Ends have their types, weighted sums are fp16 unless they must not be, casts are few."""
        graph = model.graph
        for value in (*graph.inputs, *graph.outputs):
            if value.dtype in (_HALF, _FLOAT):
                wanted = _HALF if value.name in self.carried else _FLOAT
                ensure(value.dtype == wanted, f"{value.name!r} must be {wanted.name}")
        for node in graph:
            types = {value.dtype for value in (*node.inputs, *node.outputs) if value is not None}
            must_stay = node.name in self.blocked or node.op_type in PRECISE
            ensure(not must_stay or _HALF not in types, f"{node.name} must compute in fp32")
            if node.op_type in WEIGHTED and not must_stay and _FLOAT in types:
                ensure(find_misfit(node) is not None, f"{node.name} must compute in fp16")
        repeated = list(_repeated_casts(graph))
        ensure(not repeated, f"casts that another makes needless: {', '.join(repeated)}")

    def rewrite(self, graph: ir.Graph) -> bool:
        """Place every node, then give each value the type of where it is used."""
        half = set(place_nodes(graph, blocked=self.blocked, carried=self.carried).half)
        if not half and not self.carried:
            return False
        if any(node.op_type in QUANTISERS for node in graph):
            graph.opset_imports[""] = max(graph.opset_imports[""], QUANTISED_OPSET)
        _split_dequantisers(graph, half)
        _Rewriter(graph, half, self.carried).run()
        return True

    def feeds_before(self, feeds: Feeds) -> Feeds:
        """Widen what is carried."""
        return {
            name: array.astype(np.float32) if name in self.carried and array.dtype == np.float16 else array
            for name, array in feeds.items()
        }

    def expected(self, outputs: Feeds, feeds: Feeds) -> Feeds:
        """Round what is carried."""
        del feeds
        return {name: to_half(array) if name in self.carried else array for name, array in outputs.items()}


class HalfBesideInt8(HalfPrecision):
    """The same for a graph whose convolutions take int8."""

    name: ClassVar[str] = "half_beside_int8"
    tolerance: ClassVar[Tolerance] = Tolerance(
        0.3,
        "what fp16 moves across the middle between two steps of int8 changes by a whole step, 1/127 of its range, and "
        "the layers after it pass that on: single logits of CheapNet-M moved by a fifth of the largest, all of them "
        "by a few hundredths; what a misplaced cast or scale does is of the size of the logits themselves",
        "root mean square",
    )

    def ensures(self, model: ir.Model) -> None:
        """The same, and nothing stands between int8 and the convolutions and products that take it."""
        super().ensures(model)
        for node in model.graph:
            source = node.inputs[0] if node.op_type == "Cast" else None
            producer = source.producer() if source is not None else None
            if producer is not None and producer.op_type == "DequantizeLinear":
                for use in node.outputs[0].uses():
                    ensure(use.node.op_type not in WEIGHTED, f"a cast keeps {use.node.name} from int8")


class _Rewriter:
    """One walk through the graph; a value's cast and a constant's fp16 copy are made once."""

    def __init__(self, graph: ir.Graph, half: Collection[str], carried: Collection[str]) -> None:
        self._graph, self._half, self._carried = graph, half, carried
        self._casts: dict[int, ir.Value] = {}
        self._constant_uses: dict[str, list[tuple[ir.Node, int]]] = {}

    def run(self) -> None:
        for value in self._graph.inputs:
            if is_float(value) and value.name in self._carried:
                value.dtype = _HALF
        for node in list(self._graph):
            self._retype(node)
        for index, value in enumerate(list(self._graph.outputs)):
            wanted = _HALF if value.name in self._carried else _FLOAT
            if value.dtype in (_HALF, _FLOAT) and value.dtype != wanted:
                self._convert_output(index, value, wanted)
        for name, uses in self._constant_uses.items():
            self._convert_constant(name, uses)

    def _retype(self, node: ir.Node) -> None:
        is_half = node.name in self._half
        for index, value in enumerate(node.inputs):
            if value is None or value.dtype not in (_HALF, _FLOAT) or node.op_type == "Cast":
                continue
            wanted = _HALF if is_half and takes_half(node, index) else _FLOAT
            if value.dtype == wanted:
                continue
            if editing.read_constant(value) is None:
                node.replace_input_with(index, self._cast(value, wanted))
            else:
                self._constant_uses.setdefault(str(value.name), []).append((node, index))
        for value in node.outputs if is_half else ():
            if value.dtype == _FLOAT:
                value.dtype = _HALF
                if node.op_type == "Cast":
                    node.attributes["to"] = ir.AttrInt64("to", int(_HALF))

    def _cast(self, value: ir.Value, to: ir.DataType) -> ir.Value:
        """Return the value in the other type."""
        if id(value) not in self._casts:
            name = f"{value.name}.{_SUFFIX[to]}"
            node = editing.make_node(self._graph, "Cast", [value], name, {"to": int(to)})
            node.outputs[0].dtype, node.outputs[0].shape = to, value.shape
            producer = value.producer()
            if producer is not None:
                self._graph.insert_after(producer, node)
            else:
                self._graph.insert_before(self._graph[0], node)
            self._casts[id(value)] = node.outputs[0]
        return self._casts[id(value)]

    def _convert_output(self, index: int, value: ir.Value, to: ir.DataType) -> None:
        """Let the graph answer the cast, under the value's name."""
        converted = self._cast(value, to)
        name, inner = (
            value.name,
            editing.fresh_name(self._graph, f"{value.name}.{_SUFFIX[value.dtype or to]}"),
        )
        self._graph.outputs[index] = converted
        value.name = inner
        converted.name = name

    def _convert_constant(self, name: str, uses: list[tuple[ir.Node, int]]) -> None:
        """Store a constant in fp16, and in fp32 as well only where somebody still takes it so."""
        old = self._graph.initializers[name]
        array = round_input(*uses[0], np.asarray(editing.read_constant(old)))
        for node, index in uses:
            node.replace_input_with(index, None)
        stays = bool(old.uses()) or old.is_graph_output()
        if not stays:
            self._graph.initializers.pop(name)
        new = editing.add_constant(self._graph, f"{name}.half" if stays else name, array)
        for node, index in uses:
            node.replace_input_with(index, new)


def _split_dequantisers(graph: ir.Graph, half: Collection[str]) -> None:
    """Give users in fp32 a DequantizeLinear of their own: a cast behind one would keep a convolution from int8."""
    for node in list(graph):
        if node.op_type != "DequantizeLinear" or node.name not in half:
            continue
        others = [use for use in node.outputs[0].uses() if use.node.name not in half]
        if not others:
            continue
        attributes = dict(node.attributes)
        double = editing.make_node(graph, node.op_type, node.inputs, f"{node.name}.float", attributes)
        double.outputs[0].dtype, double.outputs[0].shape = _FLOAT, node.outputs[0].shape
        graph.insert_after(node, double)
        for use in others:
            use.node.replace_input_with(use.idx, double.outputs[0])


def _subgraphs(node: ir.Node) -> list[Any]:
    kinds = (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
    return [attribute for attribute in node.attributes.values() if attribute.type in kinds]


def _repeated_casts(graph: ir.Graph) -> Iterator[str]:
    """Yield casts between fp16 and fp32 that undo another or do the same again."""
    seen: set[tuple[int, Any]] = set()
    for node in graph:
        source = node.inputs[0] if node.op_type == "Cast" else None
        if source is None or source.dtype not in (_HALF, _FLOAT):
            continue
        before = source.producer()
        origin = before.inputs[0] if before is not None and before.op_type == "Cast" else None
        key = (id(source), node.outputs[0].dtype)
        if key in seen or (origin is not None and origin.dtype == node.outputs[0].dtype):
            yield str(node.name)
        seen.add(key)
