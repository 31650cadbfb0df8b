"""Where things lie: one array of floats holds every plane, row by row, so that an index is all a kernel needs.

A *plain* row holds its pixels in order; a *split* row holds the odd columns, then the even ones, so that a
convolution of full resolution and one of stride 2 both read neighbours that are neighbours in memory. Before and
after every run of pixels lie zeros that no kernel writes: they are the zero padding to the left and the right, and
inner loops need no branch for it. A kernel writes whole vectors, up to the `written` pixels of a row; where these
end beyond the last pixel, it puts the one zero back that a neighbour reads.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlainRows:
    """Rows of `width` pixels in order.

    Attributes:
        width: Pixels of a row.
        lanes: Floats of a vector.
    """

    width: int
    lanes: int

    @property
    def pitch(self) -> int:
        """Floats from row to row; the last vector of a row is never written."""
        return 2 * _round_up(-(-self.width // 2), self.lanes) + self.lanes


@dataclass(frozen=True)
class SplitRows:
    """Rows of `width` pixels, even: a zero vector, the odd columns, a zero vector, the even columns, a zero vector.

    Attributes:
        width: Pixels of a row.
        lanes: Floats of a vector.
    """

    width: int
    lanes: int

    @property
    def half(self) -> int:
        """Columns of one parity."""
        return self.width // 2

    @property
    def odd(self) -> int:
        """Where the odd columns begin in a row."""
        return self.lanes

    @property
    def even(self) -> int:
        """Where the even columns begin, counted from where the odd ones do."""
        return _round_up(self.half, self.lanes) + self.lanes

    @property
    def pitch(self) -> int:
        """Floats from row to row."""
        return 2 * self.even + self.lanes


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
