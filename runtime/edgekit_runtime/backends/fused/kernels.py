"""Kernels: each computes a range of rows of one instruction.

All convolutions are 3×3. Along a row they work on whole vectors and never test for a border (see `layout`); rows
outside the image are rows of zeros. Sums run over the taps in reading order, each step a multiply-add.
"""

# mypy: disable-error-code="no-untyped-call, no-untyped-def, misc"

from __future__ import annotations

from edgekit_runtime.backends.fused.instructions import (
    BIAS,
    CELL,
    CELL_FLOATS,
    COUNT,
    EVEN,
    FIRST,
    HALF_SCRATCH,
    HEAD_WEIGHT,
    LAST,
    NEXT_CELL,
    OUT,
    OUT_PITCH,
    OUT_STEP,
    ROOM,
    SCRATCH,
    SECOND,
    SECOND_TAPS,
    SHIFT,
    SLOPE,
    SOURCE,
    SOURCE_PITCH,
    SPARE,
    SUMS,
    SUMS_FIRST,
    SUMS_LAST,
    SUMS_PITCH,
    TAPS,
    THRESHOLD,
    WIDTH,
)
from edgekit_runtime.backends.fused.vectors import (
    LANES,
    leaky,
    load,
    load_even,
    load_even_grey,
    load_odd,
    load_odd_grey,
    multiply_add,
    splat,
    store,
    store_interleaved,
    store_mask,
    subtract,
)
from edgekit_runtime.jit import inline


@inline
def place(address, base):
    """Return the index of an address for the thread whose own memory starts at `base`."""
    return address - SCRATCH + base if address > HALF_SCRATCH else address


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
def clear(arena, step, base):
    """Make rows outside the image: zeros."""
    out = place(step[OUT], base)
    for row in range(step[FIRST], step[LAST]):
        start = out + row * step[OUT_PITCH]
        for j in range(step[WIDTH]):
            arena[start + j] = 0


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
