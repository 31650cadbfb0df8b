"""The machine that a figure belongs to: what must be the same for two figures to be compared."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit_benchmarks.roofline import Roofline
from edgekit_runtime.platforms import describe_platform


@dataclass(frozen=True)
class Environment:
    """Where, when and with what a document was measured.

    Attributes:
        taken: Date and time in UTC, ISO 8601.
        command: The command line; "" where there was none.
        os: Name and version of the system.
        kernel: Its kernel.
        machine: Architecture, such as x86_64.
        cpu: Model of the processor.
        cores_usable: Cores that the process may use.
        threads_per_core: 2 where cores are shared by two threads; None where the system does not say.
        governor: What chooses the clock, such as "performance"; None as above, which is usual in virtual machines.
        frequency_mhz: Of the first core before the measurement; None as above.
        caches: "L1d", "L2", "L3" → bytes, of one cache; empty where the system does not say.
        memory_bytes: Of the machine.
        load_before: Average load of the last minute when the measurement began: other work on the machine.
        load_after: The same at its end, which includes the measurement.
        threads: Threads of subject and peers, as they were asked for; None left the choice to each.
        profile: Which effort was asked for.
        rate_hz: Calls per second of the paced runs; None where there were none.
        python: Its version.
        numpy: Its version.
        packages: Distribution → version; None where it is not installed.
        jetson: Model and L4T of the board; None on other machines.
        roofline: What the machine was measured to copy and compute; None where it was not.
    """

    taken: str
    command: str
    os: str
    kernel: str
    machine: str
    cpu: str
    cores_usable: int
    threads_per_core: int | None
    governor: str | None
    frequency_mhz: float | None
    caches: dict[str, int]
    memory_bytes: int | None
    load_before: float | None
    load_after: float | None
    threads: int | None
    profile: str
    rate_hz: float | None
    python: str
    numpy: str
    packages: dict[str, str | None]
    jetson: dict[str, str | None] | None
    roofline: Roofline | None


def describe_environment(
    *,
    taken: str,
    command: str,
    threads: int | None,
    profile: str,
    rate_hz: float | None,
    load_before: float | None,
    roofline: Roofline | None,
    root: Path = Path("/"),
) -> Environment:
    """Return what this machine is at the end of a measurement.

    Args:
        taken: Date and time, ISO 8601.
        command: The command line.
        threads: As they were asked for.
        profile: Name of the profile.
        rate_hz: Of the paced runs.
        load_before: As `read_load` gave it when the measurement began.
        roofline: As it was measured.
        root: Where the file system starts.
    """
    known: dict[str, Any] = describe_platform(root)
    cpu0 = root / "sys/devices/system/cpu/cpu0"
    return Environment(
        taken=taken,
        command=command,
        **known,
        threads_per_core=_count_siblings(_read(cpu0 / "topology/thread_siblings_list")),
        governor=_read(cpu0 / "cpufreq/scaling_governor") or None,
        frequency_mhz=_read_frequency(root),
        caches=_read_caches(cpu0 / "cache"),
        load_before=load_before,
        load_after=read_load(root),
        threads=threads,
        profile=profile,
        rate_hz=rate_hz,
        roofline=roofline,
    )


def read_load(root: Path = Path("/")) -> float | None:
    """Return the average load of the last minute; None where the system does not say."""
    words = _read(root / "proc/loadavg").split()
    return float(words[0]) if words else None


def _read_frequency(root: Path) -> float | None:
    kilohertz = _read(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
    if kilohertz.isdigit():
        return int(kilohertz) / 1e3
    for line in _read(root / "proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "cpu MHz":
            return float(value)
    return None


def _read_caches(folder: Path) -> dict[str, int]:
    """Read level, type and size of each cache that the first core sees; code caches are left out."""
    sizes = {}
    for index in sorted(folder.glob("index*")):
        kind, size = _read(index / "type"), _read(index / "size")
        if kind != "Instruction" and size.endswith("K") and size[:-1].isdigit():
            suffix = "d" if kind == "Data" else ""
            sizes[f"L{_read(index / 'level')}{suffix}"] = int(size[:-1]) * 1024
    return sizes


def _count_siblings(listed: str) -> int | None:
    """Read "0,8" or "0-1" as 2."""
    if not listed:
        return None
    count = 0
    for part in listed.split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            return None
        count += int(last or first) - int(first) + 1
    return count


def _read(path: Path) -> str:
    """Return a small file's text, or nothing where the system does not have it or does not let it be read."""
    try:
        return os.fsdecode(path.read_bytes()).strip()
    except OSError:
        return ""
