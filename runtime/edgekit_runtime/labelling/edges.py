"""Where a mask's pixels change, 64 of them in one comparison: what Numba's own language cannot say.

Two loads that overlap in all but one byte are compared lane by lane, and the answer is packed into a word. LLVM makes
of it what the processor has: for 64 pixels a few instructions with AVX-512, 13 with AVX2, 29 with SSE2, 41 with NEON.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LANES = 64
"""Pixels of one comparison, which are the bits of a word."""

BLOCK = 4 * LANES
"""Pixels that are skipped at once where all are background."""

_LLVM = ir.VectorType(ir.IntType(8), LANES)

Generator = Callable[[Any, Any, Any, Any], Any]


def _load(context: Any, builder: Any, signature: Any, values: Any, further: int) -> Any:
    """Load 64 pixels of a mask, the first argument, from so many further than an offset, the second."""
    array = context.make_array(signature.args[0])(context, builder, values[0])
    offset = builder.add(values[1], ir.Constant(values[1].type, further))
    place = builder.bitcast(builder.gep(array.data, [offset]), _LLVM.as_pointer())
    return builder.load(place, align=1)


@intrinsic
def find_edges(_typing: Any, mask: Any, _offset: Any) -> tuple[Any, Generator]:
    """Return the word whose bit k says whether pixel offset + k differs from the pixel before it.

    The pixels from offset - 1 to offset + 63 are read, wherever they begin in memory: all must lie in the mask,
    uint8 (H, W) and contiguous, of which the offset counts in reading order.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        before, pixels = (_load(context, builder, signature, values, further) for further in (-1, 0))
        return builder.bitcast(builder.icmp_unsigned("!=", pixels, before), ir.IntType(LANES))

    return types.uint64(mask, types.int64), generate


@intrinsic
def is_background(_typing: Any, mask: Any, _offset: Any) -> tuple[Any, Generator]:
    """Return whether 256 pixels from an offset on are 0; all must lie in the mask, as for `find_edges`."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        first, *others = (_load(context, builder, signature, values, step) for step in range(0, BLOCK, LANES))
        for pixels in others:
            first = builder.or_(first, pixels)
        # As whole words, of which there are fewer to look at than bytes.
        words = builder.bitcast(first, ir.VectorType(ir.IntType(64), LANES // 8))
        marks = builder.icmp_unsigned("!=", words, ir.Constant(words.type, None))
        packed = builder.bitcast(marks, ir.IntType(LANES // 8))
        return builder.icmp_unsigned("==", packed, ir.Constant(packed.type, 0))

    return types.boolean(mask, types.int64), generate


@intrinsic
def find_lowest_bit(_typing: Any, _word: Any) -> tuple[Any, Generator]:
    """Return the place of the lowest bit that is set in a uint64 word, which must have one, as int64."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        zero_is_undefined = ir.Constant(ir.IntType(1), 1)
        return builder.cttz(values[0], zero_is_undefined)

    return types.int64(types.uint64), generate
