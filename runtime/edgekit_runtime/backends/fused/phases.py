"""What is computed when: a frame in three phases, and in groups of channels that need each other.

Full and half resolution are too large to keep: they pass through each thread's own memory in bands of rows. All that
is smaller is stored.

1. Early, by bands: from the frame down to a quarter, and what of the logits needs no more than that. The skip
   connections of a decoder whose convolutions are grouped are such: half of its channels see nothing deeper.
2. Deep, by groups of channels: all that is smaller.
3. Late, by bands: from a quarter back to the frame, and the mask.

A wide plane that the third phase needs again is computed again; where channels come in pairs (every even width of
CheapNet) none is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgekit_runtime.backends.fused.network import Network, Node, group_nodes
from edgekit_runtime.bundle.manifest import ProgramInfo
from edgekit_runtime.bundle.program_checks import FRAME

WIDE = 4
"""Planes of more than 1/WIDE of the frame's rows are never stored."""


@dataclass(frozen=True)
class Group:
    """Nodes that are computed together, in an order in which they can be.

    Attributes:
        nodes: Passing nodes in order, and the stored ones that a band phase fills.
        summed: Those of them that enter the logits here.
    """

    nodes: tuple[Node, ...]
    summed: frozenset[Node]


@dataclass(frozen=True)
class Phases:
    """The groups of each phase.

    Attributes:
        early: By bands.
        deep: Whole planes; a task each.
        late: By bands.
    """

    early: tuple[Group, ...]
    deep: tuple[Group, ...]
    late: tuple[Group, ...]


class PlanningFault(ValueError):
    """The program has a form that these phases do not cover; the message says which, in words."""


def find_program_obstacle(program: ProgramInfo, height: int, width: int) -> str | None:
    """Return why the backend cannot run a program on frames of this size, in a few words; None if it can.

    Raises:
        ProgramFault: If the program contradicts itself.
    """
    try:
        divide(Network(program, height, width))
    except PlanningFault as error:
        return str(error)
    return None


def is_wide(network: Network, tensor: str) -> bool:
    """Return whether planes of this tensor pass and are not stored."""
    return tensor == FRAME or network.sizes[tensor][1] * WIDE > network.height


def divide(network: Network) -> Phases:
    """Divide a program into phases.

    Raises:
        PlanningFault: If a small plane is computed from a large one that is computed from a small one.
    """
    late = set(_find_late(network))
    summed = network.summed
    early_seeds = [node for node in summed if node not in late]
    frontier: list[Node] = []
    deep: list[Node] = []
    for tensor in network.operations:
        if is_wide(network, tensor):
            continue
        for node in network.nodes(tensor):
            wide = [source for source in network.sources(node) if is_wide(network, source.tensor)]
            if any(source in late for source in wide):
                raise PlanningFault("goes down again after it went up")
            if wide and len(wide) < len(network.sources(node)):
                raise PlanningFault(f"joins planes of different sizes in {tensor!r}")
            (frontier if wide else deep).append(node)
    late_seeds = [node for node in summed if node in late]
    return Phases(
        early=tuple(_gather(network, early_seeds, frontier)),
        deep=tuple(
            Group(tuple(sorted(nodes, key=network.rank)), frozenset())
            for nodes in group_nodes(((s, n) for n in deep for s in network.sources(n)), deep)
        ),
        late=tuple(_gather(network, late_seeds, [])),
    )


def _find_late(network: Network) -> Iterator[Node]:
    """Yield the wide nodes that need a stored one."""
    late: set[Node] = set()
    for tensor in network.operations:
        if not is_wide(network, tensor):
            continue
        for node in network.nodes(tensor):
            if any(source in late or not is_wide(network, source.tensor) for source in network.sources(node)):
                late.add(node)
                yield node


def _gather(network: Network, summed: list[Node], stored: list[Node]) -> Iterator[Group]:
    """Yield groups of the given nodes and of all wide nodes that they need."""
    needed: dict[Node, None] = {}
    pending = [*summed, *stored]
    while pending:
        node = pending.pop()
        if node not in needed and node.tensor != FRAME:
            needed[node] = None
            pending += [s for s in network.sources(node) if is_wide(network, s.tensor)]
            if node.tensor in network.passing:
                # It is computed on the way into what takes it, wanted here or not.
                pending += network.consumers[node]
    nodes = sorted(needed, key=network.rank)
    edges = ((source, node) for node in nodes for source in network.sources(node))
    wanted = frozenset(summed)
    for members in group_nodes(edges, nodes):
        yield Group(tuple(members), wanted.intersection(members))


def merge_groups(groups: tuple[Group, ...], network: Network, channels: int) -> Iterator[Group]:
    """Yield groups joined until they hold up to `channels` channels of the first convolution.

    Those read the frame and the sums once for all of their channels.
    """
    held: list[Group] = []
    for group in groups:
        if held and _count_first(network, (*held, group)) > channels:
            yield _merge(network, held)
            held = []
        held.append(group)
    if held:
        yield _merge(network, held)


def _count_first(network: Network, groups: tuple[Group, ...]) -> int:
    return sum(network.operations[node.tensor].inputs == (FRAME,) for group in groups for node in group.nodes)


def _merge(network: Network, groups: list[Group]) -> Group:
    nodes = sorted((node for group in groups for node in group.nodes), key=network.rank)
    return Group(tuple(nodes), frozenset().union(*(group.summed for group in groups)))
