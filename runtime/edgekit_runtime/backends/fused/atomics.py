"""What threads share: whole numbers that are read, written and counted up in one step each, and addresses in them."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_ORDER = "seq_cst"


def _pointer(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, values[0])
    return builder.gep(array.data, [values[1]])


@intrinsic
def count_up(_typing: Any, counters: Any, index: Any, _step: Any) -> tuple[Any, Any]:
    """Add to counters[index], int64, and return what it was before."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.atomic_rmw("add", _pointer(context, builder, signature, values), values[2], _ORDER)

    return types.int64(counters, index, types.int64), generate


@intrinsic
def read_counter(_typing: Any, counters: Any, index: Any) -> tuple[Any, Any]:
    """Return counters[index]."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load_atomic(_pointer(context, builder, signature, values), _ORDER, 8)

    return types.int64(counters, index), generate


@intrinsic
def write_counter(_typing: Any, counters: Any, index: Any, _value: Any) -> tuple[Any, Any]:
    """Set counters[index]."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store_atomic(values[2], _pointer(context, builder, signature, values), _ORDER, 8)
        return context.get_dummy_value()

    return types.void(counters, index, types.int64), generate


@intrinsic
def as_bytes(_typing: Any, address: Any) -> tuple[Any, Any]:
    """Return an address as a pointer to bytes."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], ir.IntType(8).as_pointer())

    return types.CPointer(types.uint8)(address), generate


@intrinsic
def as_pixels(_typing: Any, address: Any, like: Any) -> tuple[Any, Any]:
    """Return an address as a pointer to elements as an array has them."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(like.dtype).as_pointer())

    return types.CPointer(like.dtype)(address, like), generate


give_way = types.ExternalFunction("sched_yield", types.int32())
"""Let another thread have the processor; of the C library."""
