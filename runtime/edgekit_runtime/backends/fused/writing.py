"""Writing a plan down: the instructions of a task, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit_runtime.backends.fused import instructions as at
from edgekit_runtime.backends.fused.demands import Demand, Rows
from edgekit_runtime.backends.fused.memory import FRAME_NODE, Memory, Room
from edgekit_runtime.backends.fused.network import Network, Node
from edgekit_runtime.backends.fused.phases import Group, is_wide
from edgekit_runtime.bundle.program_checks import FRAME

CHANNELS_AT_ONCE = 4
"""Channels of the first convolution that share one reading of the frame: their ring still fits a cache of 32 KiB."""


@dataclass(frozen=True)
class Band:
    """A group's work in one band.

    Attributes:
        group: Its nodes.
        rows: Of the frame.
        demand: Rows of every node that the band needs.
        room: Where passing planes lie.
        places: Address of row 0 of each of them.
    """

    group: Group
    rows: Rows
    demand: Demand
    room: Room
    places: Mapping[Node, int]


class Writer:
    """Writes instructions.

    Args:
        network: The program.
        memory: Where everything lies.

    Attributes:
        steps: Instructions so far.
        tasks: Where each task begins.
    """

    def __init__(self, network: Network, memory: Memory) -> None:
        self._network, self._memory = network, memory
        self.steps: list[list[int]] = []
        self.tasks: list[int] = []

    def begin_task(self) -> None:
        """Begin a task; what follows belongs to it."""
        self.tasks.append(len(self.steps))

    def fill_sums(self, rows: Rows) -> None:
        """Let the sums of some rows begin with the head's bias."""
        self._emit(at.FILL, rows, self._sums(), {at.CELL: self._head_cell()})

    def write_mask(self, rows: Rows) -> None:
        """Make the mask of some rows."""
        self._emit(at.MASK, rows, self._sums(), {at.CELL: self._head_cell()})

    def widen_frame(self, demand: Demand, room: Room) -> None:
        """Bring the rows of the frame that a band needs into floats."""
        rows, planes = demand[FRAME_NODE], room.planes[FRAME]
        address = planes.address - rows.first * planes.pitch
        self._clear_outside(FRAME, address, rows)
        split = self._memory.split
        columns = {at.OUT: address, at.OUT_PITCH: planes.pitch, at.WIDTH: split.half, at.EVEN: split.even}
        self._emit(at.WIDEN, rows.within(self._network.height), columns)

    def compute_stored(self, node: Node) -> None:
        """Compute a whole stored plane from stored ones."""
        rows = Rows(0, self._network.sizes[node.tensor][1])
        self._emit(self._choose_kernel(node), *self._convolve(node, rows, {}))

    def compute_band(self, band: Band) -> None:
        """Compute what a group gives to one band: stored rows, and sums."""
        done: set[Node] = set()
        for node in band.group.nodes:
            if node.tensor in self._network.passing or node in done:
                continue
            if self._network.find_passed(node) is not None:
                done.update(self._pass_through(node, band))
            elif self._is_last(node, band):
                rows, columns = self._convolve(node, band.rows, band.places)
                self._emit(at.DOUBLE_HEAD, rows, columns, self._sums())
            else:
                self._compute_rows(node, band)

    def _is_last(self, node: Node, band: Band) -> bool:
        """Whether nothing but the head takes a transposed convolution: its plane is summed and never stored."""
        transposed = self._network.operations[node.tensor].kind == "transposed"
        return transposed and node in band.group.summed and node not in self._network.consumers

    def _compute_rows(self, node: Node, band: Band) -> None:
        rows = band.demand[node]
        if is_wide(self._network, node.tensor):
            self._clear_outside(node.tensor, band.places[node], rows)
        inside, columns = self._convolve(node, rows.within(self._network.sizes[node.tensor][1]), band.places)
        if self._network.operations[node.tensor].inputs == (FRAME,):
            split = self._memory.split
            columns |= {at.WIDTH: split.half, at.EVEN: split.even}
            columns |= {at.ROOM: band.room.spare, at.SPARE: band.room.spare + split.pitch}
        self._emit(self._choose_kernel(node), inside, columns)
        if node in band.group.summed:
            source = {
                at.SOURCE: band.places[node],
                at.SOURCE_PITCH: self._memory.rows_of(node.tensor).pitch,
                at.CELL: self._memory.cell(node),
            }
            self._emit(at.POINT_HEAD, band.rows, self._sums(), source)

    def _pass_through(self, node: Node, band: Band) -> list[Node]:
        """Compute a node and those after it through the first convolution; return which."""
        run = self._find_run(node, band)
        for member in run:
            self._clear_outside(node.tensor, band.places[member], band.demand[member])
        first = self._network.find_passed(node)
        assert first is not None
        summed = band.rows if first in band.group.summed else Rows(0, 0)
        rows, columns = self._convolve(
            node, band.demand[node].within(self._network.sizes[node.tensor][1]), band.places, passing=True
        )
        step = band.places[run[1]] - band.places[node] if len(run) > 1 else 0
        more = {
            at.SOURCE: band.places[FRAME_NODE],
            at.SOURCE_PITCH: self._memory.split.pitch,
            at.OUT_STEP: step,
            at.CELL: self._memory.cell(first),
            at.NEXT_CELL: self._memory.cell(node),
            at.COUNT: len(run),
            at.ROOM: band.room.planes[first.tensor].address,
            at.SPARE: band.room.spare,
            at.SUMS_FIRST: summed.first,
            at.SUMS_LAST: summed.last,
        }
        self._emit(at.STEM_HALVE, rows, columns, self._sums(), more)
        return run

    def _find_run(self, node: Node, band: Band) -> list[Node]:
        """Return this node and the channels after it that one instruction can compute with it."""
        run = [node]
        while len(run) < CHANNELS_AT_ONCE:
            following = Node(node.tensor, run[-1].channel + 1)
            if not self._goes_with(following, node, band):
                break
            step = band.places[following] - band.places[run[-1]]
            if len(run) > 1 and step != band.places[run[1]] - band.places[node]:
                break
            run.append(following)
        return run

    def _goes_with(self, following: Node, node: Node, band: Band) -> bool:
        if following not in band.places or band.demand[following] != band.demand[node]:
            return False
        firsts = (self._network.find_passed(following), self._network.find_passed(node))
        return len({first in band.group.summed for first in firsts}) == 1

    def _choose_kernel(self, node: Node) -> int:
        operation = self._network.operations[node.tensor]
        if operation.kind == "transposed":
            return at.DOUBLE
        if operation.inputs == (FRAME,):
            return at.STEM if operation.stride == 1 else at.FRAME_HALVE
        return at.SAME if operation.stride == 1 else at.HALVE

    def _convolve(
        self, node: Node, rows: Rows, places: Mapping[Node, int], *, passing: bool = False
    ) -> tuple[Rows, dict[int, int]]:
        """Return the rows and columns of a convolution's instruction: from where, to where, with which weights."""
        operation, sources = self._network.operations[node.tensor], self._network.sources(node)
        width = self._network.sizes[node.tensor][2]
        columns = {at.CELL: self._memory.cell(node), at.WIDTH: width}
        if not passing:
            columns[at.SOURCE] = self._find(sources[0], places)
            columns[at.SECOND] = self._find(sources[1], places) if len(sources) > 1 else -1
            columns[at.SOURCE_PITCH] = self._memory.rows_of(sources[0].tensor).pitch
        if node in places or not is_wide(self._network, node.tensor):
            columns[at.OUT] = self._find(node, places)
            columns[at.OUT_PITCH] = self._memory.rows_of(node.tensor).pitch
        if operation.kind == "transposed":
            columns[at.WIDTH] = width // 2
            rows = Rows(rows.first // 2, (rows.last + 1) // 2)
        return rows, columns

    def _find(self, node: Node, places: Mapping[Node, int]) -> int:
        return places[node] if node in places else self._memory.stored(node)

    def _clear_outside(self, tensor: str, address: int, rows: Rows) -> None:
        """Make the rows outside the image that a band reads."""
        height = self._network.sizes[tensor][1]
        pitch = self._memory.rows_of(tensor).pitch
        for row in (-1, height):
            if rows.first <= row < rows.last:
                columns = {at.OUT: address, at.OUT_PITCH: pitch, at.WIDTH: self._memory.cleared(tensor)}
                self._emit(at.CLEAR, Rows(row, row + 1), columns)

    def _head_cell(self) -> int:
        return self._memory.cells[self._network.head.name]

    def _sums(self) -> dict[int, int]:
        sums, split = self._memory.sums, self._memory.split
        return {
            at.SUMS: sums.address,
            at.SUMS_PITCH: sums.pitch,
            at.EVEN: split.even,
            at.WIDTH: split.half,
        }

    def _emit(self, kernel: int, rows: Rows, *columns: Mapping[int, int]) -> None:
        step = [0] * at.COLUMNS
        step[at.KERNEL], step[at.FIRST], step[at.LAST] = kernel, rows.first, rows.last
        for part in columns:
            for column, value in part.items():
                step[column] = value
        self.steps.append(step)
