"""A new bundle for a line that runs: opened and proved beside the old one, and taken between two strips."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from edgekit_runtime.backends import BackendFactory
from edgekit_runtime.bundle import Bundle
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import ArtefactRefused, EdgekitError
from edgekit_runtime.line.threads import StartThread
from edgekit_runtime.verification import verify_bundle


@dataclass(frozen=True)
class DetectorChoice:
    """What every bundle of a line is opened with; see `Detector`."""

    device: str = "auto"
    backend: str | BackendFactory = "auto"
    threads: int | None = None
    thresholds: Mapping[str, float] | None = None
    min_area_px: int | None = None

    def open(self, bundle: str | Path | Bundle) -> Detector:
        """Return a detector that is READY."""
        detector = Detector(
            bundle,
            device=self.device,
            backend=self.backend,
            threads=self.threads,
            thresholds=self.thresholds,
            min_area_px=self.min_area_px,
        )
        detector.open()
        return detector


def warm_up(detector: Detector, tiles: int) -> None:
    """Run a batch as the line will: the first one allocates, and may compile."""
    contract = detector.manifest.input
    blank = np.zeros((tiles, *contract.frame_shape), contract.pixels.frame_type)
    if detector.manifest.model.task == "segment":
        detector.find_masks(blank)
    else:
        detector.run_batch(blank)


class Swap:
    """Prepares one bundle at a time, on a thread of its own.

    Args:
        choice: What bundles are opened with.
        start_thread: Starts a function beside this one.
    """

    def __init__(self, choice: DetectorChoice, start_thread: StartThread) -> None:
        self._choice, self._start_thread = choice, start_thread
        self._lock = threading.Lock()
        self._busy = self._closed = False
        self._outcome: Detector | EdgekitError | None = None

    def begin(self, path: Path, *, tiles: int) -> bool:
        """Begin to prepare a bundle; False where another is being prepared or waits to be taken.

        Args:
            path: The bundle.
            tiles: As many as the line runs at once.
        """
        with self._lock:
            if self._busy or self._closed:
                return False
            self._busy = True
        self._start_thread(lambda: self._finish(lambda: self._prepare(path, tiles)))
        return True

    def take(self) -> Detector | EdgekitError | None:
        """Return the detector that is READY, or why the bundle is refused; None where neither is known yet."""
        with self._lock:
            outcome, self._outcome = self._outcome, None
            if outcome is not None:
                self._busy = False
            return outcome

    def close(self) -> None:
        """Free what is prepared, now or as soon as it is."""
        with self._lock:
            self._closed = True
            outcome, self._outcome = self._outcome, None
        if isinstance(outcome, Detector):
            outcome.close()

    def _prepare(self, path: Path, tiles: int) -> Detector:
        # Links are resolved here: what is verified is what will run, wherever the path points to meanwhile.
        bundle = Bundle.open(path)
        report = verify_bundle(
            bundle.path,
            device=self._choice.device,
            backend=self._choice.backend,
            threads=self._choice.threads,
        )
        if not report.ok:
            raise report.error or ArtefactRefused("The golden samples are not reproduced.")
        detector = self._choice.open(bundle)
        try:
            warm_up(detector, tiles)
        except BaseException:
            detector.close()
            raise
        return detector

    def _finish(self, prepare: Callable[[], Detector]) -> None:
        outcome: Detector | EdgekitError
        try:
            outcome = prepare()
        except EdgekitError as error:
            outcome = error
        except Exception as error:  # a bundle that cannot be run must not stop the one that runs
            outcome = ArtefactRefused(f"The bundle cannot be run: {type(error).__name__}: {error}.")
        with self._lock:
            if not self._closed:
                self._outcome = outcome
                return
        if isinstance(outcome, Detector):
            outcome.close()


class SwapDesk:
    """Where bundles are asked for, from any thread or a signal's handler, and handed out when they are proved.

    Args:
        swap: Prepares them.
    """

    def __init__(self, swap: Swap) -> None:
        self._swap = swap
        self._asked: SimpleQueue[Path] = SimpleQueue()
        self._wanted: Path | None = None

    def ask(self, path: Path) -> None:
        """Ask for a bundle; of several that wait the last one is prepared."""
        self._asked.put(path)

    def poll(self, *, tiles: int) -> Detector | EdgekitError | None:
        """Begin what was asked for, and return what has become of what was begun; see `Swap`."""
        while not self._asked.empty():
            self._wanted = self._asked.get()
        if self._wanted is not None and self._swap.begin(self._wanted, tiles=tiles):
            self._wanted = None
        return self._swap.take()

    def close(self) -> None:
        """Prepare nothing more."""
        self._swap.close()


class BundleWatch:
    """Looks whether there is another bundle at a path: a link that was turned, or a directory that was replaced.

    A change counts once it looks the same twice: a bundle that is being copied is not one yet.

    Args:
        path: Of the bundle, or a link to it.
        every_s: How often it is looked at.
        clock: Seconds.
    """

    def __init__(self, path: Path, *, every_s: float, clock: Callable[[], float]) -> None:
        self.path = path
        self._every_s, self._clock = every_s, clock
        self._known = self._last = _identify(path)
        self._looked_s = clock()

    def has_changed(self) -> bool:
        """Whether a new bundle is there; once for each."""
        if self._clock() - self._looked_s < self._every_s:
            return False
        self._looked_s = self._clock()
        before, self._last = self._last, _identify(self.path)
        if self._last is None or self._last == self._known or self._last != before:
            return False
        self._known = self._last
        return True


def _identify(path: Path) -> tuple[object, ...] | None:
    """Return what tells one bundle from another without reading it; None where there is none."""
    try:
        root = path.resolve(strict=True)
        found = []
        for file in sorted(root.rglob("*")):
            status = file.lstat()
            found.append((str(file.relative_to(root)), status.st_ino, status.st_size, status.st_mtime_ns))
    except (OSError, RuntimeError):  # RuntimeError: a circle of links before Python 3.13
        return None
    return (root, *found)
