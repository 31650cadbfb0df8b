"""How many floats a vector holds on this processor."""

from __future__ import annotations

from collections.abc import Mapping


def choose_lanes(features: Mapping[str, bool]) -> int:
    """Return the floats per vector.

    Sixteen fill one register of AVX-512 and eight one of AVX. Elsewhere (NEON, SSE) eight share two registers, which
    halves what each step of a loop costs besides arithmetic.

    Args:
        features: LLVM's names of what the processor can do.
    """
    return 16 if features.get("avx512f") else 8
