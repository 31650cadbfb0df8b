"""The plan of a frame: every address and every instruction, worked out once when a bundle is opened."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends.fused import instructions as at
from edgekit_runtime.backends.fused.demands import Demand, Rows, find_demand
from edgekit_runtime.backends.fused.layout import PlainRows, SplitRows
from edgekit_runtime.backends.fused.network import Network, Node
from edgekit_runtime.backends.fused.phases import Group, divide, is_wide, merge_groups
from edgekit_runtime.bundle.manifest import ProgramInfo
from edgekit_runtime.bundle.program_checks import FRAME

CHANNELS_AT_ONCE = 4
"""Channels of the first convolution that share one reading of the frame: their ring still fits a cache of 32 KiB."""

BAND_BYTES = 400 << 10
"""Memory that a band works on: well within a second-level cache of 512 KiB."""

MAX_FLOATS = 1 << 32
"""Of the arena, 16 GiB: beyond that a plan is a mistake."""

_FRAME = Node(FRAME, 0)
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Plan:
    """What the interpreter runs.

    Attributes:
        steps: int64 (instructions, COLUMNS).
        tasks: int64 (tasks + 1,): where each task's instructions begin.
        phases: int64 (phases + 1,): where each phase's tasks begin.
        cells: Operation → address of the weights of its first channel.
        shared_floats: Length of the memory that all threads share.
        own_floats: Length of each thread's own memory, which follows.
    """

    steps: Ints
    tasks: Ints
    phases: Ints
    cells: Mapping[str, int]
    shared_floats: int
    own_floats: int


@dataclass(frozen=True)
class _Planes:
    """Planes of one tensor: address of row 0 of the first one, and the steps from there."""

    address: int
    pitch: int
    step: int


def make_plan(program: ProgramInfo, height: int, width: int, *, lanes: int, threads: int) -> Plan:
    """Plan a frame.

    Args:
        program: Checked, see `bundle.program_checks`.
        height: Rows of a frame, even.
        width: Columns of a frame, even.
        lanes: Floats of a vector.
        threads: Threads that will share the work.

    Raises:
        PlanningFault: If the phases do not cover the program.
    """
    return _Planner(Network(program, height, width), lanes, threads).plan()


class _Planner:
    def __init__(self, network: Network, lanes: int, threads: int) -> None:
        self.network, self.lanes, self.threads = network, lanes, threads
        self.phases = divide(network)
        self.split = SplitRows(network.width, lanes)
        self.steps: list[list[int]] = []
        self.tasks: list[int] = []
        self.own_end = 4 * lanes
        # Zeros before everything: the left neighbour of the first pixel of all.
        self.shared_end = 4 * lanes + at.CELL_FLOATS
        self.cells = {}
        for operation in network.program.operations:
            self.cells[operation.name] = self._share(operation.channels * at.CELL_FLOATS)
        rows = network.height * self.split.pitch
        self.sums = _Planes(self._share(rows) + self.split.odd, self.split.pitch, 0)
        self.stored = {
            tensor: self._store(tensor) for tensor in network.operations if not is_wide(network, tensor)
        }

    def plan(self) -> Plan:
        bands = list(self._divide_rows())
        early = tuple(merge_groups(self.phases.early, self.network, CHANNELS_AT_ONCE))
        bounds = [0]
        self._plan_bands(bands, early, opens=True, closes=not self.phases.late)
        bounds.append(len(self.tasks))
        if self.phases.deep:
            for group in self.phases.deep:
                self._begin_task()
                for node in group.nodes:
                    self._compute(node, Rows(0, self.network.sizes[node.tensor][1]), {})
            bounds.append(len(self.tasks))
        if self.phases.late:
            self._plan_bands(bands, self.phases.late, opens=False, closes=True)
            bounds.append(len(self.tasks))
        return Plan(
            steps=np.array(self.steps, np.int64),
            tasks=np.array([*self.tasks, len(self.steps)], np.int64),
            phases=np.array(bounds, np.int64),
            cells=self.cells,
            shared_floats=_align(self.shared_end + 4 * self.lanes),
            own_floats=_align(self.own_end + 4 * self.lanes),
        )

    def _divide_rows(self) -> Iterator[Rows]:
        """Yield bands of about equal height, as many for each thread."""
        network = self.network
        unit = 4 if network.height % 4 == 0 else 2
        row_bytes = 4 * (
            2 * self.split.pitch + CHANNELS_AT_ONCE * self._rows("", network.width // 2).pitch // 2
        )
        count = max(1, min(-(-network.height * row_bytes // BAND_BYTES), network.height // unit))
        count = min(-(-count // self.threads) * self.threads, network.height // unit)
        units = network.height // unit
        edges = [unit * (units * index // count) for index in range(count + 1)]
        for first, last in itertools.pairwise(edges):
            yield Rows(first, last)

    def _plan_bands(self, bands: list[Rows], groups: tuple[Group, ...], *, opens: bool, closes: bool) -> None:
        demands = [[find_demand(self.network, group, band) for group in groups] for band in bands]
        for wanted in demands:
            _share_frame(wanted)
        passing = self._make_room(groups, [demand for band in demands for demand in band])
        for band, wanted in zip(bands, demands, strict=True):
            self._begin_task()
            if opens:
                head = self.cells[self.network.head.name]
                self._emit(at.FILL, band, {at.CELL: head, at.WIDTH: self.split.half, **self._sums()})
            self._widen(wanted, passing)
            for group, demand in zip(groups, wanted, strict=True):
                self._plan_group(group, demand, band, passing)
            if closes:
                head = self.cells[self.network.head.name]
                self._emit(at.MASK, band, {at.CELL: head, at.WIDTH: self.split.half, **self._sums()})

    def _make_room(self, groups: tuple[Group, ...], demands: list[Demand]) -> dict[str, _Planes]:
        """Give every passing tensor of a phase a place in the threads' own memory, large enough for each band."""
        rows: dict[str, int] = {}
        counts: dict[str, int] = {}
        for demand in demands:
            for node, wanted in demand.items():
                if is_wide(self.network, node.tensor):
                    rows[node.tensor] = max(rows.get(node.tensor, 0), wanted.last - wanted.first)
        for group in groups:
            for tensor in rows:
                held = sum(node.tensor == tensor for node in group.nodes)
                counts[tensor] = max(counts.get(tensor, 1), held)
        planes = {}
        for tensor, height in rows.items():
            if tensor in self.network.passing:
                # Four rows of every channel, in split rows (see `stem_halve`).
                start = self._own(4 * counts[tensor] * self.split.pitch) + self.split.odd
                planes[tensor] = _Planes(start, self.split.pitch, 0)
                continue
            layout = self._rows(tensor)
            size = height * layout.pitch
            start = self._own(counts[tensor] * size) + (self.split.odd if tensor == FRAME else 0)
            planes[tensor] = _Planes(start, layout.pitch, size)
        spare = self._own(2 * self.split.pitch) + self.split.odd
        planes[_SPARE] = _Planes(spare, self.split.pitch, 0)
        return planes

    def _widen(self, demands: list[Demand], passing: dict[str, _Planes]) -> None:
        rows = next((demand[_FRAME] for demand in demands if _FRAME in demand), None)
        if rows is None:
            return
        planes = passing[FRAME]
        address = planes.address - rows.first * planes.pitch
        self._clear_outside(address, planes.pitch, rows, self.network.height)
        columns = {at.OUT: address, at.OUT_PITCH: planes.pitch, at.WIDTH: self.split.half}
        self._emit(at.WIDEN, rows.within(self.network.height), {**columns, at.EVEN: self.split.even})

    def _plan_group(self, group: Group, demand: Demand, band: Rows, passing: dict[str, _Planes]) -> None:
        places = self._place_nodes(group, demand, passing)
        done: set[Node] = set()
        for node in group.nodes:
            if node.tensor in self.network.passing or node in done:
                continue
            rows = demand[node]
            if self.network.find_passed(node) is not None:
                done.update(self._pass_through(node, group, demand, band, places, passing))
                continue
            operation = self.network.operations[node.tensor]
            summed = node in group.summed
            if summed and operation.kind == "transposed" and node not in self.network.consumers:
                self._compute(node, band, places, summed=True)
                continue
            height = self.network.sizes[node.tensor][1]
            if is_wide(self.network, node.tensor):
                self._clear_outside(places[node], self._rows(node.tensor).pitch, rows, height)
            self._compute(node, rows.within(height), places, passing=passing)
            if summed:
                self._emit(
                    at.POINT_HEAD,
                    band,
                    {
                        at.SOURCE: places[node],
                        at.SOURCE_PITCH: self._rows(node.tensor).pitch,
                        at.CELL: self._cell(node),
                        at.WIDTH: self.split.half,
                        **self._sums(),
                    },
                )

    def _place_nodes(self, group: Group, demand: Demand, passing: dict[str, _Planes]) -> dict[Node, int]:
        """Return the address of row 0 of every passing plane of a group, the frame among them."""
        places: dict[Node, int] = {}
        seen: dict[str, int] = {}
        for node in (*group.nodes, *((_FRAME,) if _FRAME in demand else ())):
            if node.tensor not in passing or node.tensor in self.network.passing:
                continue
            planes = passing[node.tensor]
            index = seen.get(node.tensor, 0)
            seen[node.tensor] = index + 1
            places[node] = planes.address + index * planes.step - demand[node].first * planes.pitch
        return places

    def _pass_through(
        self,
        node: Node,
        group: Group,
        demand: Demand,
        band: Rows,
        places: dict[Node, int],
        passing: dict[str, _Planes],
    ) -> list[Node]:
        """Compute a node and those after it through the first convolution; return which."""
        run = self._find_run(node, group, demand, places)
        height = self.network.sizes[node.tensor][1]
        pitch = self._rows(node.tensor).pitch
        for member in run:
            if is_wide(self.network, node.tensor):
                self._clear_outside(self._address(member, places), pitch, demand[member], height)
        first = self.network.find_passed(node)
        assert first is not None
        summed = first in group.summed
        start = self._address(node, places)
        self._emit(
            at.STEM_HALVE,
            demand[node].within(height),
            {
                at.OUT: start,
                at.OUT_PITCH: pitch,
                at.OUT_STEP: self._address(run[1], places) - start if len(run) > 1 else 0,
                at.SOURCE: places[_FRAME],
                at.SOURCE_PITCH: self.split.pitch,
                at.CELL: self._cell(first),
                at.NEXT_CELL: self._cell(node),
                at.COUNT: len(run),
                at.WIDTH: self.split.half,
                at.ROOM: passing[first.tensor].address,
                at.SPARE: passing[_SPARE].address,
                **self._sums(),
                at.SUMS_FIRST: band.first if summed else 0,
                at.SUMS_LAST: band.last if summed else 0,
            },
        )
        return run

    def _find_run(self, node: Node, group: Group, demand: Demand, places: dict[Node, int]) -> list[Node]:
        """Return this node and the channels after it that one instruction can compute with it."""
        first = self.network.find_passed(node)
        run = [node]
        members = set(group.nodes)
        while len(run) < CHANNELS_AT_ONCE:
            following = Node(node.tensor, run[-1].channel + 1)
            if following not in members or demand[following] != demand[node]:
                break
            passed = self.network.find_passed(following)
            if (passed in group.summed) != (first in group.summed):
                break
            step = self._address(following, places) - self._address(run[-1], places)
            if len(run) > 1 and step != self._address(run[1], places) - self._address(node, places):
                break
            run.append(following)
        return run

    def _compute(
        self,
        node: Node,
        rows: Rows,
        places: dict[Node, int],
        *,
        summed: bool = False,
        passing: Mapping[str, _Planes] | None = None,
    ) -> None:
        """Emit one plane's instruction: rows of it, or rows of the frame that it is summed into."""
        network = self.network
        operation, sources = network.operations[node.tensor], network.sources(node)
        columns = {
            at.SOURCE: self._address(sources[0], places),
            at.SECOND: self._address(sources[1], places) if len(sources) > 1 else -1,
            at.SOURCE_PITCH: self._rows(sources[0].tensor).pitch,
            at.CELL: self._cell(node),
            at.WIDTH: network.sizes[node.tensor][2],
        }
        if not summed:
            columns[at.OUT] = self._address(node, places)
            columns[at.OUT_PITCH] = self._rows(node.tensor).pitch
        if operation.kind == "transposed":
            pairs = Rows(rows.first // 2, (rows.last + 1) // 2)
            columns[at.WIDTH] //= 2
            kernel = at.DOUBLE_HEAD if summed else at.DOUBLE
            self._emit(kernel, pairs, {**columns, **(self._sums() if summed else {})})
        elif sources[0].tensor == FRAME:
            columns[at.WIDTH] = self.split.half
            columns[at.EVEN] = self.split.even
            assert passing is not None
            room = passing[_SPARE].address
            extra = {at.ROOM: room, at.SPARE: room + self.split.pitch}
            kernel = at.STEM if operation.stride == 1 else at.FRAME_HALVE
            self._emit(kernel, rows, {**columns, **extra})
        else:
            self._emit(at.SAME if operation.stride == 1 else at.HALVE, rows, columns)

    def _clear_outside(self, address: int, pitch: int, rows: Rows, height: int) -> None:
        for row in (-1, height):
            if rows.first <= row < rows.last:
                columns = {at.OUT: address, at.OUT_PITCH: pitch, at.WIDTH: pitch - self.lanes}
                self._emit(at.CLEAR, Rows(row, row + 1), columns)

    def _address(self, node: Node, places: Mapping[Node, int]) -> int:
        if node in places:
            return places[node]
        planes = self.stored[node.tensor]
        return planes.address + node.channel * planes.step

    def _cell(self, node: Node) -> int:
        return self.cells[node.tensor] + node.channel * at.CELL_FLOATS

    def _sums(self) -> dict[int, int]:
        return {
            at.SUMS: self.sums.address,
            at.SUMS_PITCH: self.sums.pitch,
            at.EVEN: self.split.even,
        }

    def _rows(self, tensor: str, width: int | None = None) -> PlainRows | SplitRows:
        if tensor == FRAME:
            return self.split
        return PlainRows(self.network.sizes[tensor][2] if width is None else width, self.lanes)

    def _store(self, tensor: str) -> _Planes:
        """Give a stored tensor its place: a row of zeros before and after each plane."""
        channels, height, _ = self.network.sizes[tensor]
        pitch = self._rows(tensor).pitch
        step = (height + 2) * pitch
        return _Planes(self._share(channels * step) + pitch, pitch, step)

    def _share(self, floats: int) -> int:
        start = self.shared_end
        self.shared_end = _align(start + floats)
        return start

    def _own(self, floats: int) -> int:
        start = self.own_end
        self.own_end = _align(start + floats)
        return at.SCRATCH + start

    def _begin_task(self) -> None:
        self.tasks.append(len(self.steps))

    def _emit(self, kernel: int, rows: Rows, columns: Mapping[int, int]) -> None:
        step = [0] * at.COLUMNS
        step[at.KERNEL], step[at.FIRST], step[at.LAST] = kernel, rows.first, rows.last
        for column, value in columns.items():
            step[column] = value
        self.steps.append(step)


_SPARE = " spare"
"""Two split rows that nobody reads: no operation has this name."""


def _share_frame(demands: list[Demand]) -> None:
    """Let all groups of a band take the same rows of the frame: it is widened once for them."""
    wanted = [demand[_FRAME] for demand in demands if _FRAME in demand]
    for demand in demands:
        if _FRAME in demand:
            demand[_FRAME] = functools.reduce(operator.or_, wanted)


def _align(floats: int) -> int:
    return -(-floats // 32) * 32
