"""The plan of a frame: every address and every instruction, worked out once when a bundle is opened."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends.fused.demands import Demand, Rows, find_demand
from edgekit_runtime.backends.fused.layout import PlainRows
from edgekit_runtime.backends.fused.memory import FRAME_NODE, Memory
from edgekit_runtime.backends.fused.network import Network
from edgekit_runtime.backends.fused.phases import Group, divide, merge_groups
from edgekit_runtime.backends.fused.writing import CHANNELS_AT_ONCE, Band, Writer

BAND_BYTES = 400 << 10
"""Memory that a band works on: well within a second-level cache of 512 KiB."""

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


def make_plan(network: Network, *, lanes: int, threads: int) -> Plan:
    """Plan a frame.

    Args:
        network: The program and the size of its frames, both sides even.
        lanes: Floats of a vector.
        threads: Threads that will share the work.

    Raises:
        PlanningFault: If the phases do not cover the program.
    """
    phases = divide(network)
    memory = Memory(network, lanes)
    writer = Writer(network, memory)
    bands = list(_divide_rows(network, memory, threads))
    early = tuple(merge_groups(phases.early, network, CHANNELS_AT_ONCE))
    bounds = [0]
    _plan_bands(network, memory, writer, bands, early, opens=True, closes=not phases.late)
    bounds.append(len(writer.tasks))
    if phases.deep:
        for group in phases.deep:
            writer.begin_task()
            for node in group.nodes:
                writer.compute_stored(node)
        bounds.append(len(writer.tasks))
    if phases.late:
        _plan_bands(network, memory, writer, bands, phases.late, opens=False, closes=True)
        bounds.append(len(writer.tasks))
    return Plan(
        steps=np.array(writer.steps, np.int64),
        tasks=np.array([*writer.tasks, len(writer.steps)], np.int64),
        phases=np.array(bounds, np.int64),
        cells=memory.cells,
        shared_floats=memory.shared_floats,
        own_floats=memory.own_floats,
    )


def _divide_rows(network: Network, memory: Memory, threads: int) -> Iterator[Rows]:
    """Yield bands of about equal height, as many for each thread."""
    # Every row of a stored plane belongs to one band: it is at most a quarter of the frame's height.
    unit = 4 if network.height % 4 == 0 else 2
    half_row = PlainRows(network.width // 2, memory.split.lanes).pitch
    row_bytes = 4 * (2 * memory.split.pitch + CHANNELS_AT_ONCE * half_row // 2)
    count = -(-network.height * row_bytes // BAND_BYTES)
    count = min(-(-count // threads) * threads, network.height // unit)
    units = network.height // unit
    edges = [unit * (units * index // count) for index in range(count + 1)]
    for first, last in itertools.pairwise(edges):
        yield Rows(first, last)


def _plan_bands(
    network: Network,
    memory: Memory,
    writer: Writer,
    bands: Sequence[Rows],
    groups: tuple[Group, ...],
    *,
    opens: bool,
    closes: bool,
) -> None:
    """Write the tasks of a phase that goes by bands."""
    demands = [[find_demand(network, group, rows) for group in groups] for rows in bands]
    for wanted in demands:
        _share_frame(wanted)
    room = memory.make_room(groups, itertools.chain.from_iterable(demands))
    for rows, wanted in zip(bands, demands, strict=True):
        writer.begin_task()
        if opens:
            writer.fill_sums(rows)
        framed = next((demand for demand in wanted if FRAME_NODE in demand), None)
        if framed is not None:
            writer.widen_frame(framed, room)
        for group, demand in zip(groups, wanted, strict=True):
            places = room.place_nodes(group, demand, network.passing)
            writer.compute_band(Band(group, rows, demand, room, places))
        if closes:
            writer.write_mask(rows)


def _share_frame(demands: Sequence[Demand]) -> None:
    """Let all groups of a band take the same rows of the frame: it is widened once for them."""
    wanted = [demand[FRAME_NODE] for demand in demands if FRAME_NODE in demand]
    for demand in demands:
        if FRAME_NODE in demand:
            demand[FRAME_NODE] = functools.reduce(operator.or_, wanted)
