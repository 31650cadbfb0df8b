"""The instructions that a plan is made of: one row of whole numbers each, read by the interpreter.

Addresses count floats from the start of the arena to the first pixel of row 0 of a plane, even where that row is not
there: row r lies `pitch` times r further. Those from `SCRATCH` on are counted from the start of the memory that each
thread has to itself.
"""

from __future__ import annotations

SCRATCH = 1 << 48
"""Addresses from here on are a thread's own."""

HALF_SCRATCH = SCRATCH // 2
"""A plane that begins with a later row may have its row 0 before the start: what is above this is scratch."""

# Which kernel runs.
FILL, CLEAR, WIDEN, STEM, STEM_HALVE, FRAME_HALVE, SAME, HALVE, DOUBLE, DOUBLE_HEAD, POINT_HEAD, MASK = range(
    12
)

# Columns of an instruction.
KERNEL = 0
FIRST = 1
"""First row that is written; of DOUBLE and DOUBLE_HEAD, first row that is read: two are written for each."""
LAST = 2
"""The row after the last one."""
OUT = 3
OUT_PITCH = 4
OUT_STEP = 5
"""From channel to channel, in kernels that take several."""
SOURCE = 6
SECOND = 7
"""The second input plane of a channel; -1 where it has one."""
SOURCE_PITCH = 8
CELL = 9
WIDTH = 10
"""Pixels of a row: of what is written, in DOUBLE of what is read; in split rows those of one parity."""
EVEN = 11
"""From the odd columns of a split row to its even ones."""
COUNT = 12
"""Channels."""
SUMS = 13
"""Plane of sums over channels, from which the logits come; split."""
SUMS_PITCH = 14
SUMS_FIRST = 15
SUMS_LAST = 16
"""Rows of the sums that this instruction adds to."""
ROOM = 17
"""Memory for rows in passing: of STEM_HALVE, four rows for each channel."""
SPARE = 18
"""A row of sums that nobody reads."""
NEXT_CELL = 19
"""Of STEM_HALVE: weights of the second convolution."""

COLUMNS = 20

# A cell holds the weights of one output channel.
TAPS = 0
SECOND_TAPS = 9
BIAS = 18
SLOPE = 19
HEAD_WEIGHT = 20
"""By which this channel enters the sums."""
CELL_FLOATS = 32

THRESHOLD, SHIFT = 0, 1
"""Cell 0 belongs to the program: the threshold of the call, and what is subtracted from grey values."""
