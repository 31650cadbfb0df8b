"""The interpreter for pixels deeper than 8 bits, int32: compiled, or loaded, only where such a bundle is opened."""

# mypy: disable-error-code="no-untyped-call, no-untyped-def, misc"

from __future__ import annotations

from numba.core import types

from edgekit_runtime.backends.fused import interpreter
from edgekit_runtime.jit import kernel

lead = kernel(*interpreter.take_leads(types.int32), returns=types.void)(interpreter.lead.py_func)
help_out = kernel(*interpreter.take_helps(types.int32), returns=types.void)(interpreter.help_out.py_func)
