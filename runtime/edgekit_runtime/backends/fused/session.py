"""A network ready to run: its plan, its memory, its threads."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends.fused.instructions import THRESHOLD
from edgekit_runtime.backends.fused.network import Network
from edgekit_runtime.backends.fused.planning import make_plan
from edgekit_runtime.backends.fused.team import Team
from edgekit_runtime.backends.fused.weights import place_weights
from edgekit_runtime.bundle.contract import FrameType
from edgekit_runtime.bundle.program_checks import Weights
from edgekit_runtime.errors import EnvironmentMismatch
from edgekit_runtime.jit import describe_origin

_LINE_BYTES = 64


class Session:
    """Runs frames of one size. It serves one caller at a time; a second one waits.

    Args:
        network: The program and the size of its frames.
        weights: See `weights.read_weights`.
        threads: Threads that share a frame, the caller's among them.
        frame_type: Of the frames: "uint8", or "int32" for pixels deeper than 8 bits.

    Attributes:
        origin: Where the kernels came from, see `jit.describe_origin`.
    """

    def __init__(
        self, network: Network, weights: Weights, *, threads: int, frame_type: FrameType = "uint8"
    ) -> None:
        from edgekit_runtime.backends.fused.interpreter import MAX_FRAMES, PER_ROUND, TAKEN
        from edgekit_runtime.backends.fused.vectors import LANES

        lead, help_out = _load_kernels(frame_type)
        plan = make_plan(network, lanes=LANES, threads=threads)
        self.origin = describe_origin(lead)
        self._lead, self._most_frames = lead, MAX_FRAMES
        arena = _take_memory(plan.shared_floats + threads * plan.own_floats)
        place_weights(arena, network, plan.cells, weights)
        counters = np.zeros(TAKEN + PER_ROUND * MAX_FRAMES * len(plan.phases), np.int64)
        self._arena, self._own_start = arena, plan.shared_floats
        self._shared = (arena, plan.steps, plan.tasks, plan.phases, counters)
        self._call = 0
        self._process, self._lock = os.getpid(), threading.Lock()
        shared, start, step = self._shared, plan.shared_floats, plan.own_floats
        like = np.empty(0, frame_type)
        # Not a method: helpers must not keep the session alive.
        self._team = Team(threads - 1, lambda member: help_out(*shared, start + member * step, like))
        # Where nobody closes it, its threads end with it.
        self._finalizer = weakref.finalize(self, self._team.dismiss)
        try:
            # The first frame shall not pay for pages that were never touched.
            self.run(np.zeros((1, network.height, network.width), frame_type), 0.0)
        except BaseException:
            self.close()
            raise

    def run(self, frames: npt.NDArray[Any], threshold: float) -> npt.NDArray[np.uint8]:
        """Return the masks, uint8 (N, H, W), of frames (N, H, W) of the session's type."""
        if self._process != os.getpid():
            self._recover_from_fork()
        masks = np.empty(frames.shape, np.uint8)
        flat, answers = frames.reshape(len(frames), -1), masks.reshape(len(masks), -1)
        # One type for all: Numba tells arrays that can be written to from others.
        flat.flags.writeable = False
        with self._lock:
            self._arena[THRESHOLD] = threshold
            for start in range(0, len(frames), self._most_frames):
                part = slice(start, start + self._most_frames)
                self._call += 1
                self._team.wake()
                self._lead(*self._shared, self._own_start, flat[part], answers[part], self._call)
        return masks

    def close(self) -> None:
        """End the threads; may be called again."""
        self._finalizer.detach()
        self._team.close()

    def _recover_from_fork(self) -> None:
        """Begin anew in a process that was forked, perhaps in the middle of a frame: it has a copy, and no helpers."""
        self._process, self._lock = os.getpid(), threading.Lock()
        self._team = Team(0, lambda _: None)
        self._shared[-1][:] = 0


def _load_kernels(frame_type: FrameType) -> tuple[Any, Any]:
    """Return what leads and what helps, compiled for these frames; those of the other type are not touched."""
    if frame_type == "uint8":
        from edgekit_runtime.backends.fused import interpreter

        return interpreter.lead, interpreter.help_out
    from edgekit_runtime.backends.fused import deep_interpreter

    return deep_interpreter.lead, deep_interpreter.help_out


def _take_memory(floats: int) -> npt.NDArray[np.float32]:
    """Return zeros; more than the machine has would be given too, and kill the process when they are touched."""
    needed, there = 4 * floats, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise EnvironmentMismatch(
            f"The bundle's program needs {needed / 1e9:.1f} GB of memory; this machine has {there / 1e9:.1f} GB.",
            remedy="Export the bundle for smaller frames, or choose another backend.",
        )
    return _aligned_zeros(floats)


def _aligned_zeros(floats: int) -> npt.NDArray[np.float32]:
    """Return zeros that begin with a cache line."""
    raw = np.zeros(floats * 4 + _LINE_BYTES, np.uint8)
    start = -raw.ctypes.data % _LINE_BYTES
    return raw[start : start + floats * 4].view(np.float32)
