"""The labels: areas as in DAGM 2007, one ellipse per image, clipped at the frame."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.data.synthetic import KINDS, render
from edgekit.data.synthetic.ellipses import Ellipse, sample_ellipse
from edgekit.data.synthetic.noise import Frame

FRAME = Frame(512, 512)


def _sample_many(kind: int, count: int) -> list[Ellipse]:
    rng = np.random.default_rng(kind)
    return [sample_ellipse(rng, KINDS[kind], FRAME) for _ in range(count)]


@pytest.mark.parametrize("kind", range(1, 11))
def test_mean_area_is_that_of_the_real_labels(kind: int) -> None:
    areas = [ellipse.mask(FRAME).sum() for ellipse in _sample_many(kind, 150)]
    # The areas of a class spread by up to 45 %, so the mean of 150 is off by up to 4 % (one sigma) by chance.
    assert np.mean(areas) == pytest.approx(KINDS[kind].mean_area_px, rel=0.12)


def test_class_6_is_a_long_scratch_that_may_leave_the_frame() -> None:
    ellipses = _sample_many(6, 200)
    assert np.mean([e.semi_major for e in ellipses]) == pytest.approx(260.0, rel=0.03)
    assert np.mean([e.semi_minor for e in ellipses]) == pytest.approx(30.0, rel=0.03)
    clipped = [e.mask(FRAME).sum() < 0.97 * np.pi * e.semi_major * e.semi_minor for e in ellipses]
    assert 0.3 < np.mean(clipped) < 1.0


@pytest.mark.parametrize("index", range(3))
def test_class_6_mask_is_elongated(index: int) -> None:
    _, mask = render(6, index, defective=True)
    y, x = np.nonzero(mask)
    minor, major = np.sqrt(np.linalg.eigvalsh(np.cov(x, y)))
    # 260 / 30 is 8.7; what the frame cuts off shortens the major axis.
    assert major / minor > 4.5


def test_mask_is_the_filled_ellipse() -> None:
    ellipse = Ellipse(center_x=100.0, center_y=60.0, semi_major=40.0, semi_minor=10.0, angle=0.0)
    mask = ellipse.mask(Frame(128, 200))
    assert mask.sum() == pytest.approx(np.pi * 40.0 * 10.0, rel=0.02)
    assert mask[60, 138] == 1
    assert mask[60, 142] == 0
    assert mask[69, 100] == 1
    assert mask[72, 100] == 0


def test_positive_angle_turns_from_x_towards_y() -> None:
    ellipse = Ellipse(center_x=64.0, center_y=64.0, semi_major=40.0, semi_minor=5.0, angle=np.pi / 4)
    mask = ellipse.mask(Frame(128, 128))
    assert mask[84, 84] == 1
    assert mask[44, 84] == 0


def test_to_image_inverts_coordinates() -> None:
    ellipse = Ellipse(center_x=70.0, center_y=50.0, semi_major=30.0, semi_minor=12.0, angle=0.7)
    x, y = ellipse.to_image([0.5], [-0.25])
    u, v = ellipse.coordinates(Frame(128, 128))
    row, column = round(float(y[0])), round(float(x[0]))
    # Rounding to a pixel moves a point by up to 0.71 px, 0.06 semi-minor axes.
    assert float(u[row, column]) == pytest.approx(0.5, abs=0.06)
    assert float(v[row, column]) == pytest.approx(-0.25, abs=0.06)


@pytest.mark.parametrize("kind", [1, 6, 9])
def test_share_of_defect_area_is_kept_at_other_sizes(kind: int) -> None:
    frame = Frame(256, 320)
    rng = np.random.default_rng(5)
    areas = [sample_ellipse(rng, KINDS[kind], frame).mask(frame).sum() for _ in range(150)]
    expected = KINDS[kind].mean_area_px * (256 * 320) / (512 * 512)
    assert np.mean(areas) == pytest.approx(expected, rel=0.15)
