"""What lies where: weights, sums and stored planes in memory that all threads share, passing planes in their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgekit_runtime.backends.fused.demands import Demand
from edgekit_runtime.backends.fused.instructions import CELL_FLOATS, SCRATCH
from edgekit_runtime.backends.fused.layout import PlainRows, SplitRows
from edgekit_runtime.backends.fused.network import Network, Node
from edgekit_runtime.backends.fused.phases import Group, is_wide
from edgekit_runtime.bundle.program_checks import FRAME

FRAME_NODE = Node(FRAME, 0)
_GUARD_LANES = 4
"""Vectors of zeros at both ends: the left neighbour of the first pixel of all, and what the last vector reads."""

_ALIGNED = 32
"""Floats: two cache lines, so that no two threads write to one."""


@dataclass(frozen=True)
class Planes:
    """Planes of one tensor.

    Attributes:
        address: Of the first pixel of row 0 of the first plane; of passing planes, of their first row in memory.
        pitch: Floats from row to row.
        step: Floats from plane to plane.
    """

    address: int
    pitch: int
    step: int


@dataclass(frozen=True)
class Room:
    """Places of the planes that pass in one phase, large enough for each of its bands.

    Attributes:
        planes: Tensor → its planes; of a passing first convolution, the ring that it runs through.
        spare: Two split rows that nobody reads.
    """

    planes: Mapping[str, Planes]
    spare: int

    def place_nodes(self, group: Group, demand: Demand, rings: frozenset[str]) -> dict[Node, int]:
        """Return the address of row 0 of every passing plane of a group, the frame among them."""
        places: dict[Node, int] = {}
        seen: dict[str, int] = {}
        for node in (*group.nodes, *((FRAME_NODE,) if FRAME_NODE in demand else ())):
            if node.tensor not in self.planes or node.tensor in rings:
                continue
            planes = self.planes[node.tensor]
            index = seen.get(node.tensor, 0)
            seen[node.tensor] = index + 1
            places[node] = planes.address + index * planes.step - demand[node].first * planes.pitch
        return places


class Memory:
    """Hands out addresses.

    Args:
        network: The program.
        lanes: Floats of a vector.

    Attributes:
        split: Layout of rows of full width.
        sums: Sums over channels, from which the logits come; split.
        cells: Operation → address of the weights of its first channel.
    """

    def __init__(self, network: Network, lanes: int) -> None:
        self._network, self._lanes = network, lanes
        self._own_end = _GUARD_LANES * lanes
        # Cell 0 is the program's own (see `instructions`).
        self._shared_end = _align(CELL_FLOATS + _GUARD_LANES * lanes)
        self.split = SplitRows(network.width, lanes)
        self.cells = {
            operation.name: self._share(operation.channels * CELL_FLOATS)
            for operation in network.program.operations
        }
        sums = self._share(network.height * self.split.pitch) + self.split.odd
        self.sums = Planes(sums, self.split.pitch, 0)
        self._stored = {
            tensor: self._store(tensor) for tensor in network.operations if not is_wide(network, tensor)
        }

    @property
    def shared_floats(self) -> int:
        """Length of the memory that all threads share."""
        return _align(self._shared_end + _GUARD_LANES * self._lanes)

    @property
    def own_floats(self) -> int:
        """Length of each thread's own memory."""
        return _align(self._own_end + _GUARD_LANES * self._lanes)

    def rows_of(self, tensor: str) -> PlainRows | SplitRows:
        """Return the layout of a tensor's rows."""
        return self.split if tensor == FRAME else PlainRows(self._network.sizes[tensor][2], self._lanes)

    def cleared(self, tensor: str) -> int:
        """Return the floats of a row that a kernel may have written, from its first pixel."""
        return self.rows_of(tensor).pitch - self._lanes

    def cell(self, node: Node) -> int:
        """Return the address of a node's weights."""
        return self.cells[node.tensor] + node.channel * CELL_FLOATS

    def stored(self, node: Node) -> int:
        """Return the address of a stored plane."""
        planes = self._stored[node.tensor]
        return planes.address + node.channel * planes.step

    def make_room(self, groups: Iterable[Group], demands: Iterable[Demand]) -> Room:
        """Give every tensor that passes in a phase its place.

        No two tensors of a program share one, for the zeros between rows lie where each one's layout has them.
        """
        heights: dict[str, int] = {}
        for demand in demands:
            for node, rows in demand.items():
                if is_wide(self._network, node.tensor):
                    heights[node.tensor] = max(heights.get(node.tensor, 0), rows.last - rows.first)
        counts = dict.fromkeys(heights, 1)
        for group in groups:
            for tensor in heights:
                counts[tensor] = max(counts[tensor], sum(node.tensor == tensor for node in group.nodes))
        planes = {tensor: self._pass(tensor, height, counts[tensor]) for tensor, height in heights.items()}
        return Room(planes, self._own(2 * self.split.pitch) + self.split.odd)

    def _pass(self, tensor: str, height: int, count: int) -> Planes:
        if tensor in self._network.passing:
            # Four rows of every channel, in split rows (see `stem_kernels.stem_halve`).
            return Planes(self._own(4 * count * self.split.pitch) + self.split.odd, self.split.pitch, 0)
        layout = self.rows_of(tensor)
        size = height * layout.pitch
        start = self._own(count * size) + (self.split.odd if tensor == FRAME else 0)
        return Planes(start, layout.pitch, size)

    def _store(self, tensor: str) -> Planes:
        """Give a stored tensor its place: a row of zeros before and after each plane."""
        channels, height, _ = self._network.sizes[tensor]
        pitch = self.rows_of(tensor).pitch
        step = (height + 2) * pitch
        return Planes(self._share(channels * step) + pitch, pitch, step)

    def _share(self, floats: int) -> int:
        start = self._shared_end
        self._shared_end = _align(start + floats)
        return start

    def _own(self, floats: int) -> int:
        start = self._own_end
        self._own_end = _align(start + floats)
        return SCRATCH + start


def _align(floats: int) -> int:
    return -(-floats // _ALIGNED) * _ALIGNED
