"""The trade-off as a chart: escape over overkill, the chosen point with its intervals, the limits that were asked for.

Both axes go by the square root, so that 0 stands on them and one per cent can be told from two.
"""

from __future__ import annotations

from edgekit.choosing.choice import Choice
from edgekit.choosing.judged import JudgedPoint
from edgekit.choosing.page_frame import wrap_chart
from edgekit.choosing.plot import HEIGHT, WIDTH, Place, Plot
from edgekit.choosing.wording import describe_point

TICKS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
PLOT = Plot(TICKS, TICKS, root_across=True)


def draw_trade_off(choice: Choice) -> str:
    """Return the chart as inline SVG."""
    goal, chosen = choice.goal, choice.chosen
    overkill, escape = _place(chosen)
    parts = [
        *PLOT.draw_axes(
            "overkill: defect-free images rejected", "escape (upwards): defective images accepted"
        ),
        PLOT.draw_limits(
            None if goal.max_overkill is None else float(goal.max_overkill),
            None if goal.max_escape is None else float(goal.max_escape),
        ),
        PLOT.draw_steps([_place(point) for point in choice.frontier]),
        *(_draw_dot(point, "dot c0", 4) for point in choice.frontier),
        PLOT.draw_interval(chosen.overkill_interval, (escape, escape)),
        PLOT.draw_interval((overkill, overkill), chosen.escape_interval),
        _draw_dot(choice.before, "hollow", 6),
        _draw_dot(chosen, "dot c1", 7),
    ]
    words = (
        f"Escape over overkill. Chosen: escape {escape:.3f}, overkill {overkill:.3f}. "
        f"Before: escape {choice.before.escape.value:.3f}, overkill {choice.before.overkill.value:.3f}."
    )
    return wrap_chart(parts, WIDTH, HEIGHT, words)


def _place(point: JudgedPoint) -> Place:
    return point.overkill.value or 0.0, point.escape.value or 0.0


def _draw_dot(point: JudgedPoint, style: str, radius: int) -> str:
    threshold, area, escape, overkill = describe_point(point)[:4]
    title = f"threshold {threshold}, least area {area}: escape {escape}; overkill {overkill}"
    return PLOT.draw_dot(_place(point), style, radius, title)
