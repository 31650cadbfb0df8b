"""Run exported defect detectors: frames in, defects out. Needs NumPy alone.

from edgekit_runtime import Detector

with Detector("cheapnet-s.edgekit") as detector:
    result = detector(frame)  # uint8 (H, W)
    print(result.verdict, result.reason)
"""

from edgekit_runtime.bundle import Bundle, ClassRule, Manifest, PixelFormat, VerdictRules, Zone
from edgekit_runtime.detector import Detector
from edgekit_runtime.errors import (
    ArtefactRefused,
    BundleFormatError,
    BundleIntegrityError,
    BundleSchemaError,
    CheckpointError,
    DatasetError,
    DepthError,
    DeviceUnavailable,
    EdgekitError,
    EnvironmentMismatch,
    FrameError,
    GateFailed,
    IoFault,
    MaskError,
    MissingDependency,
    TrainingDiverged,
    UnusableInput,
    UsageProblem,
)
from edgekit_runtime.exits import ExitPolicy, ReplayExits, ThresholdExits, skip_exits
from edgekit_runtime.platforms import describe_platform
from edgekit_runtime.regions import find_regions, name_regions, prepare_regions
from edgekit_runtime.results import Region, Result
from edgekit_runtime.verification import Check, VerificationReport, verify_bundle

__all__ = [
    "ArtefactRefused",
    "Bundle",
    "BundleFormatError",
    "BundleIntegrityError",
    "BundleSchemaError",
    "Check",
    "CheckpointError",
    "ClassRule",
    "DatasetError",
    "DepthError",
    "Detector",
    "DeviceUnavailable",
    "EdgekitError",
    "EnvironmentMismatch",
    "ExitPolicy",
    "FrameError",
    "GateFailed",
    "IoFault",
    "Manifest",
    "MaskError",
    "MissingDependency",
    "PixelFormat",
    "Region",
    "ReplayExits",
    "Result",
    "ThresholdExits",
    "TrainingDiverged",
    "UnusableInput",
    "UsageProblem",
    "VerdictRules",
    "VerificationReport",
    "Zone",
    "__version__",
    "describe_platform",
    "find_regions",
    "name_regions",
    "prepare_regions",
    "skip_exits",
    "verify_bundle",
]


def __getattr__(name: str) -> str:
    # Reading package metadata takes tens of milliseconds, which most imports need not pay.
    if name == "__version__":
        import importlib.metadata

        try:
            return importlib.metadata.version("edgekit")
        except importlib.metadata.PackageNotFoundError:
            return "0+unknown"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
