"""The manifest: everything about a bundle that its graphs do not say themselves.

Schema `edgekit.bundle/1`. The classes below are the schema: `decoding.decode` builds them from JSON and refuses
unknown keys, missing keys and values of another type, so that a manifest means the same to every reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

SCHEMA_NAME = "edgekit.bundle"
SCHEMA_VERSION = 1

Task = Literal["segment", "classify"]
Channels = Literal["grey", "rgb", "bgr"]
Fit = Literal["refuse", "pad", "tile"]
Precision = Literal["fp32", "fp16", "int8", "binary"]
ProvenanceKind = Literal["trained", "imported", "demo", "untrained"]

BATCH = "N"
"""The symbol that stands for the batch in a tensor's shape."""


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
class TensorInfo:
    """A graph input or output; shape entries are sizes or "N" for the batch."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class InputContract:
    """Which frames the bundle accepts."""

    name: str
    channels: Channels
    dtype: Literal["uint8", "int32"]
    bits: int
    scale: float
    """The grey value that the network sees as 1.0, such as 255."""
    height: int
    width: int
    multiple: int
    """Sides must be multiples of this for the network."""
    fit: Fit
    """What happens to a frame of another size: "pad" takes smaller ones, padded below and to the right."""
    batch: int | None
    """Frames per run of the graph; None where it is dynamic."""
    mm_per_pixel: float | None

    @property
    def rows(self) -> int | str:
        """First size of every tensor that has a row per frame: the fixed batch, else "N"."""
        return BATCH if self.batch is None else self.batch

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame: (H, W) for grey, (H, W, 3) for colour."""
        size = (self.height, self.width)
        return size if self.channels == "grey" else (*size, 3)

    @property
    def graph_input(self) -> TensorInfo:
        """What the first stage takes: a batch of frames."""
        return TensorInfo(self.name, self.dtype, (self.rows, *self.frame_shape))

    @property
    def mask_shape(self) -> tuple[int | str, ...]:
        """Shape of a batch of masks: (batch, H, W)."""
        return (self.rows, self.height, self.width)


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
    """A stage as operations for the `fused` backend: uint8 frame in, mask = not (logit < threshold) out."""

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
    """npy file of the frame, uint8 (H, W) or (H, W, 3)."""
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
    golden: tuple[GoldenSample, ...]
    provenance: Provenance
    data: DataInfo | None
    parity: tuple[ParityCheck, ...]
    versions: dict[str, str]
    files: dict[str, FileInfo]
    lowering: LoweringInfo | None = None
    """None in fp32."""

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
