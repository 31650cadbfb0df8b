"""Cold start: what a controller waits for after power-up, in processes of their own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit_benchmarks.sampling import Clock
from edgekit_runtime.errors import EdgekitError

LONGEST_START_S = 300.0

SCRIPT = """
import json, sys, time
began = time.perf_counter()

def read_peak():
    try:
        with open("/proc/self/status") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")), None)
    except OSError:
        return None

path, device, backend, threads, batch = sys.argv[1:]
from edgekit_runtime import Detector
imported = time.perf_counter()
peak_import = read_peak()
detector = Detector(path, device=device, backend=backend, threads=int(threads) or None)
detector.open()
opened = time.perf_counter()
import numpy
frame = detector.bundle.read_array(detector.manifest.golden[0].frame)
frames = numpy.stack([frame] * int(batch))
call = (lambda: detector(frame)) if batch == "1" else (lambda: detector.run_batch(frames))
ready = time.perf_counter()
call()
first = time.perf_counter()
ended = time.monotonic()
call()
second = time.perf_counter()
print(json.dumps({
    "import": imported - began, "open": opened - imported, "first": first - ready, "second": second - first,
    "ended": ended, "peak_import": peak_import, "peak": read_peak(), "backend": detector.backend.name,
}))
"""
"""Run by `python -c`: what a user's own program would do first."""


@dataclass(frozen=True)
class ColdStart:
    """Medians over fresh processes; files lie in the page cache, unless it was just emptied.

    Attributes:
        until_first_ms: From starting Python to the end of the first result, the interpreter's own start included.
        import_ms: Importing the runtime.
        open_ms: Opening the detector: reading and verifying the bundle, importing the engine, loading the stages.
        first_ms: The first call.
        second_ms: The second call.
        peak_bytes: Most memory that the process held, after the second call; None where the system does not say.
        import_bytes: The same after the import alone.
        starts: Number of processes.
    """

    until_first_ms: float
    import_ms: float
    open_ms: float
    first_ms: float
    second_ms: float
    peak_bytes: int | None
    import_bytes: int | None
    starts: int


_REMEDY = "Run the bundle with `edgekit detect` to see what fails."

Start = Callable[[list[str]], str]
"""Runs a command and returns what it printed."""


def start_process(command: list[str]) -> str:
    """Run a command to its end and return its output.

    Raises:
        EdgekitError: If it fails, or takes longer than five minutes.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_START_S, check=False)
    except subprocess.TimeoutExpired as error:
        message = f"A fresh process gave no result within {LONGEST_START_S:.0f} s."
        raise EdgekitError(message, remedy=_REMEDY) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise EdgekitError(f"A fresh process failed: {lines[-1]}", remedy=_REMEDY)
    return done.stdout


def measure_cold_start(
    bundle: Path,
    *,
    device: str,
    backend: str,
    threads: int | None,
    batch: int,
    starts: int,
    start: Start = start_process,
    clock: Clock = time.monotonic,
) -> ColdStart:
    """Open a bundle in fresh processes, one after the other.

    Args:
        bundle: Its path.
        device: As `Detector` takes it.
        backend: By name.
        threads: Of the backend; None leaves the choice to it.
        batch: Frames per call.
        starts: Number of processes.
        start: Runs a command.
        clock: Seconds of the system's steady clock, which all processes share.

    Raises:
        EdgekitError: If a process fails.
    """
    arguments = [str(bundle.absolute()), device, backend, str(threads or 0), str(batch)]
    reports: list[dict[str, Any]] = []
    for _ in range(starts):
        began = clock()
        report = json.loads(start([sys.executable, "-c", SCRIPT, *arguments]).splitlines()[-1])
        report["until_first"] = report["ended"] - began
        reports.append(report)

    def median_ms(name: str) -> float:
        return float(statistics.median(report[name] for report in reports)) * 1e3

    def largest(name: str) -> int | None:
        return max((report[name] for report in reports if report[name] is not None), default=None)

    return ColdStart(
        until_first_ms=median_ms("until_first"),
        import_ms=median_ms("import"),
        open_ms=median_ms("open"),
        first_ms=median_ms("first"),
        second_ms=median_ms("second"),
        peak_bytes=largest("peak"),
        import_bytes=largest("peak_import"),
        starts=starts,
    )
