"""The bundle, the only thing the runtime reads: a directory whose manifest vouches for every byte in it."""

from edgekit_runtime.bundle.contract import BATCH, InputContract, PixelFormat, TensorInfo
from edgekit_runtime.bundle.manifest import (
    SCHEMA_NAME,
    SCHEMA_VERSION,
    CalibrationInfo,
    DataInfo,
    EngineInfo,
    ExitInfo,
    FileInfo,
    GoldenSample,
    LayerInfo,
    LoweringInfo,
    Manifest,
    ModelInfo,
    OperationInfo,
    ParityCheck,
    ProgramInfo,
    Provenance,
    SplitInfo,
    StageInfo,
    ThresholdInfo,
    TuningInfo,
)
from edgekit_runtime.bundle.names import BUNDLE_SUFFIX, MANIFEST_FILE
from edgekit_runtime.bundle.npy import array_bytes
from edgekit_runtime.bundle.npz import arrays_bytes
from edgekit_runtime.bundle.reader import Bundle
from edgekit_runtime.bundle.rules import ClassRule, VerdictRules, Zone
from edgekit_runtime.bundle.writer import write_bundle

__all__ = [
    "BATCH",
    "BUNDLE_SUFFIX",
    "MANIFEST_FILE",
    "SCHEMA_NAME",
    "SCHEMA_VERSION",
    "Bundle",
    "CalibrationInfo",
    "ClassRule",
    "DataInfo",
    "EngineInfo",
    "ExitInfo",
    "FileInfo",
    "GoldenSample",
    "InputContract",
    "LayerInfo",
    "LoweringInfo",
    "Manifest",
    "ModelInfo",
    "OperationInfo",
    "ParityCheck",
    "PixelFormat",
    "ProgramInfo",
    "Provenance",
    "SplitInfo",
    "StageInfo",
    "TensorInfo",
    "ThresholdInfo",
    "TuningInfo",
    "VerdictRules",
    "Zone",
    "array_bytes",
    "arrays_bytes",
    "write_bundle",
]
