"""The peers' engines: ONNX bytes and settings → a call. Each is opened with what its users would set for latency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_benchmarks.calibration import Settings
from edgekit_runtime.backends.onnxruntime_cpu import check_single_installation
from edgekit_runtime.optional import import_optional

Array = npt.NDArray[Any]
Run = Callable[[Mapping[str, Array]], Array]
"""Inputs by name → the first output."""


@dataclass(frozen=True)
class Engine:
    """A runtime for ONNX graphs.

    Attributes:
        open: Opens ONNX bytes with settings.
        axes: From a number of threads to the settings that are worth a trial, the usual value first.
        note: From its settings to what else a reader must know of it.
    """

    open: Callable[[bytes, Settings], Run]
    axes: Callable[[int], dict[str, Sequence[str]]]
    note: Callable[[], Settings] = dict


def open_onnxruntime(data: bytes, settings: Settings) -> Run:
    """Open a session of ONNX Runtime on the CPU."""
    check_single_installation()
    ort = import_optional("onnxruntime", extra="cpu")
    levels = ort.GraphOptimizationLevel
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = int(settings["threads"])
    options.graph_optimization_level = {
        "all": levels.ORT_ENABLE_ALL,
        "extended": levels.ORT_ENABLE_EXTENDED,
        "basic": levels.ORT_ENABLE_BASIC,
    }[settings["graph level"]]
    if settings["execution"] == "parallel":
        options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
        options.inter_op_num_threads = int(settings["threads"])
    options.add_session_config_entry("session.intra_op.allow_spinning", settings["spinning"])
    # Its threads would spin on for 40 ms after a run, and slow down whoever is measured next; it is no slower so.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    output = [session.get_outputs()[0].name]
    names = [item.name for item in session.get_inputs()]

    def run(feeds: Mapping[str, Array]) -> Array:
        answer: Array = session.run(output, _take_inputs(feeds, names))[0]
        return answer

    return run


def list_onnxruntime_settings(threads: int) -> dict[str, Sequence[str]]:
    """Return threads, level of graph rewriting, execution mode, and whether waiting threads spin."""
    return {
        "threads": _threads(threads),
        "graph level": ("all", "extended", "basic"),
        "execution": ("sequential", "parallel"),
        "spinning": ("1", "0"),
    }


def open_openvino(data: bytes, settings: Settings) -> Run:
    """Compile for OpenVINO's CPU device with the latency hint, in float32."""
    openvino = import_optional("openvino", extra="peers")
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(data),
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            # On processors with bfloat16 OpenVINO would take that by itself, and answer other masks.
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": int(settings["threads"]),
            "ENABLE_CPU_PINNING": settings["pinning"] == "yes",
        },
    )
    names = [port.get_any_name() for port in compiled.inputs]
    request = compiled.create_infer_request()
    output = compiled.output(0)

    def run(feeds: Mapping[str, Array]) -> Array:
        results = request.infer(_take_inputs(feeds, names), share_inputs=True, share_outputs=True)
        return np.asarray(results[output])

    return run


def list_openvino_settings(threads: int) -> dict[str, Sequence[str]]:
    """Return threads, and whether they are tied to cores."""
    return {"threads": _threads(threads), "pinning": ("yes", "no")}


def note_openvino_precision() -> Settings:
    """Return the precision that is set, and the one that OpenVINO would have taken here by itself."""
    openvino = import_optional("openvino", extra="peers")
    default = openvino.Core().get_property("CPU", "INFERENCE_PRECISION_HINT")
    return {"hint": "LATENCY", "precision": "f32", "precision by default": default.get_type_name()}


ENGINES: Mapping[str, Engine] = {
    "onnxruntime": Engine(open_onnxruntime, list_onnxruntime_settings),
    "openvino": Engine(open_openvino, list_openvino_settings, note_openvino_precision),
}


def _threads(threads: int) -> tuple[str, ...]:
    """As many as the subject has, and one: small networks often lose by sharing."""
    return tuple(str(count) for count in dict.fromkeys((threads, 1)))


def _take_inputs(feeds: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
    """Return the inputs by the graph's names; a plain export has one, whose name is torch's choice."""
    if len(feeds) == 1 and len(names) == 1:
        return {names[0]: next(iter(feeds.values()))}
    return {name: feeds[name] for name in names}
