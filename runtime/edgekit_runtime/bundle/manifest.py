"""The manifest: everything about a bundle that its graphs do not say themselves.

Schema `edgekit.bundle/2`. The classes below and those of `contract` and `rules` are the schema: `decoding.decode`
builds them from JSON and refuses unknown keys, missing keys and values of another type, so that a manifest means the
same to every reader.

A release reads one schema, its own. A newer bundle is refused, naming the newer release; an older one is refused,
naming `edgekit upgrade`, which writes a bundle of this schema from one of the schema before it (`upgrading`). Nothing
is upgraded in memory: one bundle has one digest, one signature and one meaning, whoever reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from edgekit_runtime.bundle.contract import InputContract, TensorInfo
from edgekit_runtime.bundle.rules import VerdictRules

SCHEMA_NAME = "edgekit.bundle"
SCHEMA_VERSION = 2

Task = Literal["segment", "classify"]
Precision = Literal["fp32", "fp16", "int8", "binary"]
ProvenanceKind = Literal["trained", "imported", "demo", "untrained"]


@dataclass(frozen=True)
class ModelInfo:
    """Which network the bundle holds."""

    name: str
    task: Task
    classes: tuple[str, ...]
    """Names by class index; index 0 is the background (segment)."""
    normal_class: str | None
    """The class of a frame or pixel without defect; None where every class is a defect: every frame is rejected."""
    paper: str
    parameters: int


@dataclass(frozen=True)
class ExitInfo:
    """Where a stage may answer."""

    output: str
    """Output that holds the class probabilities, float32 (N, classes)."""
    threshold: float
    """The stage answers rows whose largest probability is at least this."""


OperationKind = Literal["convolution", "transposed", "head"]


@dataclass(frozen=True)
class OperationInfo:
    """One operation of a program; it gives the tensor of its own name.

    Every convolution is 3×3 with zero padding 1, is followed by a bias and a LeakyReLU, and works channel by channel:

    - "convolution": of the frame (1 to any number of channels), or of one tensor, depthwise. Stride 1 or 2.
    - "transposed": of one tensor or of two that are concatenated, stride 2, output padding 1, as many groups as
      channels. Each channel takes one or two neighbouring channels of its input.
    - "head": 1×1 over all channels of one or two concatenated tensors of the frame's size, one channel: the logit.

    Weights, float32, in the program's file: NAME.weight and NAME.bias (channels,). The weight of a convolution is
    (channels, 3, 3), of a transposed one (channels, inputs per channel, 3, 3), of the head (input channels,).
    """

    name: str
    kind: OperationKind
    inputs: tuple[str, ...]
    """"frame", or names of operations before this one, in the order of their concatenation."""
    channels: int
    stride: int
    negative_slope: float
    """Of the LeakyReLU: 1 for none, 0 for ReLU."""


@dataclass(frozen=True)
class ProgramInfo:
    """A stage as operations for the `fused` backend: grey frame in, mask = not (logit < threshold) out."""

    weights: str
    """npz file of the weights, normalisation and BatchNorm folded into them."""
    frame_shift: float
    """Subtracted from every grey value before the first operation; the border is zero after that."""
    operations: tuple[OperationInfo, ...]
    """In an order in which they can run; the last one is the head."""


@dataclass(frozen=True)
class EngineInfo:
    """A stage compiled for GPUs. An engine is code: it is handed to a device only where all of this fits."""

    file: str
    builder: Literal["tensorrt-rtx"]
    version: str
    """Of the builder; no other release loads the engine."""
    targets: tuple[int, ...]
    """Compute capabilities that it was compiled for, such as 86 for SM 8.6."""
    min_batch: int
    tuned_batch: int
    """Frames per run that it is fastest with."""
    max_batch: int


@dataclass(frozen=True)
class StageInfo:
    """One graph of the bundle, run in the order of the manifest."""

    name: str
    file: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    carries: tuple[str, ...]
    """Outputs that are inputs of the next stage."""
    exit: ExitInfo | None
    macs: int
    """Multiply-accumulates for one frame (rule `macs`), counted before any rewrite."""
    weight_bytes: int
    program: ProgramInfo | None = None
    """The stage for the `fused` backend; None where it has no such form."""
    engines: tuple[EngineInfo, ...] = ()
    """The stage compiled when it was exported."""

    @property
    def answers(self) -> tuple[TensorInfo, ...]:
        """Outputs that reach the caller: those that no later stage takes."""
        return tuple(tensor for tensor in self.outputs if tensor.name not in self.carries)


@dataclass(frozen=True)
class ThresholdInfo:
    """A scalar graph input that the mask depends on: mask = not (logit < threshold)."""

    name: str
    stage: str
    kind: Literal["logit"]
    default: float


@dataclass(frozen=True)
class GoldenSample:
    """A frame with the outputs that the exporter saw for it."""

    name: str
    frame: str
    """npy file of the frame as a camera gives it: uint8 or, deeper, uint16 (H, W) or (H, W, 3). The runtime checks and
    widens it like any other."""
    outputs: dict[str, str]
    """Output name → npy file."""
    thresholds: dict[str, float]
    positive_fraction: float | None
    undecided_px: int
    """Pixels whose logit lies within rounding of the threshold: they may differ between backends."""


@dataclass(frozen=True)
class Provenance:
    """Where the weights come from."""

    kind: ProvenanceKind
    weights_sha256: str
    note: str
    training: dict[str, Any] | None
    """Recipe, schedule, seed and metrics of the training, where known."""


@dataclass(frozen=True)
class SplitInfo:
    """How data were split into parts: enough to split them again, and to see whether the parts are the same."""

    seed: int
    fractions: dict[str, float] | None
    """Part → share of the groups; None for folds."""
    folds: int | None
    """Number of folds; None where the split is by fractions."""
    fold: int | None
    """Which fold is the test part, from 0."""
    sha256: str
    """Of the names in each part."""


@dataclass(frozen=True)
class DataInfo:
    """Which data the weights were trained on, and how they were split: enough to find the same test part again."""

    name: str
    include_normal: bool | None
    """Whether defect-free images were taken; None where that was left to the layout."""
    boxes_as_masks: bool
    """Whether boxes were taken for pixel masks."""
    fingerprint: str
    parts: dict[str, str]
    """Part ("train", "val", "test") → fingerprint."""
    split: SplitInfo


@dataclass(frozen=True)
class ParityCheck:
    """One row of the parity table that export printed."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class LayerInfo:
    """One layer of a graph below fp32 whose precision was decided on."""

    stage: str
    name: str
    """Of the node."""
    operation: str
    """ONNX operator, such as "Conv"."""
    precision: Precision
    sqnr_db: float | None
    """Signal-to-quantisation-noise ratio of the stage's outputs with this layer alone in int8, the sensitivity; None
    where it was not measured."""
    reason: str
    """Why it is left in a higher precision; "" where it is not."""


@dataclass(frozen=True)
class CalibrationInfo:
    """Which images the ranges of int8 come from."""

    method: Literal["percentile", "entropy", "max"]
    data: str
    fingerprint: str
    images: int


@dataclass(frozen=True)
class LoweringInfo:
    """How the graphs came to a precision below fp32."""

    rest: Literal["fp32", "fp16"]
    """Precision of what is no layer of `layers`."""
    layers: tuple[LayerInfo, ...]
    """int8: every layer that could be quantised. fp16: the layers that stay in fp32."""
    calibration: CalibrationInfo | None


@dataclass(frozen=True)
class TuningInfo:
    """Which images the thresholds and rules were chosen on, and what they did there (`edgekit calibrate`)."""

    data: str
    fingerprint: str
    goal: str
    """What was asked for, in words, such as "escape at most 0.5 %"."""
    defective_images: int
    escapes: int
    """Of the defective images, those that were accepted."""
    normal_images: int
    overkills: int
    """Of the defect-free images, those that were rejected."""


@dataclass(frozen=True)
class FileInfo:
    """What a file of the bundle must be."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """The whole manifest, as stored in manifest.json."""

    schema: str
    name: str
    model: ModelInfo
    input: InputContract
    precision: Precision
    stages: tuple[StageInfo, ...]
    thresholds: tuple[ThresholdInfo, ...]
    rules: VerdictRules
    golden: tuple[GoldenSample, ...]
    provenance: Provenance
    data: DataInfo | None
    parity: tuple[ParityCheck, ...]
    versions: dict[str, str]
    files: dict[str, FileInfo]
    lowering: LoweringInfo | None = None
    """None in fp32."""
    tuning: TuningInfo | None = None
    """None where thresholds and rules are what export or a person set."""

    @property
    def answers(self) -> tuple[TensorInfo, ...]:
        """Outputs of all stages that reach the caller."""
        return tuple(tensor for stage in self.stages for tensor in stage.answers)

    @property
    def mask_output(self) -> str | None:
        """Name of the last stage's mask, uint8 (batch, H, W); None unless there is exactly one."""
        form = ("uint8", self.input.mask_shape)
        found = [tensor.name for tensor in self.stages[-1].answers if (tensor.dtype, tensor.shape) == form]
        return found[0] if len(found) == 1 else None
