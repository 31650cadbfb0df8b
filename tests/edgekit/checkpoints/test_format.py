"""The checkpoint directory: what comes back, what is refused, and that nothing is half-written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from edgekit.checkpoints import Checkpoint, load_checkpoint, load_network, save_checkpoint
from edgekit.checkpoints.format import RECORD_FILE, WEIGHTS_FILE, current_versions, load_weights
from edgekit.models import MODELS, build_model
from edgekit_export.exportable import Normalisation
from edgekit_runtime.bundle import DataInfo, PixelFormat, SplitInfo
from edgekit_runtime.errors import CheckpointError, UsageProblem
from tests.edgekit.conftest import make_checkpoint
from tests.edgekit.records import make_record

RECORD = Checkpoint(
    model="cheapnet-s",
    classes=("background", "scratch"),
    normal_class="background",
    normalisation=Normalisation((0.348,), (0.278,)),
    provenance="trained",
    training={"recipe": {"name": "cheapnet", "milestones": [60, 90]}, "seed": 3, "epoch": 2},
    data=DataInfo(
        "folder:plates",
        None,
        False,
        "ab" * 32,
        {"train": "cd" * 32},
        SplitInfo(3, {"train": 0.7, "val": 0.1, "test": 0.2}, None, None, "ef" * 32),
    ),
    metrics={"miou": 0.5, "iou": {"background": None, "scratch": 0.5}},
    versions=current_versions(),
)


def fresh_weights(seed: int = 0, model: str = "cheapnet-s") -> dict[str, torch.Tensor]:
    return build_model(MODELS.get(model), seed=seed).state_dict()


def edit_record(folder: Path, **changes: Any) -> None:
    path = folder / RECORD_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_round_trip(tmp_path: Path) -> None:
    written = save_checkpoint(tmp_path / "c", RECORD, fresh_weights())
    record, weights = load_checkpoint(tmp_path / "c")
    assert record == written == replace(RECORD, weights_sha256=record.weights_sha256)
    assert weights.keys() == fresh_weights().keys()
    assert all(torch.equal(weights[name], tensor) for name, tensor in fresh_weights().items())


def test_pixels_are_recorded_and_older_records_hold_8_bits(tmp_path: Path) -> None:
    folder = tmp_path / "deep"
    numbers = Normalisation((0.5,), (0.25,), 4095.0)
    save_checkpoint(
        folder, make_record("cheapnet-s", normalisation=numbers, bits=12, grey="bt709"), fresh_weights()
    )
    assert load_checkpoint(folder)[0].pixels == PixelFormat("grey", "bt709", 12, 4095.0)
    record = json.loads((folder / RECORD_FILE).read_text())
    del record["bits"], record["grey"]
    (folder / RECORD_FILE).write_text(json.dumps(record))
    assert load_checkpoint(folder)[0].pixels == PixelFormat("grey", "equal", 8, 4095.0)
    assert make_record("unet").pixels.channels == "rgb"


@pytest.mark.parametrize(
    "change", [{"bits": 0}, {"bits": 17}, {"bits": True}, {"bits": "12"}, {"grey": "luma"}]
)
def test_pixels_that_cannot_be_are_refused(checkpoint_folder: Path, change: dict[str, Any]) -> None:
    edit_record(checkpoint_folder, **change)
    with pytest.raises(CheckpointError, match="no checkpoint record"):
        load_checkpoint(checkpoint_folder)


def test_equal_checkpoints_have_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_checkpoint(tmp_path / name, RECORD, fresh_weights())
    for file in (WEIGHTS_FILE, RECORD_FILE):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_replacing_leaves_the_new_one_alone(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", RECORD, fresh_weights(0), extra_files={"old.bin": b"old"})
    save_checkpoint(tmp_path / "c", RECORD, fresh_weights(1))
    assert {path.name for path in (tmp_path / "c").iterdir()} == {WEIGHTS_FILE, RECORD_FILE}
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    weights = load_checkpoint(tmp_path / "c")[1]
    assert torch.equal(weights["encoder1.0.weight"], fresh_weights(1)["encoder1.0.weight"])


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "dear.jpg").write_bytes(b"dear")
    with pytest.raises(UsageProblem, match="holds other files"):
        save_checkpoint(folder, RECORD, fresh_weights())
    assert (folder / "dear.jpg").read_bytes() == b"dear"


def test_an_empty_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    save_checkpoint(tmp_path / "c", RECORD, fresh_weights())
    load_checkpoint(tmp_path / "c")


def test_there_is_no_pickle_in_it(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", RECORD, fresh_weights())
    json.loads((tmp_path / "c" / RECORD_FILE).read_text())
    load_file(tmp_path / "c" / WEIGHTS_FILE)
    assert {path.name for path in (tmp_path / "c").iterdir()} == {WEIGHTS_FILE, RECORD_FILE}


def test_the_network_comes_in_eval_mode(checkpoint_folder: Path) -> None:
    assert not load_network(*load_checkpoint(checkpoint_folder)).training


def flip_a_byte(folder: Path) -> None:
    blob = bytearray((folder / WEIGHTS_FILE).read_bytes())
    blob[-5] ^= 1
    (folder / WEIGHTS_FILE).write_bytes(blob)


def take_the_weights_of_another(folder: Path) -> None:
    other = make_checkpoint(folder.parent / "other", seed=9)
    (folder / WEIGHTS_FILE).write_bytes((other / WEIGHTS_FILE).read_bytes())


def truncate_the_weights(folder: Path) -> None:
    blob = (folder / WEIGHTS_FILE).read_bytes()
    (folder / WEIGHTS_FILE).write_bytes(blob[: len(blob) // 2])


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped byte": (flip_a_byte, "changed or mixed up"),
    "a mixed-up pair": (take_the_weights_of_another, "changed or mixed up"),
    "half a file": (truncate_the_weights, "changed or mixed up"),
    "no weights": (lambda folder: (folder / WEIGHTS_FILE).unlink(), "no file"),
    "no record": (lambda folder: (folder / RECORD_FILE).unlink(), "no checkpoint"),
    "an empty record": (lambda folder: (folder / RECORD_FILE).write_text(""), "no checkpoint record"),
    "a list for a record": (lambda folder: (folder / RECORD_FILE).write_text("[]"), "no checkpoint record"),
    "deep nesting": (
        lambda folder: (folder / RECORD_FILE).write_text("[" * 200_000),
        "no checkpoint record",
    ),
    "bytes that are no text": (
        lambda folder: (folder / RECORD_FILE).write_bytes(b"\xff\xfe{}"),
        "no checkpoint record",
    ),
    "a newer schema": (lambda folder: edit_record(folder, schema="edgekit.checkpoint/2"), "schema"),
    "a missing key": (lambda folder: edit_record(folder, schema="edgekit.checkpoint/1", data=7), "record"),
    "an unknown model": (lambda folder: edit_record(folder, model="resnet"), "resnet"),
    "an unknown provenance": (lambda folder: edit_record(folder, provenance="stolen"), "stolen"),
    "a mean that is no number": (
        lambda folder: edit_record(folder, normalisation={"mean": ["x"], "std": [1], "scale": 255}),
        "record",
    ),
    "a standard deviation of zero": (
        lambda folder: edit_record(folder, normalisation={"mean": [0.5], "std": [0], "scale": 255}),
        "normalisation",
    ),
    "a mean that is not finite": (
        lambda folder: edit_record(
            folder, normalisation={"mean": [float("nan")], "std": [0.2], "scale": 255}
        ),
        "normalisation",
    ),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_damaged_checkpoints_are_refused(checkpoint_folder: Path, damage: str) -> None:
    inflict, words = DAMAGES[damage]
    inflict(checkpoint_folder)
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(checkpoint_folder)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(CheckpointError, match="no checkpoint"):
            load_checkpoint(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    weights = fresh_weights()
    weights["decoder2.0.weight"][1, 0, 2, 1] = value
    save_checkpoint(tmp_path / "c", RECORD, weights)
    with pytest.raises(CheckpointError, match=r"decoder2\.0\.weight holds NaN or infinite"):
        load_checkpoint(tmp_path / "c")


@pytest.mark.parametrize(
    ("model", "words"), [("cheapnet-m", "shape"), ("cheapnet-std-s", r"decoder1\.0\.weight has the shape")]
)
def test_weights_of_another_model_are_refused(tmp_path: Path, model: str, words: str) -> None:
    folder = make_checkpoint(tmp_path / "c", model="cheapnet-s")
    edit_record(folder, model=model)
    with pytest.raises(CheckpointError, match=f"do not belong to {model}"):
        load_network(*load_checkpoint(folder))


def test_missing_and_unknown_names_are_both_told() -> None:
    network = build_model(MODELS.get("cheapnet-s"), seed=0)
    weights = fresh_weights()
    weights["encoder9.0.weight"] = weights.pop("encoder1.0.weight")
    with pytest.raises(CheckpointError, match=r"1 missing, such as encoder1.*1 unknown, such as encoder9"):
        load_weights(network, weights, model="cheapnet-s")


@pytest.mark.parametrize(
    "convert",
    [
        lambda tensor: tensor.to("meta"),
        lambda tensor: tensor.to_sparse(),
        lambda tensor: tensor.to(torch.complex64),
        lambda tensor: tensor.to(torch.int8),
        lambda tensor: torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8),
    ],
    ids=["meta", "sparse", "complex", "integer", "quantised"],
)
@pytest.mark.filterwarnings("ignore:.*quantiz.*:UserWarning", "ignore:.*quantiz.*:DeprecationWarning")
def test_tensors_that_are_no_plain_numbers_are_refused(
    convert: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    network = build_model(MODELS.get("cheapnet-s"), seed=0)
    weights = fresh_weights()
    weights["encoder1.0.weight"] = convert(weights["encoder1.0.weight"])
    with pytest.raises(CheckpointError, match=r"encoder1\.0\.weight holds no plain numbers"):
        load_weights(network, weights, model="cheapnet-s")


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_other_float_types_are_converted(dtype: torch.dtype) -> None:
    network = build_model(MODELS.get("cheapnet-s"), seed=0)
    weights = {name: t.to(dtype) if t.is_floating_point() else t for name, t in fresh_weights(1).items()}
    load_weights(network, weights, model="cheapnet-s")
    assert network.encoder1[0].weight.dtype == torch.float32


def test_figures_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_checkpoint(tmp_path / "c", replace(RECORD, metrics={"miou": float("nan")}), fresh_weights())
    assert list(tmp_path.iterdir()) == []


def test_a_missing_parent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="nowhere"):
        save_checkpoint(tmp_path / "nowhere" / "c", RECORD, fresh_weights())


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import torch
from edgekit.checkpoints import load_checkpoint, save_checkpoint
from edgekit_runtime.errors import IoFault
folder = Path(sys.argv[1])
record, weights = load_checkpoint(folder)
weights["encoder1.0.weight"] += 1
# Files may not grow beyond 2 kB: writing the weights fails as on a full disk.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    save_checkpoint(folder, record, weights)
except IoFault as error:
    sys.exit(70 + error.exit_code)
"""


@pytest.mark.slow
def test_a_full_disk_keeps_the_old_checkpoint(checkpoint_folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in checkpoint_folder.iterdir()}
    assert len(before[WEIGHTS_FILE]) > 2000
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(checkpoint_folder)], timeout=300)
    assert done.returncode == 77
    assert {path.name: path.read_bytes() for path in checkpoint_folder.iterdir()} == before
    assert [path.name for path in checkpoint_folder.parent.iterdir()] == ["checkpoint"]


def test_weights_with_a_wrong_hash_are_not_parsed(checkpoint_folder: Path) -> None:
    # The hash comes first: what nobody vouches for reaches no parser.
    save_file({"other": torch.zeros(3)}, checkpoint_folder / WEIGHTS_FILE)
    with pytest.raises(CheckpointError, match="mixed up"):
        load_checkpoint(checkpoint_folder)
