"""Memory of the paper's line with CheapNet-M: 300 strips of 14 tiles leave nothing behind."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from edgekit.data.fabric import PAPER_MM_PER_PIXEL, FabricWeb
from edgekit_runtime.line import DetectorChoice, LineSettings, run_line
from edgekit_runtime.line.summary import read_memory_mb
from tests.edgekit.conftest import RunCli

STRIPS, WARM, EVERY = 300, 60, 5

MOST_BYTES_PER_STRIP = 20_000
"""A strip has 4 MB, its mask too, and the smallest feature map of a tile 16 kB in each of CheapNet-M's channels."""


@pytest.mark.slow
@pytest.mark.skipif(read_memory_mb() is None, reason="the system does not say how much memory is used")
def test_memory_is_flat_over_the_strips_of_the_papers_line(run_cli: RunCli, tmp_path: Path) -> None:
    bundle = tmp_path / "cheapnet-m.edgekit"
    assert run_cli("export", "--model", "cheapnet-m", "--out", bundle).code == 0
    web = FabricWeb(8192, defects_per_metre=20.0)
    made = [web.rows(row, row + 512)[0] for row in range(0, 4 * 512, 512)]
    samples_mb: list[float] = []

    def watch():  # type: ignore[no-untyped-def]
        for number, strip in enumerate(itertools.islice(itertools.cycle(made), STRIPS)):
            memory_mb = read_memory_mb()
            assert memory_mb is not None
            if number >= WARM and number % EVERY == 0:
                samples_mb.append(memory_mb)
            yield strip

    settings = LineSettings(
        width=8192, drop_left=1, drop_right=1, mm_per_pixel=PAPER_MM_PER_PIXEL, records=tmp_path / "records"
    )
    choice = DetectorChoice(backend="fused", threads=2)
    summary = run_line(bundle, watch(), settings, choice=choice)
    assert (summary.strips, summary.tiles) == (STRIPS, 14 * STRIPS)
    slope = np.polyfit(np.arange(len(samples_mb)) * EVERY, np.array(samples_mb) * 1e6, 1)[0]
    assert slope < MOST_BYTES_PER_STRIP
