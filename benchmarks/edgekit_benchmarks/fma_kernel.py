"""As many float32 multiply-adds as a core can do: four polynomials per number, by Horner's rule, in the first cache.

Imported on use: it needs Numba. Each number takes 4 × 32 steps for one load and one store, and neighbouring numbers are
independent, so that the vector units, not memory, are what it waits for. Four chains cover the
latency of a multiply-add; eight were not vectorised in a trial, and two reached 95 GFLOP/s where four reached 117.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edgekit_runtime.optional import import_optional

NUMBERS = 1024
STEPS = 32
REPEATS = 1000
OPERATIONS = NUMBERS * STEPS * 4 * 2 * REPEATS
"""Of one run: four polynomials, and a multiply-add counts as two."""


def prepare_kernel() -> Callable[[], object]:
    """Compile the kernel and return a call that runs it once, without the interpreter's lock.

    Raises:
        MissingDependency: If Numba is not installed.
    """
    numba = import_optional("numba", extra="cpu")
    # "contract" lets a product and a sum become one instruction, which is what is to be measured.
    compiled = numba.njit(nogil=True, fastmath={"contract"})(_evaluate)
    x = np.linspace(0.0, 0.5, NUMBERS, dtype=np.float32)
    coefficients = np.array([0.125, 0.25, 0.375, 0.5], np.float32)

    def run() -> object:
        y = np.empty_like(x)
        compiled(x, y, coefficients)
        return y

    run()
    return run


def _evaluate(
    x: npt.NDArray[np.float32], y: npt.NDArray[np.float32], coefficients: npt.NDArray[np.float32]
) -> None:
    a, b, c, d = coefficients[0], coefficients[1], coefficients[2], coefficients[3]
    for repeat in range(REPEATS):
        for index in range(NUMBERS):
            value = x[index]
            first, second, third, fourth = a, b, c, d
            for _ in range(STEPS):
                first = first * value + b
                second = second * value + a
                third = third * value + d
                fourth = fourth * value + c
            y[index] = (first + second) + (third + fourth) + repeat
