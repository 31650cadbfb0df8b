"""Kernels of the head: what each channel adds to the sums, and the mask that comes of them."""

# mypy: disable-error-code="no-untyped-call, no-untyped-def, misc"

from __future__ import annotations

from edgekit_runtime.backends.fused.addressing import place
from edgekit_runtime.backends.fused.instructions import (
    BIAS,
    CELL,
    EVEN,
    FIRST,
    HEAD_WEIGHT,
    LAST,
    SECOND,
    SECOND_TAPS,
    SLOPE,
    SOURCE,
    SOURCE_PITCH,
    SUMS,
    SUMS_PITCH,
    TAPS,
    THRESHOLD,
    WIDTH,
)
from edgekit_runtime.backends.fused.plane_kernels import add_doubled
from edgekit_runtime.backends.fused.vectors import (
    LANES,
    leaky,
    load,
    load_even,
    load_odd,
    multiply_add,
    splat,
    store,
    store_mask,
)
from edgekit_runtime.jit import inline


@inline
def fill(arena, step):
    """Set sums to the bias of the head."""
    bias = splat(arena, step[CELL] + BIAS)
    for row in range(step[FIRST], step[LAST]):
        odd = step[SUMS] + row * step[SUMS_PITCH]
        for j in range(0, step[WIDTH], LANES):
            store(arena, odd + j, bias)
            store(arena, odd + step[EVEN] + j, bias)


@inline
def double_head(arena, step, base):
    """Add pairs of rows of a transposed convolution to the sums, without storing them."""
    source, pitch, cell, even = place(step[SOURCE], base), step[SOURCE_PITCH], step[CELL], step[EVEN]
    second, sums = place(step[SECOND], base), place(step[SUMS], base)
    bias, slope = splat(arena, cell + BIAS), splat(arena, cell + SLOPE)
    weight = splat(arena, cell + HEAD_WEIGHT)
    for row in range(step[FIRST], step[LAST]):
        upper = sums + 2 * row * step[SUMS_PITCH]
        lower = upper + step[SUMS_PITCH]
        for j in range(0, step[WIDTH], LANES):
            at = source + row * pitch + j
            four = add_doubled(arena, cell + TAPS, at, at + pitch, (bias, bias, bias, bias))
            if step[SECOND] >= 0:
                at = second + row * pitch + j
                four = add_doubled(arena, cell + SECOND_TAPS, at, at + pitch, four)
            add_to(arena, upper + even + j, weight, leaky(four[0], slope))
            add_to(arena, upper + j, weight, leaky(four[1], slope))
            add_to(arena, lower + even + j, weight, leaky(four[2], slope))
            add_to(arena, lower + j, weight, leaky(four[3], slope))


@inline
def add_to(arena, index, weight, value):
    """Add weight * value to a vector of sums."""
    store(arena, index, multiply_add(weight, value, load(arena, index)))


@inline
def point_head(arena, step, base):
    """Add rows of a stored plane to the sums."""
    source, sums, even = place(step[SOURCE], base), place(step[SUMS], base), step[EVEN]
    weight = splat(arena, step[CELL] + HEAD_WEIGHT)
    for row in range(step[FIRST], step[LAST]):
        odd, at = sums + row * step[SUMS_PITCH], source + row * step[SOURCE_PITCH]
        for j in range(0, step[WIDTH], LANES):
            add_to(arena, odd + j, weight, load_odd(arena, at + 2 * j))
            add_to(arena, odd + even + j, weight, load_even(arena, at + 2 * j))


@inline
def mask_rows(arena, step, base, mask):
    """Compare the logits of rows with the threshold."""
    sums, even, half = place(step[SUMS], base), step[EVEN], step[WIDTH]
    slope, threshold = splat(arena, step[CELL] + SLOPE), splat(arena, THRESHOLD)
    whole = half - half % LANES
    for row in range(step[FIRST], step[LAST]):
        odd, pixel = sums + row * step[SUMS_PITCH], row * 2 * half
        for j in range(0, whole, LANES):
            at_even = leaky(load(arena, odd + even + j), slope)
            at_odd = leaky(load(arena, odd + j), slope)
            store_mask(mask, pixel + 2 * j, at_even, at_odd, threshold)
        for j in range(2 * whole, 2 * half):
            logit = arena[odd + j // 2 + (0 if j % 2 else even)]
            scaled = logit * arena[step[CELL] + SLOPE]
            largest = logit if logit > scaled else scaled
            mask[pixel + j] = 0 if largest < arena[THRESHOLD] else 1
