"""The process that compiles: one request on stdin, one answer on stdout.

A process for each build, for two reasons, both seen with TensorRT-RTX 1.7.1. A graph that surprises the library ends
the process: of at most 1,600 graphs with a few bytes changed five were a segmentation fault (a Conv of two dimensions
is one). And a build that fails changes the next: an int8 ResNet-50 had 124 layers for SM 80, and 199 in the process in
which SM 75 had been refused just before.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

from edgekit_runtime.backends.tensorrt.exchange import Answer, Problem, Request, pack, unpack
from edgekit_runtime.bundle.contract import BATCH, TensorInfo

LAYER_LIST = "Layers:\n"

_DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "UINT8": "uint8",
    "BOOL": "bool",
}


def main() -> None:
    """Answer the request on stdin."""
    # The libraries print on stdout themselves ("ERROR: Graph contains a cycle").
    answers = os.dup(1)
    os.dup2(2, 1)
    request, graph = unpack(Request, sys.stdin.buffer.read())
    answer, engine = compile_graph(request, graph)
    with os.fdopen(answers, "wb") as out:
        out.write(pack(answer, engine))


def compile_graph(request: Request, graph: bytes) -> tuple[Answer, bytes]:
    """Return what became of the request, and the engine; its bytes are empty where there is none."""
    trt = importlib.import_module(request.module)
    log = _make_log(trt)
    builder = trt.Builder(log)
    network = builder.create_network(_network_flags(trt))
    parser = trt.OnnxParser(network, log)
    engine = b""
    if not parser.parse(graph):
        problems = [_describe_error(parser.get_error(index), parser) for index in range(parser.num_errors)]
    else:
        problems = _compare_inputs(network, request)
    if not problems:
        plan = builder.build_serialized_network(network, _configure(trt, builder, request))
        if plan is None:
            text = "\n".join(log.errors) or "it gives no reason"
            problems = [Problem("build", "", "", True, text)]
        else:
            engine = bytes(plan)
    return Answer(tuple(problems), str(trt.__version__), tuple(log.layer_lists)), engine


def _make_log(trt: ModuleType) -> Any:
    class Log(trt.ILogger):  # type: ignore[misc,name-defined]
        """Keeps what an answer holds."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []
            self.layer_lists: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            """Receive a message; the library calls this."""
            if message.startswith(LAYER_LIST):
                self.layer_lists.append(message)
            elif severity.name in ("ERROR", "INTERNAL_ERROR"):
                self.errors.append(message)

    return Log()


def _network_flags(trt: ModuleType) -> int:
    """Types are those of the graph: where a release still has the choice, it must be made."""
    strong = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if strong is None else 1 << int(strong)


def _configure(trt: ModuleType, builder: Any, request: Request) -> Any:
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    # fp32 is fp32: TF32 would round every input of a convolution to 10 bits.
    config.clear_flag(trt.BuilderFlag.TF32)
    if hasattr(config, "num_compute_capabilities"):
        config.num_compute_capabilities = len(request.targets)
        for index, target in enumerate(request.targets):
            config.set_compute_capability(getattr(trt.ComputeCapability, f"SM{target}"), index)
    if request.profile:
        profile = builder.create_optimization_profile()
        for name, (smallest, tuned, largest) in request.profile.items():
            profile.set_shape(name, smallest, tuned, largest)
        config.add_optimization_profile(profile)
    return config


def _compare_inputs(network: Any, request: Request) -> list[Problem]:
    tensors = [network.get_input(index) for index in range(network.num_inputs)]
    found = {
        tensor.name: TensorInfo(
            tensor.name,
            _DTYPES.get(tensor.dtype.name, tensor.dtype.name),
            tuple(BATCH if size == -1 else size for size in tensor.shape),
        )
        for tensor in tensors
    }
    wanted = {tensor.name: tensor for tensor in request.inputs}
    if found == wanted:
        return []
    listed = [
        ", ".join(f"{item.name!r} {item.dtype} {item.shape}" for item in side.values()) or "nothing"
        for side in (found, wanted)
    ]
    return [Problem("inputs", "", "", True, f"it takes {listed[0]}, and not {listed[1]}")]


def _describe_error(error: Any, parser: Any) -> Problem:
    operator = error.node_operator()
    is_known = not operator or parser.supports_operator(operator)
    return Problem("parse", error.node_name(), operator, is_known, error.desc())
