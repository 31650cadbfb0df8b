"""Addresses of a plan, as a thread sees them."""

# mypy: disable-error-code="no-untyped-call, no-untyped-def, misc"

from __future__ import annotations

from edgekit_runtime.backends.fused.instructions import HALF_SCRATCH, SCRATCH
from edgekit_runtime.jit import inline


@inline
def place(address, base):
    """Return the index of an address for the thread whose own memory starts at `base`."""
    return address - SCRATCH + base if address > HALF_SCRATCH else address
