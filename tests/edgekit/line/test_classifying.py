"""A line whose bundle classifies colours, with early exits, behind a camera that sees grey: DI-Net's case."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.line.planning import LineRequest, plan_line
from edgekit.line.sources import MadeWeb
from edgekit_runtime.backends import BackendOptions
from edgekit_runtime.bundle import Bundle, PixelFormat
from edgekit_runtime.line import Line, LineSettings, run_line
from edgekit_runtime.line.answers import PartAnswer
from edgekit_runtime.line.swapping import DetectorChoice
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.edgekit.image_folders import save

TILE = 64


@pytest.fixture(params=["rgb", "bgr"])
def bundle(request, tmp_path) -> Bundle:
    """Return a bundle that calls bright tiles defects."""
    return fake_bundle(
        tmp_path / "colours.edgekit",
        task="classify",
        exits=3,
        exit_threshold=0.8,
        height=TILE,
        width=TILE,
        pixels=PixelFormat(request.param),
    )


@pytest.fixture
def web(tmp_path) -> Path:
    """Return a folder of grey strips, three tiles wide: dark, with a bright tile in the middle of the second."""
    folder = tmp_path / "web"
    folder.mkdir()
    for number in range(3):
        strip = np.full((TILE, 3 * TILE), 20, np.uint8)
        if number == 1:
            strip[:, TILE : 2 * TILE] = 240
        save(folder / f"{number}.png", strip)
    return folder


def inspect(bundle: Bundle, request: LineRequest) -> list[PartAnswer]:
    """Return the answers of a line, as `edgekit line` plans it."""
    plan = plan_line(bundle.manifest.input, request)
    answers: list[PartAnswer] = []
    choice = DetectorChoice(backend=FakeBackend)
    Line(bundle.path, plan.strips, plan.settings, choice=choice, on_part=answers.append).run()
    return answers


def test_grey_images_are_shown_to_a_network_of_colours(bundle, web) -> None:
    answers = inspect(bundle, LineRequest(str(web)))
    assert [answer.part.verdict for answer in answers] == ["accept", "reject", "accept"]
    (region,) = answers[1].part.regions
    assert (region.x1, region.y1, region.x2, region.y2) == (TILE, TILE, 2 * TILE, 2 * TILE)
    assert region.label == "defect"


def test_generated_cloth_is_shown_to_a_network_of_colours(bundle) -> None:
    request = LineRequest("synthetic:fabric", made=MadeWeb(width=2 * TILE), parts=2, mm_per_pixel=0.3)
    assert len(inspect(bundle, request)) == 2


def test_only_tiles_that_are_unsure_run_on(bundle) -> None:
    backends: list[FakeBackend] = []

    def open_backend(opened: Bundle, options: BackendOptions) -> FakeBackend:
        backends.append(FakeBackend(opened, options))
        return backends[-1]

    strip = np.zeros((TILE, 3 * TILE, 3), np.uint8)
    strip[:, TILE : 2 * TILE] = 128  # as likely a defect as not
    choice = DetectorChoice(backend=open_backend)
    run_line(bundle.path, [strip], LineSettings(part_rows=TILE), choice=choice)
    assert {stage: rows[-1] for stage, rows in backends[-1].rows.items()} == {
        "exit1": 3,
        "exit2": 1,
        "exit3": 1,
    }
