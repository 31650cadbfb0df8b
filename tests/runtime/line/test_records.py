"""Records rotate, are whole lines always, and go on when there is room again. /dev/full is a disk that is full."""

import json
import os

import pytest

from edgekit_runtime.line.records import RotatingRecords


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def make_records(folder, *, max_bytes=1_000_000, files=3, clock=None):
    return RotatingRecords(folder, max_bytes=max_bytes, files=files, sync_s=10.0, clock=clock or Clock())


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_records_are_lines_of_json_and_readable_at_once(tmp_path):
    records = make_records(tmp_path / "new" / "folder")
    records.write({"a": 1})
    records.write({"b": "ü"})
    found = read(records.path)
    records.close()
    assert found == [{"a": 1}, {"b": "ü"}]
    records.close()


def test_a_later_run_goes_on_behind_the_one_before(tmp_path):
    for value in (1, 2):
        records = make_records(tmp_path)
        records.write({"run": value})
        records.close()
    assert read(tmp_path / "line.jsonl") == [{"run": 1}, {"run": 2}]


def test_full_files_rotate_and_the_oldest_goes(tmp_path):
    records = make_records(tmp_path, max_bytes=20)
    for value in range(10):
        records.write({"value": value})  # 12 bytes
    records.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.1.jsonl", "line.2.jsonl", "line.jsonl"]
    assert read(tmp_path / "line.jsonl") == [{"value": 9}]
    assert read(tmp_path / "line.2.jsonl") == [{"value": 7}]


def test_one_file_alone_begins_anew(tmp_path):
    records = make_records(tmp_path, max_bytes=20, files=1)
    for value in range(3):
        records.write({"value": value})
    records.close()
    assert [path.name for path in tmp_path.iterdir()] == ["line.jsonl"]
    assert read(tmp_path / "line.jsonl") == [{"value": 2}]


def test_a_record_larger_than_a_file_is_written(tmp_path):
    records = make_records(tmp_path, max_bytes=5)
    records.write({"value": "much"})
    records.close()
    assert read(tmp_path / "line.jsonl") == [{"value": "much"}]


def test_records_reach_the_disk_in_time(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    clock = Clock()
    records = make_records(tmp_path, clock=clock)
    for now_s in (0.0, 9.0, 11.0, 12.0, 22.0):
        clock.now_s = now_s
        records.write({})
    assert len(synced) == 2
    records.close()
    assert len(synced) == 3


def test_a_full_disk_is_said_and_writing_goes_on_when_there_is_room(tmp_path):
    (tmp_path / "line.jsonl").symlink_to("/dev/full")
    records = make_records(tmp_path)
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            records.write({"lost": True})
    (tmp_path / "line.jsonl").unlink()
    records.write({"kept": True})
    records.close()
    assert read(tmp_path / "line.jsonl") == [{"kept": True}]


@pytest.mark.parametrize("room", [5, 12, 17, 30])
def test_a_disk_that_takes_half_a_line_without_a_word_keeps_whole_lines_alone(tmp_path, room):
    """An unbuffered write on a disk that fills is short and raises nothing; the call after it does."""
    records = make_records(tmp_path)
    lost = []
    records.write({"value": 0})
    records._file = Filling(records._file, room)
    for value in range(1, 6):
        try:
            records.write({"value": value})
        except OSError:  # the file was given up; the next one has room
            lost.append({"value": value})
    records.close()
    kept = read(records.path)
    assert len(lost) == 1
    assert sorted(kept + lost, key=lambda record: record["value"]) == [{"value": value} for value in range(6)]


def test_a_record_that_does_not_reach_the_disk_is_lost_and_not_kept(tmp_path, monkeypatch):
    clock = Clock()
    records = make_records(tmp_path, clock=clock)
    records.write({"value": 1})
    clock.now_s = 11.0

    def refuse(_descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(os, "fsync", refuse)
        records.write({"value": 2})
    records.write({"value": 3})
    records.close()
    assert read(records.path) == [{"value": 1}, {"value": 3}]


@pytest.mark.parametrize("tail", [b'{"value"', b"\0" * 100_000, b'{"much": "' + b"x" * 200_000])
def test_half_a_line_that_an_earlier_run_has_left_is_taken_away(tmp_path, tail):
    (tmp_path / "line.jsonl").write_bytes(b'{"value":1}\n' + tail)
    records = make_records(tmp_path)
    records.write({"value": 2})
    records.close()
    assert read(records.path) == [{"value": 1}, {"value": 2}]


def test_a_file_that_somebody_has_shortened_is_not_filled_with_zeros(tmp_path):
    records = make_records(tmp_path)
    records.write({"value": 1})
    os.truncate(records.path, 0)
    records._file = Filling(records._file, 3)
    with pytest.raises(OSError, match="No space left"):
        records.write({"value": 2})
    records.write({"value": 3})
    records.close()
    assert read(records.path) == [{"value": 3}]


class Filling:
    """A file on a disk that has room for so many bytes."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, line):
        if not self._room:
            raise OSError(28, "No space left on device")
        taken = self._file.write(line[: self._room])
        self._room -= taken
        return taken

    def fileno(self):
        return self._file.fileno()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
