"""Other processors than this one, as far as this one can stand for them."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit_runtime.backends.fused.lanes import choose_lanes

REPOSITORY = Path(__file__).resolve().parents[4]

CHECKS = """
from edgekit_runtime.backends.fused.vectors import LANES
from tests.runtime.backends.fused.networks import cheapnet, fill_program, make_u
from tests.runtime.backends.fused.test_session import check, draw_frames

for width in (1, 2, 5, 8):
    assert check(cheapnet(width), draw_frames(1, 48, 176), threads=2) < 0.01
for stride in (1, 2):
    check(fill_program(make_u(3, depth=2, stem_stride=stride, repeats=1)), draw_frames(1, 40, 72))
print(LANES)
"""


@pytest.mark.parametrize(
    ("features", "lanes"), [("+avx,+avx2,+avx512f", 16), ("+avx2,-avx512f", 8), ("+neon", 8), ("", 8)]
)
def test_lanes_follow_what_code_is_compiled_for(features: str, lanes: int) -> None:
    assert choose_lanes(features) == lanes


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="these are processors of x86")
@pytest.mark.parametrize(
    ("name", "features"),
    [("haswell", "+sse2,+sse4.2,+avx,+avx2,+fma"), ("x86-64", "+sse2"), ("sandybridge", "+sse2,+avx")],
)
def test_older_processors_give_the_same_answers(name: str, features: str) -> None:
    environment = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    done = subprocess.run(
        [sys.executable, "-c", CHECKS], env=environment, cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["8"]
