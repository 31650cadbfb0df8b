"""From ONNX bytes to an engine, in a process of its own and without a GPU.

The engine cannot be looked into here: deserialising it, and with it TensorRT's inspector, needs a GPU. What it holds is
known from the log of its build.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from edgekit_runtime.backends.tensorrt.build_log import BuildLog, parse_build_log
from edgekit_runtime.backends.tensorrt.compute_capability import DEFAULT_TARGETS, check_targets
from edgekit_runtime.backends.tensorrt.exchange import Answer, Request, pack, unpack
from edgekit_runtime.backends.tensorrt.graph_checks import check_graph
from edgekit_runtime.backends.tensorrt.nvidia_library import TENSORRT_RTX, Library
from edgekit_runtime.backends.tensorrt.profiles import Batches, make_profile
from edgekit_runtime.backends.tensorrt.refusals import refuse
from edgekit_runtime.bundle.contract import TensorInfo
from edgekit_runtime.errors import ArtefactRefused, EdgekitError, IoFault

LONGEST_BUILD_S = 1800.0
"""ResNet-50 takes seconds: a build of half an hour will not end."""

# The search path is this process's own, so that nothing in the working directory can take a package's place.
_START = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from edgekit_runtime.backends.tensorrt.compiler import main; main()"
)


@dataclass(frozen=True)
class BuiltEngine:
    """An engine, and what is known about it.

    Attributes:
        plan: The engine. It is code: only a device that trusts its source may load it.
        log: Its layers.
        version: Release of the library that built it; no other loads it.
        targets: Compute capabilities that it was compiled for.
        batches: Frames per run; None where the graph's batch is fixed.
    """

    plan: bytes = field(repr=False)
    log: BuildLog
    version: str
    targets: tuple[int, ...]
    batches: Batches | None


def build_engine(
    graph: bytes,
    inputs: Sequence[TensorInfo],
    *,
    targets: Sequence[int] = DEFAULT_TARGETS,
    batches: Batches | None = None,
    stage: str = "the graph",
    library: Library = TENSORRT_RTX,
) -> BuiltEngine:
    """Compile a graph; the same graph gives the same bytes.

    Args:
        graph: ONNX bytes, with their weights.
        inputs: What the graph takes, as the manifest says; shape entries are sizes, or "N" for a dynamic batch.
        targets: Compute capabilities; one engine serves them all.
        batches: Where the batch is dynamic: which ones the engine takes.
        stage: What errors call the graph.
        library: What compiles it.

    Raises:
        UsageProblem: If targets or batches are none that the library and the graph take.
        ArtefactRefused: If the graph cannot be compiled as it is, naming the node where one is to blame.
        IoFault: If the machine killed the process that compiled.
        MissingDependency: If the library is not installed.
    """
    chosen = check_targets(targets, library)
    profile = make_profile(inputs, batches)
    check_graph(graph, library)
    compiler = f"{library.title} {library.read_version()}"
    request = Request(library.module, chosen, tuple(inputs), profile)
    answer, plan = _run(pack(request, graph), compiler, stage)
    if answer.problems:
        raise refuse(answer.problems, compiler, chosen, stage)
    return BuiltEngine(plan, parse_build_log(answer.layer_lists), answer.version, chosen, batches)


def _run(request: bytes, compiler: str, stage: str) -> tuple[Answer, bytes]:
    command = [sys.executable, "-c", _START, *sys.path]
    try:
        done = subprocess.run(
            command, input=request, capture_output=True, timeout=LONGEST_BUILD_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ArtefactRefused(
            f"{compiler} did not finish {stage} in {LONGEST_BUILD_S / 60:.0f} minutes.",
            remedy="Try a smaller size or batch.",
        ) from error
    if done.returncode == -signal.SIGKILL:
        raise IoFault(
            f"The process in which {compiler} compiled {stage} was killed.",
            remedy="The machine may have run out of memory: compile on a larger one, or a smaller size or batch.",
        )
    if done.returncode < 0:
        raise ArtefactRefused(
            f"{compiler} crashed on {stage} ({signal.Signals(-done.returncode).name}).",
            remedy="Check that the graph is valid ONNX (`onnx.checker`); if it is, please report it with the graph.",
        )
    if done.returncode > 0:
        raise EdgekitError(f"The process that compiles failed: {_last_line(done.stderr)}")
    try:
        return unpack(Answer, done.stdout)
    except ValueError as error:
        raise EdgekitError(f"The process that compiles gave no answer: {error}.") from error


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it says nothing"
