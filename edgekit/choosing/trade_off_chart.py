"""The trade-off as a chart: escape over overkill, the chosen point with its intervals, the limits that were asked for.

Both axes go by the square root, so that 0 stands on them and one per cent can be told from two.
"""

from __future__ import annotations

import math
from fractions import Fraction

from edgekit.choosing.choice import Choice
from edgekit.choosing.judged import JudgedPoint
from edgekit.choosing.page_frame import wrap_chart
from edgekit.choosing.wording import describe_point

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 460, 64, 20, 14, 400
TICKS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


def draw_trade_off(choice: Choice) -> str:
    """Return the chart as inline SVG."""
    goal, chosen = choice.goal, choice.chosen
    parts = [
        *(_draw_tick(tick) for tick in TICKS),
        f'<text x="{WIDTH - RIGHT}" y="{BOTTOM + 42}" text-anchor="end">overkill: defect-free images rejected</text>',
        f'<text x="{LEFT - 48}" y="{BOTTOM + 42}">escape (upwards): defective images accepted</text>',
        _draw_limits(goal.max_escape, goal.max_overkill),
        f'<path class="steps" d="{_trace(choice)}"/>',
        *(_draw_dot(point, "dot c0", 4) for point in choice.frontier),
        _draw_intervals(chosen),
        _draw_dot(choice.before, "hollow", 6),
        _draw_dot(chosen, "dot c1", 7),
    ]
    words = (
        f"Escape over overkill. Chosen: escape {chosen.escape.value:.3f}, overkill {chosen.overkill.value:.3f}. "
        f"Before: escape {choice.before.escape.value:.3f}, overkill {choice.before.overkill.value:.3f}."
    )
    return wrap_chart(parts, WIDTH, HEIGHT, words)


def _x(share: float) -> float:
    return LEFT + math.sqrt(share) * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return BOTTOM - math.sqrt(share) * (BOTTOM - TOP)


def _place(point: JudgedPoint) -> tuple[float, float]:
    return _x(point.overkill.value or 0.0), _y(point.escape.value or 0.0)


def _draw_tick(tick: float) -> str:
    x, y = _x(tick), _y(tick)
    return (
        f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}"/>'
        f'<text x="{x:.1f}" y="{BOTTOM + 19}" text-anchor="middle">{tick:.0%}</text>'
        f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 9}" y="{y + 4:.1f}" text-anchor="end">{tick:.0%}</text>'
    )


def _draw_limits(escape: Fraction | None, overkill: Fraction | None) -> str:
    lines = ""
    if escape is not None:
        y = _y(float(escape))
        lines += f'<line class="limit" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
    if overkill is not None:
        x = _x(float(overkill))
        lines += f'<line class="limit" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}"/>'
    return lines


def _trace(choice: Choice) -> str:
    """Return the path of the trade-off: until the next point allows more, the escape stays that of the last."""
    places = [_place(point) for point in choice.frontier]
    steps = [f"M{places[0][0]:.1f},{_y(1.0):.1f}V{places[0][1]:.1f}"]
    steps += [f"H{x:.1f}V{y:.1f}" for x, y in places[1:]]
    return "".join([*steps, f"H{_x(1.0):.1f}"])


def _draw_intervals(point: JudgedPoint) -> str:
    x, y = _place(point)
    (low, high), (least, most) = point.overkill_interval, point.escape_interval
    return (
        f'<line class="interval" x1="{_x(low):.1f}" y1="{y:.1f}" x2="{_x(high):.1f}" y2="{y:.1f}"/>'
        f'<line class="interval" x1="{x:.1f}" y1="{_y(least):.1f}" x2="{x:.1f}" y2="{_y(most):.1f}"/>'
    )


def _draw_dot(point: JudgedPoint, style: str, radius: int) -> str:
    x, y = _place(point)
    threshold, area, escape, overkill = describe_point(point)[:4]
    title = f"threshold {threshold}, least area {area}: escape {escape}; overkill {overkill}"
    return f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{title}</title></circle>'
