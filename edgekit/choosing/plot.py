"""The pieces of a chart of two shares as inline SVG: a grid, limits, a staircase, dots with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 460, 64, 20, 14, 400
Place = tuple[float, float]


@dataclass(frozen=True)
class Plot:
    """Places shares on a chart. Upwards goes by the square root, so that 0 stands on it and 1 % can be told from 2 %.

    Attributes:
        across: Ticks of the axis across.
        up: Ticks of the axis upwards.
        root_across: Whether the axis across goes by the square root, too.
    """

    across: Sequence[float]
    up: Sequence[float]
    root_across: bool

    def x(self, share: float) -> float:
        """Return where a share is across, in px."""
        return LEFT + (math.sqrt(share) if self.root_across else share) * (WIDTH - LEFT - RIGHT)

    def y(self, share: float) -> float:
        """Return where a share is upwards, in px."""
        return BOTTOM - math.sqrt(share) * (BOTTOM - TOP)

    def draw_axes(self, across: str, up: str) -> list[str]:
        """Return the grid and what the axes are called."""
        columns = (
            f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}"/>'
            f'<text x="{x:.1f}" y="{BOTTOM + 19}" text-anchor="middle">{tick:.0%}</text>'
            for tick, x in ((tick, self.x(tick)) for tick in self.across)
        )
        rows = (
            f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 9}" y="{y + 4:.1f}" text-anchor="end">{tick:.0%}</text>'
            for tick, y in ((tick, self.y(tick)) for tick in self.up)
        )
        return [
            *columns,
            *rows,
            f'<text x="{WIDTH - RIGHT}" y="{BOTTOM + 42}" text-anchor="end">{escape(across)}</text>',
            f'<text x="{LEFT - 48}" y="{BOTTOM + 42}">{escape(up)}</text>',
        ]

    def draw_limits(self, across: float | None, up: float | None) -> str:
        """Return a line for each limit that is given."""
        lines = ""
        if up is not None:
            y = self.y(up)
            lines += f'<line class="limit" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        if across is not None:
            x = self.x(across)
            lines += f'<line class="limit" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}"/>'
        return lines

    def draw_steps(self, places: Sequence[Place]) -> str:
        """Return a falling staircase: until the next place allows more across, what is upwards stays that of the last.

        Args:
            places: Shares (across, up), across rising.
        """
        points = [(self.x(across), self.y(up)) for across, up in places]
        steps = [f"M{points[0][0]:.1f},{self.y(1.0):.1f}V{points[0][1]:.1f}"]
        steps += [f"H{x:.1f}V{y:.1f}" for x, y in points[1:]]
        return f'<path class="steps" d="{"".join([*steps, f"H{self.x(1.0):.1f}"])}"/>'

    def draw_interval(self, across: Place, up: Place) -> str:
        """Return a line from one share to another in each direction; what has no width is drawn as a point."""
        (left, right), (low, high) = across, up
        return (
            f'<line class="interval" x1="{self.x(left):.1f}" y1="{self.y(low):.1f}" '
            f'x2="{self.x(right):.1f}" y2="{self.y(high):.1f}"/>'
        )

    def draw_label(self, place: Place, text: str) -> str:
        """Return words beside a dot: to the right, or to the left where it stands in the right half."""
        x, y = self.x(place[0]), self.y(place[1]) + 4
        if x < WIDTH / 2:
            return f'<text x="{x + 9:.1f}" y="{y:.1f}">{escape(text)}</text>'
        return f'<text x="{x - 12:.1f}" y="{y:.1f}" text-anchor="end">{escape(text)}</text>'

    def draw_dot(self, place: Place, style: str, radius: int, title: str) -> str:
        """Return a dot with a title that shows when one points at it."""
        x, y = self.x(place[0]), self.y(place[1])
        return f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{escape(title)}</title></circle>'
