"""Small lines for tests: a web of bright spots, a bundle that finds them, and a source that can be held."""

from __future__ import annotations

import itertools
import json
from functools import partial

import numpy as np

from edgekit_runtime.line import DetectorChoice, Line, LineSettings
from edgekit_runtime.testing import FakeBackend, fake_bundle

TILE = 4
WIDTH = 8
STRIP = 8


def make_bundle(folder, name="line", **arguments):
    return fake_bundle(folder / f"{name}.edgekit", **{"height": TILE, "width": TILE, **arguments}).path


def make_strip(*spots):
    """Return a strip, uint8 (8, 8), that is bright at the spots (y, x)."""
    strip = np.zeros((STRIP, WIDTH), np.uint8)
    for y, x in spots:
        strip[y, x] = 255
    return strip


class Told:
    """Whatever a line says."""

    def __init__(self):
        self.in_time, self.late, self.events = [], [], []

    @property
    def verdicts(self):
        return [answer.part.verdict for answer in self.in_time]


def make_line(bundle, source, settings=None, *, answers=None, told=None, **arguments):
    told = told or Told()
    backend = partial(FakeBackend, answers=answers) if answers else FakeBackend
    callbacks = {"on_part": told.in_time.append, "on_late": told.late.append, "on_event": told.events.append}
    line = Line(
        bundle,
        source,
        settings or LineSettings(part_rows=STRIP),
        **{"choice": DetectorChoice(backend=backend), **callbacks, **arguments},
    )
    return line, told


def endless(strip=None):
    """Yield strips for ever."""
    for _ in itertools.count():
        yield make_strip() if strip is None else strip


class Ticking:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        self.now_s += 1.0
        return self.now_s


def settings(**arguments):
    return LineSettings(**{"part_rows": STRIP, **arguments})


def read(folder):
    return [json.loads(line) for line in (folder / "line.jsonl").read_text().splitlines()]


def lies_gapless(answers):
    ends = [0, *(answer.part.y2 for answer in answers)]
    return all(answer.part.y1 == end for answer, end in zip(answers, ends, strict=False))
