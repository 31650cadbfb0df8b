"""Writing beside the line: what the disk refuses is counted and said, and the line never waits."""

import threading
import time

import numpy as np

from edgekit_runtime.line import keeping
from edgekit_runtime.line.keeping import Keeper
from edgekit_runtime.line.threads import start_daemon


class Disk:
    """Takes records and images, or is full; may hold its breath."""

    def __init__(self):
        self.full = False
        self.taken = []
        self.release = threading.Event()
        self.release.set()
        self.entered = threading.Event()

    def write(self, thing):
        self.entered.set()
        self.release.wait()
        if self.full:
            raise OSError(28, "No space left on device", "/records")
        self.taken.append(thing)

    def save(self, name, pixels):
        self.write((name, pixels.shape))

    def close(self):
        if self.full:
            raise OSError(28, "No space left on device")


def make_keeper(disk, told, *, start_thread=start_daemon):
    return Keeper(disk, disk, tell=told.append, start_thread=start_thread)


def wait_for(keeper):
    """Wait until everything has been tried."""
    while True:
        with keeper._changed:
            if not keeper._waiting:
                return


def test_what_fails_for_another_reason_than_the_disk_costs_no_other_thing():
    class Small(Disk):
        def save(self, name, pixels):
            raise MemoryError(name)

    disk, told = Small(), []
    keeper = make_keeper(disk, told)
    keeper.picture("part", np.zeros((2, 3), np.uint8))
    keeper.record({"a": 1})
    keeper.close()
    assert (disk.taken, keeper.lost_pictures, keeper.lost_records) == ([{"a": 1}], 1, 0)
    assert told == ["images cannot be written and are lost: MemoryError: part"]


def test_everything_is_written_in_its_order_before_close_returns():
    disk, told = Disk(), []
    keeper = make_keeper(disk, told)
    keeper.record({"a": 1})
    keeper.picture("part", np.zeros((2, 3), np.uint8))
    keeper.record({"b": 2})
    keeper.close()
    assert disk.taken == [{"a": 1}, ("part", (2, 3)), {"b": 2}]
    assert (told, keeper.lost_records, keeper.lost_pictures) == ([], 0, 0)


def test_a_full_disk_costs_records_is_said_once_and_goes_on():
    disk, told = Disk(), []
    keeper = make_keeper(disk, told)
    disk.full = True
    for _ in range(3):
        keeper.record({})
    keeper.picture("part", np.zeros((2, 3), np.uint8))
    while keeper.lost_records + keeper.lost_pictures < 4:
        time.sleep(1e-3)
    disk.full = False
    keeper.record({"kept": True})
    keeper.close()
    assert disk.taken == [{"kept": True}]
    assert (keeper.lost_records, keeper.lost_pictures) == (3, 1)
    assert told == [
        "records cannot be written and are lost: /records: No space left on device",
        "images cannot be written and are lost: /records: No space left on device",
        "records are written again; 3 were lost so far",
    ]


def test_a_slow_disk_makes_nobody_wait(monkeypatch):
    monkeypatch.setattr(keeping, "RECORDS_WAITING", 5)
    disk, told = Disk(), []
    disk.release.clear()
    keeper = make_keeper(disk, told)
    keeper.record({"number": 0})
    disk.entered.wait()  # the disk has it, and does not come back
    for number in range(1, 10):
        keeper.record({"number": number})
    assert keeper.lost_records == 4
    disk.release.set()
    keeper.close()
    assert [record["number"] for record in disk.taken] == [0, 1, 2, 3, 4, 5]


def test_a_disk_that_never_comes_back_does_not_hold_the_end():
    disk, told = Disk(), []
    disk.release.clear()
    keeper = make_keeper(disk, told)
    keeper.record({"number": 0})
    disk.entered.wait()
    keeper.record({"number": 1})
    keeper.close(timeout_s=0.0)
    assert keeper.lost_records == 1
    disk.release.set()


def test_a_disk_that_fills_at_the_end_is_said():
    disk, told = Disk(), []
    keeper = make_keeper(disk, told)
    disk.full = True
    keeper.close()
    assert told == ["the last records may not be on the disk: No space left on device"]


def test_nothing_is_started_where_nothing_is_kept():
    keeper = Keeper(None, None, tell=print, start_thread=lambda run: 1 / 0)
    keeper.record({})
    keeper.picture("part", np.zeros((2, 3), np.uint8))
    keeper.close()
    assert (keeper.lost_records, keeper.wants_pictures) == (0, False)
