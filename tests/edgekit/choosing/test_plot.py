"""What a chart of two shares draws, and where."""

from __future__ import annotations

import re

import pytest

from edgekit.choosing.plot import LEFT, RIGHT, WIDTH, Plot

PLOT = Plot(across=(0.0, 1.0), up=(0.0, 1.0), root_across=False)


@pytest.mark.parametrize("across", [0.0, 0.3, 0.7, 1.0])
def test_a_label_leaves_its_dot_towards_the_middle(across: float) -> None:
    label = PLOT.draw_label((across, 0.5), "DI-Net's <own>")
    found = re.fullmatch(
        r'<text x="([\d.]+)" y="[\d.]+"( text-anchor="end")?>DI-Net&#x27;s &lt;own&gt;</text>', label
    )
    assert found is not None
    dot = LEFT + across * (WIDTH - LEFT - RIGHT)
    assert (float(found[1]) < dot) == (found[2] is not None) == (across > 0.5)


def test_a_staircase_falls_at_each_place_and_goes_on_to_the_end() -> None:
    plot = Plot(across=(), up=(), root_across=True)
    drawn = plot.draw_steps([(0.25, 1.0), (0.49, 0.25)])
    wanted = "M{0:.1f},{1:.1f}V{1:.1f}H{2:.1f}V{3:.1f}H{4:.1f}".format(
        plot.x(0.25), plot.y(1.0), plot.x(0.49), plot.y(0.25), plot.x(1.0)
    )
    assert f'd="{wanted}"' in drawn
    # By the square root: a quarter lies in the middle.
    assert plot.x(0.25) == pytest.approx((plot.x(0.0) + plot.x(1.0)) / 2)
    assert plot.y(0.25) == pytest.approx((plot.y(0.0) + plot.y(1.0)) / 2)
