"""How large a bundle's regions are on known images, at a threshold, and which of its settings that is about."""

from __future__ import annotations

import numpy as np

from edgekit.choosing.known_images import KnownImages
from edgekit.choosing.operating_points import Sweep
from edgekit.evaluation.predictors import predict_with_detector
from edgekit.reporting import Reporter
from edgekit_runtime.backends import BackendFactory
from edgekit_runtime.bundle import Bundle, ClassRule
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import FrameError, UsageProblem
from edgekit_runtime.regions import find_regions

AREA = 4
"""Column of `find_regions`."""


class AreaMeter:
    """Runs a bundle on every image at a threshold; frames are fitted, tiled and blanked by `Detector` alone.

    Args:
        bundle: Segments, with one threshold on a logit and one class of defect.
        images: What it is run on.
        device: See `Detector`.
        backend: The same.
        threads: The same.
        reporter: Where progress goes.

    Attributes:
        backend: What ran it; None before the first call.

    Raises:
        UsageProblem: If the bundle is not such a one.
    """

    def __init__(
        self,
        bundle: Bundle,
        images: KnownImages,
        *,
        device: str = "auto",
        backend: str | BackendFactory = "auto",
        threads: int | None = None,
        reporter: Reporter,
    ) -> None:
        self._bundle, self._images, self._reporter = bundle, images, reporter
        self._name, self._allowed = find_threshold(bundle), find_rule(bundle).max_regions
        self._device, self._choice, self._threads = device, backend, threads
        self.backend: str | None = None

    def __call__(self, threshold: float) -> Sweep:
        """Return the deciding areas at a threshold.

        Raises:
            FrameError: If an image does not fit the bundle's contract; the message names it.
        """
        images = self._images
        areas = np.zeros(len(images.defective), np.int64)
        detector = Detector(
            self._bundle,
            device=self._device,
            backend=self._choice,
            threads=self._threads,
            thresholds={self._name: threshold},
        )
        with detector, self._reporter.progress(f"threshold {threshold:g}", len(areas)) as advance:
            self.backend = detector.backend.name
            for index in range(len(areas)):
                areas[index] = self._measure(detector, index)
                advance()
        normal, half = ~images.defective, images.sizes.prod(axis=1) // 2
        return Sweep(
            threshold=threshold,
            defective=areas[images.defective],
            normal=areas[normal],
            flooded=float((areas >= half)[normal].mean()),
            largest=max(int(half.min()), 1),
        )

    def _measure(self, detector: Detector, index: int) -> int:
        """Return an image's deciding area in px."""
        try:
            mask = predict_with_detector(detector)(self._images.load(index)).mask
        except FrameError as error:
            name = self._images.dataset.items[index].name
            raise FrameError(f"{name}: {error.message}", remedy=error.remedy) from error
        assert mask is not None  # `find_rule` has refused what does not segment
        found = np.sort(find_regions(mask, connectivity=detector.rules.connectivity)[:, AREA])
        return int(found[-1 - self._allowed]) if len(found) > self._allowed else 0


def find_threshold(bundle: Bundle) -> str:
    """Return the name of the one threshold on a logit.

    Raises:
        UsageProblem: If the bundle has none, or several, or not one class of defect.
    """
    find_label(bundle)
    names = [threshold.name for threshold in bundle.manifest.thresholds if threshold.kind == "logit"]
    if len(names) != 1:
        raise UsageProblem(
            f"The bundle has {len(names)} thresholds on a logit; one can be chosen.",
            remedy="Name a bundle that answers defect or background for every pixel.",
        )
    return names[0]


def find_label(bundle: Bundle) -> str:
    """Return the one class of defect.

    Raises:
        UsageProblem: If the bundle classifies, or tells several kinds of defect apart.
    """
    model = bundle.manifest.model
    if model.task == "classify":
        raise UsageProblem(
            f"{bundle.path.name} classifies: it has no threshold on a logit and no regions.",
            remedy="Name a bundle that segments.",
        )
    kinds = [label for label in model.classes if label != model.normal_class]
    if len(kinds) != 1:
        raise UsageProblem(
            f"{bundle.path.name} tells {len(kinds)} kinds of defect apart ({', '.join(kinds)}): one threshold cannot "
            "be chosen for all.",
            remedy="Name a bundle that answers defect or background for every pixel.",
        )
    return kinds[0]


def find_rule(bundle: Bundle) -> ClassRule:
    """Return the rule that the bundle's one class of defect is judged by; errors as for `find_label`."""
    return bundle.manifest.rules.rule_for(find_label(bundle))
