"""Which rows of every plane a band of the frame needs, its neighbours' rows included."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit_runtime.backends.fused.network import Network, Node
from edgekit_runtime.backends.fused.phases import Group, is_wide


@dataclass(frozen=True)
class Rows:
    """Rows first ≤ row < last; -1 and the height are rows of zeros outside the image."""

    first: int
    last: int

    def __or__(self, other: Rows) -> Rows:
        return Rows(min(self.first, other.first), max(self.last, other.last))

    def within(self, height: int) -> Rows:
        """Return the rows that are in the image."""
        return Rows(max(self.first, 0), min(self.last, height))


Demand = dict[Node, Rows]


def find_demand(network: Network, group: Group, band: Rows) -> Demand:
    """Return the rows of each node of a group, and of the frame, that a band needs.

    Args:
        network: The program.
        group: Of an early or a late phase.
        band: Rows of the frame, first and last multiples of the frame's rows per row of a stored plane.
    """
    demand: Demand = {}

    def want(node: Node, rows: Rows) -> None:
        demand[node] = demand[node] | rows if node in demand else rows

    for node in group.nodes:
        height = network.sizes[node.tensor][1]
        if node in group.summed or not is_wide(network, node.tensor):
            want(node, Rows(band.first * height // network.height, band.last * height // network.height))
        passed = network.find_passed(node)
        if passed is not None and passed in group.summed:
            # The band's rows of the first convolution are summed on their way into this node.
            want(node, Rows(band.first // 2, band.last // 2))
    for node in reversed(group.nodes):
        rows = demand[node].within(network.sizes[node.tensor][1])
        operation = network.operations[node.tensor]
        if operation.kind == "transposed":
            pairs = Rows(rows.first // 2, (rows.last + 1) // 2)
            want(node, Rows(2 * pairs.first, 2 * pairs.last))
            needed = Rows(pairs.first, pairs.last + 1)
        else:
            stride = operation.stride
            needed = Rows(stride * rows.first - 1, stride * (rows.last - 1) + 2)
        for source in network.sources(node):
            if is_wide(network, source.tensor):
                want(source, needed)
    return demand
