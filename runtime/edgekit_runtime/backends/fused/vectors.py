"""Vectors of float32 for kernels: explicit, so that speed does not hang on what a vectoriser makes of a loop.

Numba has no vector types; LLVM, on which it stands, has. `Vector` is one LLVM vector of `LANES` floats, and each
function below is one or two of its instructions. A kernel written with them compiles to the same straight code on
x86 (AVX-512, AVX) and ARM (NEON): the lanes of a long vector are shared out over as many registers as they need.

Pointers are array and index; nothing is checked. The planner vouches for every index (see `layout`).
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, config, types
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic, models, register_model

from edgekit_runtime.backends.fused.lanes import choose_lanes

LANES = choose_lanes(config.CPU_FEATURES or get_host_cpu_features())
"""Floats in a vector."""

_LLVM = ir.VectorType(ir.FloatType(), LANES)
_PIXELS = ir.VectorType(ir.IntType(8), 2 * LANES)
_FLOAT_ALIGNMENT, _BYTE_ALIGNMENT = 4, 1


class _VectorType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


vector = _VectorType()


@register_model(_VectorType)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _LLVM)


Generator = Callable[[Any, Any, Any, Any], Any]


def _pointer(context: Any, builder: Any, signature: Any, values: Any, to: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, values[0])
    return builder.bitcast(builder.gep(array.data, [values[1]]), to.as_pointer())


def _lanes(indices: range) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), list(indices))


@intrinsic
def load(_typing: Any, array: Any, index: Any) -> tuple[Any, Generator]:
    """Return the floats array[index : index + LANES]."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_pointer(context, builder, signature, values, _LLVM), align=_FLOAT_ALIGNMENT)

    return vector(array, index), generate


@intrinsic
def store(_typing: Any, array: Any, index: Any, value: Any) -> tuple[Any, Generator]:
    """Write array[index : index + LANES]."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[2], _pointer(context, builder, signature, values, _LLVM), align=_FLOAT_ALIGNMENT)
        return context.get_dummy_value()

    return types.void(array, index, value), generate


@intrinsic
def splat(_typing: Any, array: Any, index: Any) -> tuple[Any, Generator]:
    """Return array[index] in every lane."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        scalar = builder.load(_pointer(context, builder, signature, values, ir.FloatType()))
        undefined = ir.Constant(_LLVM, ir.Undefined)
        first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(first, undefined, zeros)

    return vector(array, index), generate


@intrinsic
def multiply_add(_typing: Any, first: Any, second: Any, third: Any) -> tuple[Any, Generator]:
    """Return first * second + third, rounded once where the processor can."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        form = ir.FunctionType(_LLVM, [_LLVM] * 3)
        function = cgutils.get_or_insert_function(builder.module, form, f"llvm.fmuladd.v{LANES}f32")
        return builder.call(function, values)

    return vector(first, second, third), generate


@intrinsic
def leaky(_typing: Any, value: Any, slope: Any) -> tuple[Any, Generator]:
    """Return the LeakyReLU: the larger of value and slope * value, for slopes of 0 to 1."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        scaled = builder.fmul(values[0], values[1])
        return builder.select(builder.fcmp_ordered(">", values[0], scaled), values[0], scaled)

    return vector(value, slope), generate


def _take_every_other(first: int) -> Any:
    @intrinsic
    def take(_typing: Any, array: Any, index: Any) -> tuple[Any, Generator]:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            wide = ir.VectorType(ir.FloatType(), 2 * LANES)
            both = builder.load(_pointer(context, builder, signature, values, wide), align=_FLOAT_ALIGNMENT)
            chosen = _lanes(range(first, 2 * LANES, 2))
            return builder.shuffle_vector(both, ir.Constant(wide, ir.Undefined), chosen)

        return vector(array, index), generate

    return take


load_even = _take_every_other(0)
"""load_even(array, index): the floats array[index], array[index + 2], …"""

load_odd = _take_every_other(1)
"""load_odd(array, index): the floats array[index + 1], array[index + 3], …"""


@intrinsic
def store_interleaved(_typing: Any, array: Any, index: Any, even: Any, odd: Any) -> tuple[Any, Generator]:
    """Write even and odd in turn to array[index : index + 2 * LANES]."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        order = [place // 2 + (place % 2) * LANES for place in range(2 * LANES)]
        chosen = ir.Constant(ir.VectorType(ir.IntType(32), 2 * LANES), order)
        both = builder.shuffle_vector(values[2], values[3], chosen)
        pointer = _pointer(context, builder, signature, values, both.type)
        builder.store(both, pointer, align=_FLOAT_ALIGNMENT)
        return context.get_dummy_value()

    return types.void(array, index, even, odd), generate


def _take_grey(first: int) -> Any:
    @intrinsic
    def take(_typing: Any, array: Any, index: Any) -> tuple[Any, Generator]:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            pixel = context.get_data_type(signature.args[0].dtype)
            both = ir.VectorType(pixel, 2 * LANES)
            pixels = builder.load(_pointer(context, builder, signature, values, both), align=pixel.width // 8)
            chosen = _lanes(range(first, 2 * LANES, 2))
            half = builder.shuffle_vector(pixels, ir.Constant(both, ir.Undefined), chosen)
            integers = ir.VectorType(ir.IntType(32), LANES)
            return builder.sitofp(
                half if both.element == integers.element else builder.zext(half, integers), _LLVM
            )

        return vector(array, index), generate

    return take


load_even_grey = _take_grey(0)
"""load_even_grey(pixels, index): the pixels (uint8 or int32) at index, index + 2, … as floats."""

load_odd_grey = _take_grey(1)
"""load_odd_grey(pixels, index): the pixels at index + 1, index + 3, … as floats."""


@intrinsic
def subtract(_typing: Any, first: Any, second: Any) -> tuple[Any, Generator]:
    """Return first - second."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.fsub(values[0], values[1])

    return vector(first, second), generate


@intrinsic
def store_mask(
    _typing: Any, array: Any, index: Any, even: Any, odd: Any, threshold: Any
) -> tuple[Any, Generator]:
    """Write 2 * LANES bytes: 0 where a logit is below the threshold, else 1, so that NaN is a defect."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bits = [builder.fcmp_unordered(">=", logits, values[4]) for logits in values[2:4]]
        order = [place // 2 + (place % 2) * LANES for place in range(2 * LANES)]
        chosen = ir.Constant(ir.VectorType(ir.IntType(32), 2 * LANES), order)
        both = builder.zext(builder.shuffle_vector(*bits, chosen), _PIXELS)
        pointer = _pointer(context, builder, signature, values, _PIXELS)
        builder.store(both, pointer, align=_BYTE_ALIGNMENT)
        return context.get_dummy_value()

    return types.void(array, index, even, odd, threshold), generate
