"""The detector: a bundle that answers frames.

with Detector("cheapnet-s.edgekit") as detector:
    result = detector(frame)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from edgekit_runtime.backends import (
    Backend,
    BackendFactory,
    BackendOptions,
    State,
    check_backend,
    open_backend,
    parse_device,
)
from edgekit_runtime.bundle import Bundle, Manifest
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.execution import resolve_thresholds, run_stages
from edgekit_runtime.exits import ExitPolicy
from edgekit_runtime.frames import Batch, check_contract, prepare_batch, prepare_frame
from edgekit_runtime.regions import check_region_options, prepare_regions
from edgekit_runtime.result_building import find_defects, make_class_results, make_mask_results, take_masks
from edgekit_runtime.results import Result


class Detector:
    """Answers frames with a bundle. States: NEW → READY (`open`, or `with`) → CLOSED.

    A detector serves one thread at a time; open one per thread.

    Args:
        bundle: Path of a bundle, or an opened one. A path is read when the detector is opened.
        device: "auto", "cpu", "cuda", "cuda:N" or "jetson".
        backend: "auto", the name of a backend, or a factory such as `edgekit_runtime.testing.FakeBackend`,
            which is called as factory(bundle, options).
        threads: Threads per run; None leaves the choice to the backend.
        thresholds: Threshold name → value; the bundle's defaults where omitted.
        min_area_px: Smaller regions are left out; a frame with none left is accepted.
        connectivity: 8 (diagonal pixels belong together) or 4.
        exit_policy: Decides which rows an early exit answers; the bundle's thresholds by default.
        clock: Seconds of a steady clock, for `latency_ms`.

    Raises:
        UsageProblem: If there is no such device or backend, or a number is out of its range. What depends on
            the bundle (thresholds) or on this machine (is the device there?) is refused by `open`, and an
            exit policy that does not fit by the call that runs it.
    """

    def __init__(
        self,
        bundle: str | Path | Bundle,
        *,
        device: str = "auto",
        backend: str | BackendFactory = "auto",
        threads: int | None = None,
        thresholds: Mapping[str, float] | None = None,
        min_area_px: int = 0,
        connectivity: int = 8,
        exit_policy: ExitPolicy | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        check_region_options(connectivity, min_area_px)
        check_backend(backend)
        self._source = bundle
        self._backend_choice = backend
        self._options = BackendOptions(parse_device(device), threads)
        self._thresholds = dict(thresholds or {})
        self._min_area_px = min_area_px
        self._connectivity = connectivity
        self._exit_policy = exit_policy
        self._clock = clock
        self._opened: tuple[Bundle, Backend] | None = None
        self.state = State.NEW

    @property
    def bundle(self) -> Bundle:
        """The opened bundle, while the detector is READY."""
        return self._require_ready()[0]

    @property
    def manifest(self) -> Manifest:
        """The bundle's manifest, while the detector is READY."""
        return self.bundle.manifest

    @property
    def backend(self) -> Backend:
        """The open backend, while the detector is READY."""
        return self._require_ready()[1]

    def open(self) -> None:
        """Read the bundle and load its stages; afterwards the detector is READY.

        Raises:
            UsageProblem: If it was opened before, there is no bundle, a threshold does not fit it, or this
                release does not serve its input contract.
            ArtefactRefused: If the bundle is damaged or does not hold what it claims.
            EnvironmentMismatch: If this machine does not have the device, or no backend serves the bundle.
            MissingDependency: If the backend's package is not installed.
            IoFault: If the disk or the permissions fail.
        """
        if self.state is not State.NEW:
            raise UsageProblem(
                f"The detector is {self.state.value}; it is opened once.",
                remedy="Make a new Detector for the bundle.",
            )
        bundle = self._source if isinstance(self._source, Bundle) else Bundle.open(self._source)
        check_contract(bundle.manifest.input)
        resolve_thresholds(bundle.manifest, self._thresholds)
        if bundle.manifest.model.task == "segment":
            prepare_regions()
        self._opened = (bundle, open_backend(self._backend_choice, bundle, self._options))
        self.state = State.READY

    def close(self) -> None:
        """Free what the detector holds; may be called again."""
        if self._opened is not None:
            self._opened[1].close()
        self._opened = None
        self.state = State.CLOSED

    def __enter__(self) -> Detector:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, frame: object) -> Result:
        """Answer one frame.

        Args:
            frame: uint8 (H, W) or (H, W, 3), as the bundle's input contract says: of its size, or no larger where
                its fit is "pad".

        Returns:
            The answer; mask and regions are those of the frame as it was given. The probabilities of a bundle that
            classifies are those of the padded frame, as in training.

        Raises:
            FrameError: If the frame is not what the contract asks for.
            UsageProblem: If the detector is not READY.
        """
        bundle, backend = self._require_ready()
        started = self._clock()
        return self._answer(bundle, backend, prepare_frame(frame, bundle.manifest.input), started, None)[0]

    def run_batch(self, frames: object, *, exit_policy: ExitPolicy | None = None) -> tuple[Result, ...]:
        """Answer frames together, in their order.

        Args:
            frames: uint8 array (N, H, W[, 3]), or a sequence of frames, whose sizes may differ where the bundle's
                fit is "pad".
            exit_policy: For this batch, in place of the detector's own.

        Raises:
            FrameError: If there is no frame, or one is not what the contract asks for.
            UsageProblem: If the detector is not READY, or the policy does not fit the batch.
        """
        bundle, backend = self._require_ready()
        started = self._clock()
        return self._answer(
            bundle, backend, prepare_batch(frames, bundle.manifest.input), started, exit_policy
        )

    def _require_ready(self) -> tuple[Bundle, Backend]:
        if self._opened is None:
            raise UsageProblem(
                f"The detector is {self.state.value}, not ready.",
                remedy="Use it as `with Detector(bundle) as detector: result = detector(frame)`.",
            )
        return self._opened

    def _answer(
        self, bundle: Bundle, backend: Backend, batch: Batch, started: float, exit_policy: ExitPolicy | None
    ) -> tuple[Result, ...]:
        manifest, name = bundle.manifest, backend.name
        policy = exit_policy if exit_policy is not None else self._exit_policy
        answer = run_stages(backend, manifest, batch.frames, self._thresholds, policy)
        if manifest.model.task == "classify":
            return make_class_results(answer, manifest, backend=name, latency_ms=self._elapsed_ms(started))
        masks = take_masks(answer, manifest, batch.sizes)
        regions = [
            find_defects(mask, manifest, connectivity=self._connectivity, min_area_px=self._min_area_px)
            for mask in masks
        ]
        return make_mask_results(masks, regions, manifest, backend=name, latency_ms=self._elapsed_ms(started))

    def _elapsed_ms(self, started: float) -> float:
        return (self._clock() - started) * 1e3
