"""Where a mask's pixels change, 64 of them in one comparison: what Numba's own language cannot say.

Two loads that overlap in all but one byte are compared lane by lane, and the answer is packed into a word. LLVM makes
of it what the processor has: one instruction on 64 bytes (AVX-512), two on 32 (AVX2), four on 16 (SSE2, NEON).
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

_LLVM = ir.VectorType(ir.IntType(8), LANES)

Generator = Callable[[Any, Any, Any, Any], Any]


@intrinsic
def find_edges(_typing: Any, mask: Any, _offset: Any) -> tuple[Any, Generator]:
    """Return the word whose bit k says whether pixel offset + k differs from the pixel before it.

    The pixels from offset - 1 to offset + 63 are read, wherever they begin in memory: all must lie in the mask,
    uint8 (H, W) and contiguous, of which the offset counts in reading order.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, values[0])

        def load(offset: Any) -> Any:
            place = builder.bitcast(builder.gep(array.data, [offset]), _LLVM.as_pointer())
            return builder.load(place, align=1)

        before = builder.sub(values[1], ir.Constant(values[1].type, 1))
        edges = builder.icmp_unsigned("!=", load(values[1]), load(before))
        return builder.bitcast(edges, ir.IntType(LANES))

    return types.uint64(mask, types.int64), generate


@intrinsic
def find_lowest_bit(_typing: Any, _word: Any) -> tuple[Any, Generator]:
    """Return the place of the lowest bit that is set in a uint64 word, which must have one, as int64."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        zero_is_undefined = ir.Constant(ir.IntType(1), 1)
        return builder.cttz(values[0], zero_is_undefined)

    return types.int64(types.uint64), generate
