"""A line: a web inspected as fast as it comes, with deadlines, and with everything that goes wrong counted and said.

from edgekit_runtime.line import LineSettings, run_line

run_line("cheapnet-s.edgekit", camera(), LineSettings(deadline_s=0.5), on_part=print)

Here are the clock, the threads and the disk; what a web is stands in `edgekit_runtime.web`.
"""

from edgekit_runtime.line.answers import PartAnswer
from edgekit_runtime.line.loop import Line, run_line
from edgekit_runtime.line.pacing import PacedStrips
from edgekit_runtime.line.settings import LineSettings, seconds_per_row
from edgekit_runtime.line.strips import Strip
from edgekit_runtime.line.summary import LineSummary
from edgekit_runtime.line.swapping import DetectorChoice

__all__ = [
    "DetectorChoice",
    "Line",
    "LineSettings",
    "LineSummary",
    "PacedStrips",
    "PartAnswer",
    "Strip",
    "run_line",
    "seconds_per_row",
]
