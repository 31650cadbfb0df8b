"""What TensorRT's ONNX parser would misread without a word, found before it sees the graph.

It reads any opset as the last that it knows, opens the files that a tensor points to, takes text for an empty graph,
and takes uint8 values for int8 ones, which cuts off half of their range.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgekit_runtime.backends.onnx_wire import has_external_data
from edgekit_runtime.backends.tensorrt.graph_reading import UINT8, Graph, Node, read_graph
from edgekit_runtime.backends.tensorrt.nvidia_library import Library
from edgekit_runtime.errors import ArtefactRefused

_EXPORT_ANEW = "Export the network anew with `edgekit export`."


def check_graph(data: bytes, library: Library) -> None:
    """Refuse what the parser would misread.

    Args:
        data: ONNX bytes.
        library: Whose parser is to read them.

    Raises:
        ArtefactRefused: Naming the node where it is one.
    """
    try:
        external = has_external_data(data)
        graph = read_graph(data)
    except ValueError as error:
        raise ArtefactRefused(f"The graph is no ONNX file: {error}.", remedy=_EXPORT_ANEW) from error
    if external:
        raise ArtefactRefused(
            "The graph wants weights from outside its bytes; a bundle's graphs hold their own.",
            remedy="Export it anew with the weights inside the graph.",
        )
    if not graph.nodes or graph.opset is None:
        raise ArtefactRefused("The graph is no ONNX file: it has no node, or no opset.", remedy=_EXPORT_ANEW)
    known = library.opsets
    if graph.opset not in known:
        raise ArtefactRefused(
            f"The graph is of ONNX opset {graph.opset}; {library.title} knows {known[0]} to {known[-1]}.",
            remedy=_EXPORT_ANEW,
        )
    odd = next((name for name in _list_names(graph) if not _is_plain(name)), None)
    if odd is not None:
        raise ArtefactRefused(
            f"The graph holds the name {odd[:60]!r}; control characters and braces are the compiler's own marks.",
            remedy=_EXPORT_ANEW,
        )
    fault = next(_find_quantisation_faults(graph), None)
    if fault is not None:
        raise ArtefactRefused(
            fault,
            remedy="Quantise symmetrically in int8, zero point 0: `edgekit export --precision int8` does.",
        )


def _list_names(graph: Graph) -> Iterator[str]:
    yield from graph.constants
    for node in graph.nodes:
        yield from (node.name, node.operator, *node.inputs, *node.outputs)


def _is_plain(name: str) -> bool:
    return name.isprintable() and not set(name) & set("{}")


def _find_quantisation_faults(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        if node.operator not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        zero_point = graph.constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
        values = graph.constants.get(node.inputs[0]) if node.inputs else None
        constants = [constant for constant in (zero_point, values) if constant is not None]
        if _gives_uint8(node) or any(constant.data_type == UINT8 for constant in constants):
            yield f"The node {node.title} works in uint8, which {_TAKEN_FOR_INT8}."
        elif zero_point is not None and not zero_point.is_zero:
            yield f"The node {node.title} has a zero point other than 0, and TensorRT knows none."


_TAKEN_FOR_INT8 = "TensorRT takes for int8 and so cuts off half of its range"


def _gives_uint8(node: Node) -> bool:
    """By ONNX's definition QuantizeLinear gives uint8 where it has neither a zero point nor a type."""
    stated = any(node.inputs[2:]) or node.integers.get("output_dtype", 0) != 0
    return node.operator == "QuantizeLinear" and not stated
