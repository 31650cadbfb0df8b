"""What all tests share: real images where there are some, and a small good bundle of each task without ONNX.

A stage's bytes are opaque to the bundle format, hence bundles that no backend could run.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Before torch, NumPy or ONNX Runtime start their threads: tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Kernels are compiled once for all tests, and nothing is left in the user's own state folder.
os.environ["EDGEKIT_STATE"] = str(Path(__file__).resolve().parents[1] / ".pytest_cache" / "edgekit-state")

import numpy as np
import pytest

from edgekit_runtime.bundle import (
    BATCH,
    Bundle,
    ClassRule,
    DataInfo,
    ExitInfo,
    GoldenSample,
    InputContract,
    Manifest,
    ModelInfo,
    ParityCheck,
    PixelFormat,
    Provenance,
    SplitInfo,
    StageInfo,
    TensorInfo,
    ThresholdInfo,
    VerdictRules,
    array_bytes,
    write_bundle,
)

HEIGHT, WIDTH = 8, 16

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images: EDGEKIT_DATA, by default ../shared/data beside the repository."""
    folder = REPOSITORY / os.environ.get("EDGEKIT_DATA", "../shared/data")
    if not folder.is_dir():
        pytest.skip(f"no real images: {folder} is no folder (set EDGEKIT_DATA)")
    return folder


@pytest.fixture(scope="session")
def segment_manifest() -> Manifest:
    """One stage, one threshold, one golden sample."""
    return Manifest(
        schema="edgekit.bundle/2",
        name="plain",
        model=ModelInfo("plain", "segment", ("background", "scratch"), "background", "none", 12),
        input=InputContract("image", PixelFormat(), HEIGHT, WIDTH, 8, "refuse", 0, 4, None, 0.1),
        precision="fp32",
        stages=(
            StageInfo(
                name="main",
                file="main.onnx",
                inputs=(
                    TensorInfo("image", "uint8", (BATCH, HEIGHT, WIDTH)),
                    TensorInfo("threshold", "float32", ()),
                ),
                outputs=(TensorInfo("mask", "uint8", (BATCH, HEIGHT, WIDTH)),),
                carries=(),
                exit=None,
                macs=1000,
                weight_bytes=48,
            ),
        ),
        thresholds=(ThresholdInfo("threshold", "main", "logit", 0.0),),
        rules=VerdictRules(others=ClassRule(min_area_px=2)),
        golden=(
            GoldenSample(
                "sample", "golden/frame.npy", {"mask": "golden/mask.npy"}, {"threshold": 0.5}, 0.25, 3
            ),
        ),
        provenance=Provenance("demo", "ab" * 32, "for tests", {"recipe": "quick", "losses": [1.5, 0.25]}),
        data=DataInfo(
            "synthetic:dagm/6",
            False,
            False,
            "cd" * 32,
            {"test": "ef" * 32},
            split=SplitInfo(0, {"test": 0.3}, None, None, "a" * 64),
        ),
        parity=(ParityCheck("values", True, "0 of 128 pixels differ"),),
        versions={"edgekit": "0.1.0"},
        files={},
    )


@pytest.fixture(scope="session")
def segment_files() -> dict[str, bytes]:
    """The files of `segment_manifest`."""
    frame = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH)
    return {
        "main.onnx": b"\x08\x0a a graph, for all that the format knows",
        "golden/frame.npy": array_bytes(frame),
        "golden/mask.npy": array_bytes((frame > 95).astype(np.uint8)),
    }


@pytest.fixture(scope="session")
def classify_manifest(segment_manifest: Manifest) -> Manifest:
    """Two stages with an exit each; the first carries a feature map to the second."""
    features = TensorInfo("features", "float32", (BATCH, 4, 2, 4))

    def stage(name: str, inputs: tuple[TensorInfo, ...], carried: tuple[TensorInfo, ...]) -> StageInfo:
        probabilities = TensorInfo(f"{name}_probabilities", "float32", (BATCH, 3))
        return StageInfo(
            name=name,
            file=f"stages/{name}.onnx",
            inputs=inputs,
            outputs=(*carried, probabilities),
            carries=tuple(tensor.name for tensor in carried),
            exit=ExitInfo(probabilities.name, 0.9),
            macs=10,
            weight_bytes=10,
        )

    first = stage("exit1", (TensorInfo("image", "uint8", (BATCH, HEIGHT, WIDTH)),), (features,))
    return Manifest(
        schema="edgekit.bundle/2",
        name="staged",
        model=ModelInfo("staged", "classify", ("good", "hole", "stain"), "good", "none", 12),
        input=segment_manifest.input,
        precision="fp32",
        stages=(first, stage("exit2", (features,), ())),
        thresholds=(),
        rules=VerdictRules(),
        golden=(),
        provenance=Provenance("untrained", "ab" * 32, "", None),
        data=None,
        parity=(),
        versions={},
        files={},
    )


@pytest.fixture(scope="session")
def classify_files() -> dict[str, bytes]:
    """The files of `classify_manifest`."""
    return {"stages/exit1.onnx": b"one", "stages/exit2.onnx": b"two"}


@pytest.fixture(scope="session")
def _segment_original(
    tmp_path_factory: pytest.TempPathFactory, segment_manifest: Manifest, segment_files: dict[str, bytes]
) -> Path:
    folder = tmp_path_factory.mktemp("original")
    return write_bundle(folder / "plain.edgekit", segment_manifest, segment_files).path


@pytest.fixture
def segment_bundle(tmp_path: Path, _segment_original: Path) -> Bundle:
    """A good bundle on the disk, in a folder of its own: "bundles/plain.edgekit"."""
    # Copied, because writing waits for the disk.
    path = shutil.copytree(_segment_original, tmp_path / "bundles" / "plain.edgekit")
    return Bundle.open(path)
