"""What a line keeps: records and images, on disks that fail, too."""

import errno
import tempfile

import numpy as np
import pytest
from PIL import Image

from edgekit_runtime.errors import IoFault, UsageProblem
from tests.runtime.line.lines import (
    make_bundle,
    make_line,
    make_strip,
    read,
    settings,
)


class TestKeeping:
    def test_images_of_rejected_parts_are_what_was_captured(self, bundle, tmp_path):
        strips = [make_strip(), make_strip((2, 2)), make_strip(), make_strip((0, 0), (5, 5))]
        line, _ = make_line(bundle, strips, settings(pictures=tmp_path / "rejected", records=tmp_path))
        line.run()
        named = [record["picture"] for record in read(tmp_path) if record["kind"] == "part"]
        assert [name is None for name in named] == [True, False, True, False]
        for name, strip in ((named[1], strips[1]), (named[3], strips[3])):
            image = np.asarray(Image.open(tmp_path / "rejected" / f"part-{name}.png"))
            assert (image == strip).all()

    def test_a_long_part_shows_its_last_rows(self, bundle, tmp_path):
        strips = [make_strip((number, number)) for number in range(8)]
        line, _ = make_line(bundle, strips, settings(part_rows=64, pictures=tmp_path, picture_rows=16))
        line.run()
        (path,) = tmp_path.iterdir()
        assert (np.asarray(Image.open(path)) == np.concatenate(strips[-2:])).all()

    @pytest.mark.parametrize("kind", ["records", "pictures"])
    def test_a_folder_that_cannot_be_written_is_refused_at_the_start(self, bundle, tmp_path, kind):
        (tmp_path / "taken").write_bytes(b"a file")
        for folder in (tmp_path / "taken", tmp_path / "taken" / "below"):
            line, told = make_line(bundle, [make_strip()], settings(**{kind: folder}))
            with pytest.raises(IoFault, match="cannot take"):
                line.run()
            assert told.in_time == []

    @pytest.mark.parametrize("kind", ["records", "pictures"])
    @pytest.mark.parametrize("place", [".", "golden", "new/folder"])
    def test_a_folder_in_the_bundle_is_refused(self, tmp_path, kind, place):
        bundle = make_bundle(tmp_path, "whole")
        before = sorted(bundle.rglob("*"))
        line, _ = make_line(bundle, [make_strip()], settings(**{kind: bundle / place}))
        with pytest.raises(UsageProblem, match="lies in the bundle"):
            line.run()
        assert sorted(bundle.rglob("*")) == before

    def test_a_disk_that_is_full_at_the_start_may_have_room_later(self, bundle, tmp_path, monkeypatch):
        def refuse(**_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
        line, told = make_line(bundle, [make_strip()], settings(records=tmp_path))
        line.run()
        assert told.verdicts == ["accept"]

    def test_a_full_disk_costs_records_and_no_verdict(self, bundle, tmp_path):
        (tmp_path / "line.jsonl").symlink_to("/dev/full")
        line, told = make_line(bundle, [make_strip((1, 1))] * 3, settings(records=tmp_path))
        line.run()
        assert told.verdicts == ["reject"] * 3
        # bundle, 3 parts, 3 defects, what was said of the disk, summary
        assert line.summarise().lost_records == 9
        assert "No space left on device" in told.events[0]
