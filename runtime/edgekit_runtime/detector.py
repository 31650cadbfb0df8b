"""The detector: a bundle that answers frames.

with Detector("cheapnet-s.edgekit") as detector:
    result = detector(frame)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgekit_runtime.backends import (
    Backend,
    BackendFactory,
    BackendOptions,
    State,
    check_backend,
    open_backend,
    parse_device,
)
from edgekit_runtime.bundle import Bundle, Manifest, VerdictRules
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.execution import Execution, resolve_thresholds
from edgekit_runtime.exits import ExitPolicy
from edgekit_runtime.frames import Batch, prepare_batch, prepare_frame
from edgekit_runtime.pixels import widen
from edgekit_runtime.quotas import Quotas, check_rules, make_quotas, override_rules
from edgekit_runtime.regions import check_region_options, prepare_regions
from edgekit_runtime.result_building import find_defects, make_class_results, make_mask_results, take_masks
from edgekit_runtime.results import Result
from edgekit_runtime.zones import blank_zones


class _Opened(NamedTuple):
    """What an open detector answers with."""

    bundle: Bundle
    backend: Backend
    execution: Execution
    rules: VerdictRules
    quotas: Quotas


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
        rules: What verdicts follow; the bundle's where omitted.
        min_area_px: Smaller regions of any class do not count and are left out, in place of every least area of the
            rules; the rules' where omitted.
        connectivity: 8 (diagonal pixels belong together) or 4; the rules' where omitted.
        exit_policy: Decides which rows an early exit answers; the bundle's thresholds by default.
        clock: Seconds of a steady clock, for `latency_ms`.

    Raises:
        UsageProblem: If there is no such device or backend, or a number is out of its range. What depends on
            the bundle (thresholds, rules) or on this machine (is the device there?) is refused by `open`, and an
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
        rules: VerdictRules | None = None,
        min_area_px: int | None = None,
        connectivity: int | None = None,
        exit_policy: ExitPolicy | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        check_region_options(
            8 if connectivity is None else connectivity, 0 if min_area_px is None else min_area_px
        )
        check_backend(backend)
        self._source = bundle
        self._backend_choice = backend
        self._options = BackendOptions(parse_device(device), threads)
        self._thresholds = dict(thresholds or {})
        self._asked_rules = rules
        self._min_area_px = min_area_px
        self._connectivity = connectivity
        self._exit_policy = exit_policy
        self._clock = clock
        self._opened: _Opened | None = None
        self.state = State.NEW

    @property
    def bundle(self) -> Bundle:
        """The opened bundle, while the detector is READY."""
        return self._require_ready().bundle

    @property
    def manifest(self) -> Manifest:
        """The bundle's manifest, while the detector is READY."""
        return self.bundle.manifest

    @property
    def backend(self) -> Backend:
        """The open backend, while the detector is READY."""
        return self._require_ready().backend

    @property
    def rules(self) -> VerdictRules:
        """The rules that verdicts follow, while the detector is READY."""
        return self._require_ready().rules

    def open(self) -> None:
        """Read the bundle and load its stages; afterwards the detector is READY.

        Raises:
            UsageProblem: If it was opened before, there is no bundle, or a threshold or a rule does not fit it.
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
        resolve_thresholds(bundle.manifest, self._thresholds)
        rules = self._choose_rules(bundle.manifest)
        quotas = make_quotas(rules, bundle.manifest.model.classes, bundle.manifest.input.mm_per_pixel)
        if bundle.manifest.model.task == "segment":
            prepare_regions()
        backend = open_backend(self._backend_choice, bundle, self._options)
        execution = Execution(backend, bundle.manifest, self._thresholds)
        self._opened = _Opened(bundle, backend, execution, rules, quotas)
        self.state = State.READY

    def close(self) -> None:
        """Free what the detector holds; may be called again."""
        if self._opened is not None:
            self._opened.backend.close()
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
            frame: uint8 or uint16 (H, W) or (H, W, 3), as the bundle's input contract says: of its size, no larger
                where its fit is "pad", of any size where it is "tile".

        Returns:
            The answer; mask and regions are those of the frame as it was given. The probabilities of a bundle that
            classifies are those of the padded frame, as in training.

        Raises:
            FrameError: If the frame is not what the contract asks for.
            UsageProblem: If the detector is not READY.
        """
        opened = self._require_ready()
        started = self._clock()
        return self._answer(opened, prepare_frame(frame, opened.bundle.manifest.input), started, None)[0]

    def run_batch(self, frames: object, *, exit_policy: ExitPolicy | None = None) -> tuple[Result, ...]:
        """Answer frames together, in their order.

        Args:
            frames: Array (N, H, W[, 3]) of such frames, or a sequence of them, whose sizes may differ where the
                bundle's fit is "pad" or "tile".
            exit_policy: For this batch, in place of the detector's own.

        Raises:
            FrameError: If there is no frame, or one is not what the contract asks for.
            UsageProblem: If the detector is not READY, or the policy does not fit the batch.
        """
        opened = self._require_ready()
        started = self._clock()
        return self._answer(opened, prepare_batch(frames, opened.bundle.manifest.input), started, exit_policy)

    def find_probabilities(self, frames: object) -> npt.NDArray[np.float32]:
        """Return what every exit thinks of every frame, float32 (N, exits, classes): nothing is answered early.

        This is what exit thresholds are chosen on, and what exits are compared by.

        Args:
            frames: As for `run_batch`, and as many as there are: they run one part after the other.

        Raises:
            FrameError: If there is no frame, or one is not what the contract asks for.
            UsageProblem: If the detector is not READY, or its bundle segments.
        """
        opened = self._require_ready()
        manifest = opened.bundle.manifest
        if manifest.model.task != "classify":
            raise UsageProblem(
                "The bundle segments frames; it gives no probabilities.",
                remedy="Use run_batch or find_masks.",
            )
        batch = prepare_batch(frames, manifest.input)
        return opened.execution.run_every_exit(batch.frames)

    def find_masks(self, tiles: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Return the masks of tiles, uint8 (N, h, w), without zones, regions or verdicts: for whoever joins them.

        Args:
            tiles: uint8 or uint16 (N, h, w) or (N, h, w, 3) of the graph's size, converted as the bundle's pixels say
                (`pixels.convert_frame`).

        Raises:
            UsageProblem: If the detector is not READY, or its bundle classifies.
            FrameError: If the tiles are of another size or type.
        """
        opened = self._require_ready()
        manifest = opened.bundle.manifest
        if manifest.mask_output is None:
            raise UsageProblem("The bundle classifies frames; it gives no masks.", remedy="Use run_batch.")
        contract = manifest.input
        if tiles.shape[1:] != contract.frame_shape or tiles.dtype != contract.pixels.frame_type:
            raise FrameError(
                f"Tiles of this bundle are {contract.pixels.frame_type} (N, "
                f"{', '.join(map(str, contract.frame_shape))}); got {tiles.dtype} {tiles.shape}."
            )
        frames = widen(tiles, contract.pixels)
        return opened.execution.run(frames).outputs[manifest.mask_output]

    def _choose_rules(self, manifest: Manifest) -> VerdictRules:
        """Return the bundle's rules with what was asked for in their place."""
        rules = override_rules(
            manifest.rules if self._asked_rules is None else self._asked_rules,
            connectivity=self._connectivity,
            min_area_px=self._min_area_px,
        )
        check_rules(rules, manifest)
        return rules

    def _require_ready(self) -> _Opened:
        if self._opened is None:
            raise UsageProblem(
                f"The detector is {self.state.value}, not ready.",
                remedy="Use it as `with Detector(bundle) as detector: result = detector(frame)`.",
            )
        return self._opened

    def _answer(
        self, opened: _Opened, batch: Batch, started: float, exit_policy: ExitPolicy | None
    ) -> tuple[Result, ...]:
        manifest, backend, rules, quotas = opened.bundle.manifest, opened.backend, opened.rules, opened.quotas
        policy = exit_policy if exit_policy is not None else self._exit_policy
        answer = opened.execution.run(batch.frames, policy)
        if manifest.model.task == "classify":
            elapsed_ms = self._elapsed_ms(started)
            return make_class_results(answer, manifest, backend=backend.name, latency_ms=elapsed_ms)
        masks = [blank_zones(mask, rules.zones) for mask in take_masks(answer, manifest, batch.sizes)]
        least = min(quota.least_px for quota in quotas.values())
        regions = [
            find_defects(mask, manifest, connectivity=rules.connectivity, min_area_px=least) for mask in masks
        ]
        elapsed_ms = self._elapsed_ms(started)
        return make_mask_results(
            masks, regions, manifest, backend=backend.name, latency_ms=elapsed_ms, quotas=quotas
        )

    def _elapsed_ms(self, started: float) -> float:
        return (self._clock() - started) * 1e3
