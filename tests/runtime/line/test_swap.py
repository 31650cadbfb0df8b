"""Another bundle on a line that runs: taken between two strips, or refused while the old one goes on."""

import itertools
import threading

import numpy as np

from edgekit_runtime.bundle import VerdictRules, Zone
from edgekit_runtime.line import DetectorChoice
from edgekit_runtime.testing import FakeBackend
from tests.runtime.line.lines import (
    STRIP,
    lies_gapless,
    make_bundle,
    make_line,
    make_strip,
    read,
    settings,
)


class TestSwap:
    def run_with_swap(self, bundle, ask, *, choice=None, **arguments):
        """Run until a swap has come out and ten more parts are answered."""
        answers, events = [], []
        last = []

        def count(answer):
            answers.append(answer)
            if len(answers) == 3:
                ask(line)
            if events and not last:
                last.append(len(answers) + 10)
            if last and len(answers) >= last[0]:
                line.stop()

        strips = (make_strip((number % 8, 3)) for number in itertools.count())
        line, _ = make_line(
            bundle,
            strips,
            settings(**arguments),
            on_part=count,
            on_event=events.append,
            **({} if choice is None else {"choice": choice}),
        )
        return line.run(), answers, events

    def test_a_new_bundle_takes_over_and_no_strip_is_lost(self, bundle, tmp_path):
        other = make_bundle(tmp_path, "other", mm_per_pixel=0.5, height=8)
        summary, answers, events = self.run_with_swap(bundle, lambda line: line.swap(other))
        assert (summary.swaps, summary.swaps_refused, summary.lost_rows) == (1, 0, 0)
        assert "has taken over" in events[0]
        assert lies_gapless(answers)
        assert {answer.part.verdict for answer in answers} == {"reject"}
        digests = [answer.bundle for answer in answers]
        assert len(list(itertools.groupby(digests))) == 2
        assert digests[-1] == summary.bundle

    def test_every_bundle_that_was_opened_is_closed(self, bundle, tmp_path):
        opened, closed = [], []

        class Counted(FakeBackend):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                opened.append(self)

            def close(self):
                closed.append(self)
                super().close()

        other = make_bundle(tmp_path, "other", mm_per_pixel=0.5)
        choice = DetectorChoice(backend=Counted)
        summary, _, _ = self.run_with_swap(bundle, lambda line: line.swap(other), choice=choice)
        assert summary.swaps == 1
        assert len(opened) == 3  # the one that proved the golden samples among them
        assert set(map(id, opened)) == set(map(id, closed))

    def test_a_damaged_bundle_is_refused_and_the_old_one_goes_on(self, bundle, tmp_path):
        other = make_bundle(tmp_path, "damaged", mm_per_pixel=0.5)
        (other / "golden" / "mask.npy").write_bytes(b"")
        summary, answers, events = self.run_with_swap(bundle, lambda line: line.swap(other), records=tmp_path)
        assert (summary.swaps, summary.swaps_refused, summary.lost_rows) == (0, 1, 0)
        assert "the new bundle is refused" in events[0]
        assert len({answer.bundle for answer in answers}) == 1
        assert lies_gapless(answers)
        assert events[0] in [record.get("event") for record in read(tmp_path)]

    def test_a_bundle_for_another_scale_is_refused(self, bundle, tmp_path):
        other = make_bundle(tmp_path, "other", mm_per_pixel=0.7)
        summary, _, events = self.run_with_swap(bundle, lambda line: line.swap(other))
        assert (summary.swaps, summary.swaps_refused) == (0, 1)
        assert "other mm per pixel" in events[0]

    def test_before_the_first_strip_a_bundle_that_cannot_take_over_is_refused(self, bundle, tmp_path):
        others = [
            make_bundle(tmp_path, "zones", mm_per_pixel=0.5, rules=VerdictRules(zones=(Zone(0, 2, 1, 2),))),
            make_bundle(tmp_path, "large", mm_per_pixel=0.5, height=8, width=8),
        ]
        refused = []
        waiting = threading.Event()

        def tell(event):
            refused.append(event)
            if len(refused) == 1:
                line.swap(others[1])
            else:
                waiting.set()

        def source():
            line.swap(others[0])
            waiting.wait()
            yield np.zeros((STRIP, 12), np.uint8)

        line, told = make_line(bundle, source(), settings(drop_left=1), on_event=tell)
        summary = line.run()
        assert (summary.swaps, summary.swaps_refused, told.verdicts) == (0, 2, ["accept"])
        assert "endless web" in refused[0]
        assert "8x8" in refused[1]

    def test_a_path_can_be_watched(self, bundle, tmp_path):
        link = tmp_path / "current"
        link.symlink_to(bundle)
        other = make_bundle(tmp_path, "other", mm_per_pixel=0.5, height=8)

        def turn(_line):
            link.unlink()
            link.symlink_to(other)

        summary, _, _ = self.run_with_swap(link, turn, watch_s=1e-9)
        assert summary.swaps == 1

    def test_without_a_path_the_one_of_the_beginning_is_looked_at_again(self, bundle):
        summary, _, _ = self.run_with_swap(bundle, lambda line: line.swap())
        assert summary.swaps == 1
