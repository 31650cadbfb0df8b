"""Kernels at full resolution: the frame, and the convolutions that read it.

Each computes a range of rows of one instruction. All convolutions are 3×3. Along a row they work on whole vectors and
never test for a border (see `layout`); rows outside the image are rows of zeros. Sums run over the taps in reading
order, each step a multiply-add.
"""

# mypy: disable-error-code="no-untyped-call, no-untyped-def, misc"

from __future__ import annotations

from edgekit_runtime.backends.fused.addressing import place
from edgekit_runtime.backends.fused.instructions import (
    BIAS,
    CELL,
    CELL_FLOATS,
    COUNT,
    EVEN,
    FIRST,
    HEAD_WEIGHT,
    LAST,
    NEXT_CELL,
    OUT,
    OUT_PITCH,
    OUT_STEP,
    ROOM,
    SHIFT,
    SLOPE,
    SOURCE,
    SOURCE_PITCH,
    SPARE,
    SUMS,
    SUMS_FIRST,
    SUMS_LAST,
    SUMS_PITCH,
    WIDTH,
)
from edgekit_runtime.backends.fused.vectors import (
    LANES,
    leaky,
    load,
    load_even_grey,
    load_odd_grey,
    multiply_add,
    splat,
    store,
    store_interleaved,
    subtract,
)
from edgekit_runtime.jit import inline


@inline
def widen(arena, step, base, frame):
    """Bring grey values into split rows of floats, less the shift."""
    shift, vector_shift = arena[SHIFT], splat(arena, SHIFT)
    half, even = step[WIDTH], step[EVEN]
    out = place(step[OUT], base)
    whole = half - half % LANES
    for row in range(step[FIRST], step[LAST]):
        odd, pixel = out + row * step[OUT_PITCH], row * 2 * half
        for j in range(0, whole, LANES):
            store(arena, odd + j, subtract(load_odd_grey(frame, pixel + 2 * j), vector_shift))
            store(arena, odd + even + j, subtract(load_even_grey(frame, pixel + 2 * j), vector_shift))
        for j in range(whole, half):
            arena[odd + j] = frame[pixel + 2 * j + 1] - shift
            arena[odd + even + j] = frame[pixel + 2 * j] - shift


@inline
def stem_row(arena, up, middle, down, even, half, cells, count, out, out_step, sums):
    """Compute one full row of the first convolution, of some channels, and add them to the sums.

    Args:
        arena: All floats.
        up: Where the odd columns of the three rows of the frame begin …
        middle: …
        down: …
        even: From them to the even ones.
        half: Columns of one parity.
        cells: Weights of the first channel.
        count: Channels.
        out: Split row of the first channel.
        out_step: From channel to channel.
        sums: Split row of sums.
    """
    for j in range(0, half, LANES):
        # In image order: odd column to the left, even column, odd column, even column to the right.
        up0, up1 = load(arena, up + j - 1), load(arena, up + even + j)
        up2, up3 = load(arena, up + j), load(arena, up + even + j + 1)
        middle0, middle1 = load(arena, middle + j - 1), load(arena, middle + even + j)
        middle2, middle3 = load(arena, middle + j), load(arena, middle + even + j + 1)
        down0, down1 = load(arena, down + j - 1), load(arena, down + even + j)
        down2, down3 = load(arena, down + j), load(arena, down + even + j + 1)
        odd_sum, even_sum = load(arena, sums + j), load(arena, sums + even + j)
        for channel in range(count):
            cell = cells + channel * CELL_FLOATS
            at_even = at_odd = splat(arena, cell + BIAS)
            tap = splat(arena, cell)
            at_even, at_odd = multiply_add(tap, up0, at_even), multiply_add(tap, up1, at_odd)
            tap = splat(arena, cell + 1)
            at_even, at_odd = multiply_add(tap, up1, at_even), multiply_add(tap, up2, at_odd)
            tap = splat(arena, cell + 2)
            at_even, at_odd = multiply_add(tap, up2, at_even), multiply_add(tap, up3, at_odd)
            tap = splat(arena, cell + 3)
            at_even, at_odd = multiply_add(tap, middle0, at_even), multiply_add(tap, middle1, at_odd)
            tap = splat(arena, cell + 4)
            at_even, at_odd = multiply_add(tap, middle1, at_even), multiply_add(tap, middle2, at_odd)
            tap = splat(arena, cell + 5)
            at_even, at_odd = multiply_add(tap, middle2, at_even), multiply_add(tap, middle3, at_odd)
            tap = splat(arena, cell + 6)
            at_even, at_odd = multiply_add(tap, down0, at_even), multiply_add(tap, down1, at_odd)
            tap = splat(arena, cell + 7)
            at_even, at_odd = multiply_add(tap, down1, at_even), multiply_add(tap, down2, at_odd)
            tap = splat(arena, cell + 8)
            at_even, at_odd = multiply_add(tap, down2, at_even), multiply_add(tap, down3, at_odd)
            slope, weight = splat(arena, cell + SLOPE), splat(arena, cell + HEAD_WEIGHT)
            at_even, at_odd = leaky(at_even, slope), leaky(at_odd, slope)
            store(arena, out + channel * out_step + j, at_odd)
            store(arena, out + channel * out_step + even + j, at_even)
            odd_sum = multiply_add(weight, at_odd, odd_sum)
            even_sum = multiply_add(weight, at_even, even_sum)
        store(arena, sums + j, odd_sum)
        store(arena, sums + even + j, even_sum)


@inline
def halve_row(arena, up, middle, down, even, cell, half, out):
    """Compute one row of a convolution of stride 2 from three split rows."""
    bias, slope = splat(arena, cell + BIAS), splat(arena, cell + SLOPE)
    for j in range(0, half, LANES):
        total = multiply_add(splat(arena, cell), load(arena, up + j - 1), bias)
        total = multiply_add(splat(arena, cell + 1), load(arena, up + even + j), total)
        total = multiply_add(splat(arena, cell + 2), load(arena, up + j), total)
        total = multiply_add(splat(arena, cell + 3), load(arena, middle + j - 1), total)
        total = multiply_add(splat(arena, cell + 4), load(arena, middle + even + j), total)
        total = multiply_add(splat(arena, cell + 5), load(arena, middle + j), total)
        total = multiply_add(splat(arena, cell + 6), load(arena, down + j - 1), total)
        total = multiply_add(splat(arena, cell + 7), load(arena, down + even + j), total)
        total = multiply_add(splat(arena, cell + 8), load(arena, down + j), total)
        store(arena, out + j, leaky(total, slope))
    arena[out + half] = 0


@inline
def stem(arena, step, base):
    """Compute rows of the first convolution, stride 1, of one channel, and join their columns."""
    frame, out, room = place(step[SOURCE], base), place(step[OUT], base), place(step[ROOM], base)
    spare = place(step[SPARE], base)
    pitch, half, even = step[SOURCE_PITCH], step[WIDTH], step[EVEN]
    for row in range(step[FIRST], step[LAST]):
        middle = frame + row * pitch
        stem_row(arena, middle - pitch, middle, middle + pitch, even, half, step[CELL], 1, room, 0, spare)
        target = out + row * step[OUT_PITCH]
        for j in range(0, half, LANES):
            store_interleaved(arena, target + 2 * j, load(arena, room + even + j), load(arena, room + j))
        arena[target + 2 * half] = 0


@inline
def stem_halve(arena, step, base):
    """Compute rows of the second convolution, stride 2, of some channels, through the first, which is never stored.

    Four full rows per channel pass through a ring that stays in the nearest cache; each is added to the sums on its
    way.
    """
    frame, out, ring = place(step[SOURCE], base), place(step[OUT], base), place(step[ROOM], base)
    spare, sums = place(step[SPARE], base), place(step[SUMS], base)
    pitch, even, half, count = step[SOURCE_PITCH], step[EVEN], step[WIDTH], step[COUNT]
    ring_pitch = step[SUMS_PITCH]
    slot = count * ring_pitch
    first = 2 * step[FIRST] - 1
    if first < 0:
        for j in range(3 * slot, 4 * slot - LANES):
            arena[ring + j] = 0
        first = 0
    for row in range(first, 2 * step[LAST]):
        middle = frame + row * pitch
        target = spare
        if step[SUMS_FIRST] <= row < step[SUMS_LAST]:
            target = sums + row * step[SUMS_PITCH]
        stem_row(
            arena,
            middle - pitch,
            middle,
            middle + pitch,
            even,
            half,
            step[CELL],
            count,
            ring + (row & 3) * slot,
            ring_pitch,
            target,
        )
        if row & 1 and row > 2 * step[FIRST]:
            for channel in range(count):
                own = ring + channel * ring_pitch
                halve_row(
                    arena,
                    own + ((row - 2) & 3) * slot,
                    own + ((row - 1) & 3) * slot,
                    own + (row & 3) * slot,
                    even,
                    step[NEXT_CELL] + channel * CELL_FLOATS,
                    half,
                    out + channel * step[OUT_STEP] + (row >> 1) * step[OUT_PITCH],
                )


@inline
def frame_halve(arena, step, base):
    """Compute rows of a first convolution of stride 2."""
    frame, out = place(step[SOURCE], base), place(step[OUT], base)
    pitch = step[SOURCE_PITCH]
    for row in range(step[FIRST], step[LAST]):
        middle = frame + 2 * row * pitch
        halve_row(
            arena,
            middle - pitch,
            middle,
            middle + pitch,
            step[EVEN],
            step[CELL],
            step[WIDTH],
            out + row * step[OUT_PITCH],
        )
