"""The interpreter: threads take tasks from one list and run their instructions.

A frame is a few phases, and a phase a list of tasks in any order. The thread that was called (the leader) does
whatever nobody else has taken; helpers join when they wake up, and leave when the frames are done. So a helper that
sleeps too long, or that the system has put aside, costs speed and never an answer: at most the leader waits at the
end of a phase for tasks that a helper has begun.

Waking a thread takes as long as a small frame (0.1 ms and more): a helper looks out for the next call for a while
before it sleeps again.
"""

# mypy: disable-error-code="no-untyped-call, no-untyped-def, misc"

from __future__ import annotations

from numba import carray
from numba.core import types

from edgekit_runtime.backends.fused.atomics import (
    as_bytes,
    as_pixels,
    count_up,
    give_way,
    read_counter,
    write_counter,
)
from edgekit_runtime.backends.fused.instructions import (
    CLEAR,
    DOUBLE,
    DOUBLE_HEAD,
    FILL,
    FRAME_HALVE,
    HALVE,
    KERNEL,
    POINT_HEAD,
    SAME,
    STEM,
    STEM_HALVE,
    WIDEN,
)
from edgekit_runtime.backends.fused.plane_kernels import clear, double, halve, same
from edgekit_runtime.backends.fused.stem_kernels import frame_halve, stem, stem_halve, widen
from edgekit_runtime.backends.fused.sum_kernels import double_head, fill, mask_rows, point_head
from edgekit_runtime.jit import inline, kernel

OPEN, BUSY = 0, 8
"""Counters: number of the call that helpers may join, 0 for none; helpers that are inside."""

FRAMES_AT, MASKS_AT, COUNT, PIXELS = 16, 17, 18, 19
"""What the open call is about: addresses of its frames and masks, frames, pixels of each."""

TAKEN, DONE, PER_ROUND = 32, 40, 16
"""Tasks taken and done in round 0; those of round r lie PER_ROUND · r further. Each has a cache line of its own.

A round is one phase of one frame: none begins before the one before it is done.
"""

MAX_FRAMES = 16
"""Frames of one call: its counters are cleared each time."""

PATIENCE = 600
"""How often a helper gives way before it sleeps: about 0.2 ms."""

SPINS = 200
"""Looks at a counter before the processor is offered to others: about as long as a short task takes."""


@inline
def run_step(arena, step, base, frame, mask):
    """Run one instruction."""
    which = step[KERNEL]
    if which == STEM_HALVE:
        stem_halve(arena, step, base)
    elif which == DOUBLE_HEAD:
        double_head(arena, step, base)
    elif which == DOUBLE:
        double(arena, step, base)
    elif which == HALVE:
        halve(arena, step, base)
    elif which == WIDEN:
        widen(arena, step, base, frame)
    elif which == FILL:
        fill(arena, step)
    elif which == CLEAR:
        clear(arena, step, base)
    elif which == STEM:
        stem(arena, step, base)
    elif which == FRAME_HALVE:
        frame_halve(arena, step, base)
    elif which == SAME:
        same(arena, step, base)
    elif which == POINT_HEAD:
        point_head(arena, step, base)
    else:
        mask_rows(arena, step, base, mask)


@inline
def wait_until(counters, index, value):
    """Wait until a counter has reached a value."""
    looks = 0
    while read_counter(counters, index) < value:
        looks += 1
        if looks > SPINS:
            give_way()


@inline
def run_rounds(arena, steps, tasks, phases, counters, base, frames, masks):
    """Take tasks, round after round, until none is left."""
    last = len(phases) - 1
    for turn in range(len(frames) * last):
        frame, phase = turn // last, turn % last
        taken, done = TAKEN + PER_ROUND * turn, DONE + PER_ROUND * turn
        count = phases[phase + 1] - phases[phase]
        task = count_up(counters, taken, 1)
        while task < count:
            place = phases[phase] + task
            for index in range(tasks[place], tasks[place + 1]):
                run_step(arena, steps[index], base, frames[frame], masks[frame])
            count_up(counters, done, 1)
            task = count_up(counters, taken, 1)
        wait_until(counters, done, count)


_FLOATS, _STEPS, _NUMBERS = types.float32[::1], types.int64[:, ::1], types.int64[::1]
_PLAN = (_FLOATS, _STEPS, _NUMBERS, _NUMBERS, _NUMBERS)


def take_leads(pixel):
    """Return the types of the leader's arguments, for frames of this Numba type."""
    frames = types.Array(pixel, 2, "C", readonly=True)
    return (*_PLAN, types.int64, frames, types.uint8[:, ::1], types.int64)


def take_helps(pixel):
    """Return the types of a helper's arguments, for frames of this Numba type."""
    return (*_PLAN, types.int64, types.Array(pixel, 1, "C"))


@kernel(*take_leads(types.uint8), returns=types.void)
def lead(arena, steps, tasks, phases, counters, base, frames, masks, number):
    """Run frames one after the other, with whoever helps.

    Args:
        arena: float32 (floats,): weights, planes and each thread's own memory.
        steps: int64 (instructions, columns).
        tasks: int64 (tasks + 1,): where each task's instructions begin.
        phases: int64 (phases + 1,): where each phase's tasks begin.
        counters: int64: see above.
        base: Where this thread's own memory begins.
        frames: uint8 or int32 (N, H * W), N at most MAX_FRAMES.
        masks: uint8 (N, H * W), written.
        number: Of the call: another one than the last.
    """
    for turn in range(len(frames) * (len(phases) - 1)):
        write_counter(counters, TAKEN + PER_ROUND * turn, 0)
        write_counter(counters, DONE + PER_ROUND * turn, 0)
    write_counter(counters, FRAMES_AT, frames.ctypes.data)
    write_counter(counters, MASKS_AT, masks.ctypes.data)
    write_counter(counters, COUNT, frames.shape[0])
    write_counter(counters, PIXELS, frames.shape[1])
    write_counter(counters, OPEN, number)
    run_rounds(arena, steps, tasks, phases, counters, base, frames, masks)
    write_counter(counters, OPEN, 0)
    looks = 0
    while read_counter(counters, BUSY) > 0:
        looks += 1
        if looks > SPINS:
            give_way()


@kernel(*take_helps(types.uint8), returns=types.void)
def help_out(arena, steps, tasks, phases, counters, base, like):
    """Help with every call that is open, until there was none for a while.

    Arguments as for `lead`; `like` is any array of the type of the frames.
    """
    waited, helped = 0, 0
    while waited < PATIENCE:
        number = read_counter(counters, OPEN)
        if number not in (0, helped):
            count_up(counters, BUSY, 1)
            # The call may be over by now, and its frames gone: from here on it waits for us, or is another one.
            if read_counter(counters, OPEN) == number:
                shape = (read_counter(counters, COUNT), read_counter(counters, PIXELS))
                frames = carray(as_pixels(read_counter(counters, FRAMES_AT), like), shape)
                masks = carray(as_bytes(read_counter(counters, MASKS_AT)), shape)
                run_rounds(arena, steps, tasks, phases, counters, base, frames, masks)
                waited, helped = 0, number
            count_up(counters, BUSY, -1)
        give_way()
        waited += 1
