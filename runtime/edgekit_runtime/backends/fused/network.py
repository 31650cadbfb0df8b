"""A program as a graph of planes: one node for each channel of each tensor, and what it is computed from."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from edgekit_runtime.bundle.manifest import OperationInfo, ProgramInfo
from edgekit_runtime.bundle.program_checks import FRAME, Sizes, measure_tensors


class Node(NamedTuple):
    """One channel of one tensor."""

    tensor: str
    channel: int


@dataclass(frozen=True)
class Network:
    """A program with its sizes.

    Attributes:
        program: Checked by `measure_tensors`.
        height: Rows of a frame.
        width: Columns of a frame.
    """

    program: ProgramInfo
    height: int
    width: int

    @functools.cached_property
    def sizes(self) -> Sizes:
        """Tensor → (channels, height, width)."""
        return measure_tensors(self.program, self.height, self.width)

    @functools.cached_property
    def operations(self) -> Mapping[str, OperationInfo]:
        """Every operation but the head, by name, in their order."""
        return {operation.name: operation for operation in self.program.operations[:-1]}

    @property
    def head(self) -> OperationInfo:
        """The last operation."""
        return self.program.operations[-1]

    @functools.cached_property
    def summed(self) -> Mapping[Node, tuple[int, ...]]:
        """Node → where it stands among the channels that the head takes."""
        places: dict[Node, tuple[int, ...]] = {}
        for place, node in enumerate(self._join(self.head.inputs)):
            places[node] = (*places.get(node, ()), place)
        return places

    def sources(self, node: Node) -> tuple[Node, ...]:
        """Return what a node is computed from, in the order of its weights; the frame has no sources."""
        if node.tensor == FRAME:
            return ()
        operation = self.operations[node.tensor]
        joined = self._joined[node.tensor]
        if operation.kind == "convolution":
            return (joined[0] if operation.inputs == (FRAME,) else joined[node.channel],)
        fan = len(joined) // operation.channels
        return tuple(joined[fan * node.channel + index] for index in range(fan))

    def nodes(self, tensor: str) -> list[Node]:
        """Return the channels of a tensor."""
        return [Node(tensor, channel) for channel in range(self.sizes[tensor][0])]

    @functools.cached_property
    def consumers(self) -> Mapping[Node, tuple[Node, ...]]:
        """Node → what is computed from it, the head apart."""
        found: dict[Node, list[Node]] = {}
        for tensor in self.operations:
            for node in self.nodes(tensor):
                for source in dict.fromkeys(self.sources(node)):
                    found.setdefault(source, []).append(node)
        return {node: tuple(users) for node, users in found.items()}

    @functools.cached_property
    def passing(self) -> frozenset[str]:
        """First convolutions of stride 1 that one convolution of stride 2 alone takes, the head apart.

        They are computed on the way into that one, row by row, and never stored.
        """
        found = set()
        for tensor, operation in self.operations.items():
            users = [user for user in self.operations.values() if tensor in user.inputs]
            if operation.inputs == (FRAME,) and operation.stride == 1 and len(users) == 1:
                found |= {tensor} if users[0].kind == "convolution" and users[0].stride == 2 else set()
        return frozenset(found)

    def find_passed(self, node: Node) -> Node | None:
        """Return the node that is computed on the way into this one, if there is such."""
        source = self.sources(node)[0]
        return source if source.tensor in self.passing else None

    def rank(self, node: Node) -> tuple[int, int]:
        """Return a key that sorts nodes in an order in which they can be computed."""
        return (self._order[node.tensor], node.channel)

    @functools.cached_property
    def _order(self) -> Mapping[str, int]:
        return {tensor: place for place, tensor in enumerate(self.operations)}

    @functools.cached_property
    def _joined(self) -> Mapping[str, list[Node]]:
        return {name: self._join(operation.inputs) for name, operation in self.operations.items()}

    def _join(self, tensors: Iterable[str]) -> list[Node]:
        return [node for tensor in tensors for node in self.nodes(tensor)]


def group_nodes(edges: Iterable[tuple[Node, Node]], nodes: Iterable[Node]) -> list[list[Node]]:
    """Return the connected groups of nodes, in the order of their first members."""
    parent = {node: node for node in nodes}

    def find(node: Node) -> Node:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for first, second in edges:
        if first in parent and second in parent:
            parent[find(second)] = find(first)
    groups: dict[Node, list[Node]] = {}
    for node in parent:
        groups.setdefault(find(node), []).append(node)
    return list(groups.values())
