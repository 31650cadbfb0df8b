"""How many floats a vector holds on this processor."""

from __future__ import annotations


def choose_lanes(features: str) -> int:
    """Return the floats per vector.

    Sixteen fill one register of AVX-512 and eight one of AVX. Elsewhere (NEON, SSE) eight share two registers, which
    halves what each step of a loop costs besides arithmetic.

    Args:
        features: What code is compiled for, in LLVM's form: "+avx,+avx2,-avx512f".
    """
    return 16 if "+avx512f" in features.split(",") else 8
