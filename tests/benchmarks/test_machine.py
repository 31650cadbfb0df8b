"""What a machine says about itself, from a file system that the test writes."""

from __future__ import annotations

from pathlib import Path

from edgekit_benchmarks.machine import describe_environment, read_load
from edgekit_benchmarks.roofline import measure_roofline


def describe(root: Path):  # type: ignore[no-untyped-def]
    return describe_environment(
        taken="now",
        command="",
        threads=2,
        profile="quick",
        rate_hz=None,
        load_before=0.5,
        roofline=None,
        root=root,
    )


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_a_controller_is_described(tmp_path: Path) -> None:
    cpu = "sys/devices/system/cpu/cpu0"
    write(
        tmp_path,
        {
            f"{cpu}/cpufreq/scaling_governor": "performance\n",
            f"{cpu}/cpufreq/scaling_cur_freq": "1600000\n",
            f"{cpu}/topology/thread_siblings_list": "0,4\n",
            f"{cpu}/cache/index0/level": "1\n",
            f"{cpu}/cache/index0/type": "Data\n",
            f"{cpu}/cache/index0/size": "32K\n",
            f"{cpu}/cache/index1/level": "1\n",
            f"{cpu}/cache/index1/type": "Instruction\n",
            f"{cpu}/cache/index1/size": "64K\n",
            f"{cpu}/cache/index2/level": "2\n",
            f"{cpu}/cache/index2/type": "Unified\n",
            f"{cpu}/cache/index2/size": "1024K\n",
            "proc/loadavg": "1.25 1.00 0.75 2/99 1234\n",
            "proc/cpuinfo": "model name\t: Atom x6425E\ncpu MHz\t: 1999.0\n",
        },
    )
    found = describe(tmp_path)
    assert (found.cpu, found.governor, found.frequency_mhz) == ("Atom x6425E", "performance", 1600.0)
    assert found.threads_per_core == 2
    assert found.caches == {"L1d": 32 << 10, "L2": 1 << 20}
    assert (found.load_before, found.load_after) == (0.5, 1.25)


def test_what_a_machine_does_not_say_is_null(tmp_path: Path) -> None:
    found = describe(tmp_path)
    assert (found.governor, found.frequency_mhz, found.threads_per_core, found.load_after) == (None,) * 4
    assert found.caches == {}
    assert read_load(tmp_path) is None


def test_frequency_of_a_virtual_machine_is_what_its_processor_says(tmp_path: Path) -> None:
    write(tmp_path, {"proc/cpuinfo": "processor\t: 0\ncpu MHz\t: 2596.1\n"})
    assert describe(tmp_path).frequency_mhz == 2596.1


def test_bounds_are_measured_by_the_clock_that_is_given() -> None:
    ticks = iter(range(1000))
    found = measure_roofline(2, copy_bytes=1 << 16, clock=lambda: float(next(ticks)))
    # Every try takes one tick, so that the rate is the work of all threads per second.
    assert found.threads == 2
    assert found.copy_gb_s == 2 * 2 * (1 << 16) / 1e9
    assert found.fma_gflop_s is not None
    assert found.fma_gflop_s == 2 * 1024 * 32 * 4 * 2 * 1000 / 1e9
