"""Kernels from planes to planes: convolutions of stride 1 and 2, and the transposed one."""

# mypy: disable-error-code="no-untyped-call, no-untyped-def, misc"

from __future__ import annotations

from edgekit_runtime.backends.fused.addressing import place
from edgekit_runtime.backends.fused.instructions import (
    BIAS,
    CELL,
    FIRST,
    LAST,
    OUT,
    OUT_PITCH,
    SECOND,
    SECOND_TAPS,
    SLOPE,
    SOURCE,
    SOURCE_PITCH,
    TAPS,
    WIDTH,
)
from edgekit_runtime.backends.fused.vectors import (
    LANES,
    leaky,
    load,
    load_even,
    load_odd,
    multiply_add,
    splat,
    store,
    store_interleaved,
)
from edgekit_runtime.jit import inline


@inline
def clear(arena, step, base):
    """Make rows outside the image: zeros."""
    out = place(step[OUT], base)
    for row in range(step[FIRST], step[LAST]):
        start = out + row * step[OUT_PITCH]
        for j in range(step[WIDTH]):
            arena[start + j] = 0


@inline
def same(arena, step, base):
    """Compute rows of a convolution of stride 1."""
    source, out, pitch, cell = (
        place(step[SOURCE], base),
        place(step[OUT], base),
        step[SOURCE_PITCH],
        step[CELL],
    )
    bias, slope = splat(arena, cell + BIAS), splat(arena, cell + SLOPE)
    for row in range(step[FIRST], step[LAST]):
        middle, target = source + row * pitch, out + row * step[OUT_PITCH]
        up, down = middle - pitch, middle + pitch
        for j in range(0, step[WIDTH], LANES):
            total = multiply_add(splat(arena, cell), load(arena, up + j - 1), bias)
            total = multiply_add(splat(arena, cell + 1), load(arena, up + j), total)
            total = multiply_add(splat(arena, cell + 2), load(arena, up + j + 1), total)
            total = multiply_add(splat(arena, cell + 3), load(arena, middle + j - 1), total)
            total = multiply_add(splat(arena, cell + 4), load(arena, middle + j), total)
            total = multiply_add(splat(arena, cell + 5), load(arena, middle + j + 1), total)
            total = multiply_add(splat(arena, cell + 6), load(arena, down + j - 1), total)
            total = multiply_add(splat(arena, cell + 7), load(arena, down + j), total)
            total = multiply_add(splat(arena, cell + 8), load(arena, down + j + 1), total)
            store(arena, target + j, leaky(total, slope))
        arena[target + step[WIDTH]] = 0


@inline
def halve(arena, step, base):
    """Compute rows of a convolution of stride 2 from plain rows."""
    source, out, pitch, cell = (
        place(step[SOURCE], base),
        place(step[OUT], base),
        step[SOURCE_PITCH],
        step[CELL],
    )
    bias, slope = splat(arena, cell + BIAS), splat(arena, cell + SLOPE)
    for row in range(step[FIRST], step[LAST]):
        middle, target = source + 2 * row * pitch, out + row * step[OUT_PITCH]
        up, down = middle - pitch, middle + pitch
        for j in range(0, step[WIDTH], LANES):
            k = 2 * j
            total = multiply_add(splat(arena, cell), load_odd(arena, up + k - 2), bias)
            total = multiply_add(splat(arena, cell + 1), load_even(arena, up + k), total)
            total = multiply_add(splat(arena, cell + 2), load_odd(arena, up + k), total)
            total = multiply_add(splat(arena, cell + 3), load_odd(arena, middle + k - 2), total)
            total = multiply_add(splat(arena, cell + 4), load_even(arena, middle + k), total)
            total = multiply_add(splat(arena, cell + 5), load_odd(arena, middle + k), total)
            total = multiply_add(splat(arena, cell + 6), load_odd(arena, down + k - 2), total)
            total = multiply_add(splat(arena, cell + 7), load_even(arena, down + k), total)
            total = multiply_add(splat(arena, cell + 8), load_odd(arena, down + k), total)
            store(arena, target + j, leaky(total, slope))
        arena[target + step[WIDTH]] = 0


@inline
def add_doubled(arena, taps, here, below, start):
    """Return what one input plane gives to four outputs: even and odd columns of an even row, and of an odd one.

    Output 2i takes input i with the middle tap; output 2i + 1 takes input i with the last tap and i + 1 with the
    first: so in rows, and so in columns.
    """
    here0, here1 = load(arena, here), load(arena, here + 1)
    below0, below1 = load(arena, below), load(arena, below + 1)
    even_even, even_odd, odd_even, odd_odd = start
    even_even = multiply_add(splat(arena, taps + 4), here0, even_even)
    even_odd = multiply_add(splat(arena, taps + 5), here0, even_odd)
    even_odd = multiply_add(splat(arena, taps + 3), here1, even_odd)
    odd_even = multiply_add(splat(arena, taps + 7), here0, odd_even)
    odd_even = multiply_add(splat(arena, taps + 1), below0, odd_even)
    odd_odd = multiply_add(splat(arena, taps + 8), here0, odd_odd)
    odd_odd = multiply_add(splat(arena, taps + 6), here1, odd_odd)
    odd_odd = multiply_add(splat(arena, taps + 2), below0, odd_odd)
    odd_odd = multiply_add(splat(arena, taps), below1, odd_odd)
    return even_even, even_odd, odd_even, odd_odd


@inline
def double(arena, step, base):
    """Compute pairs of rows of a transposed convolution of one or two planes."""
    source, out, pitch, cell = (
        place(step[SOURCE], base),
        place(step[OUT], base),
        step[SOURCE_PITCH],
        step[CELL],
    )
    second = place(step[SECOND], base)
    bias, slope = splat(arena, cell + BIAS), splat(arena, cell + SLOPE)
    for row in range(step[FIRST], step[LAST]):
        upper = out + 2 * row * step[OUT_PITCH]
        lower = upper + step[OUT_PITCH]
        for j in range(0, step[WIDTH], LANES):
            at = source + row * pitch + j
            four = add_doubled(arena, cell + TAPS, at, at + pitch, (bias, bias, bias, bias))
            if step[SECOND] >= 0:
                at = second + row * pitch + j
                four = add_doubled(arena, cell + SECOND_TAPS, at, at + pitch, four)
            store_interleaved(arena, upper + 2 * j, leaky(four[0], slope), leaky(four[1], slope))
            store_interleaved(arena, lower + 2 * j, leaky(four[2], slope), leaky(four[3], slope))
        arena[upper + 2 * step[WIDTH]] = 0
        arena[lower + 2 * step[WIDTH]] = 0
