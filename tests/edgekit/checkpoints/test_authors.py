"""The authors' checkpoint format: accepted where it is sound, refused where it is not, and never executed."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from edgekit.checkpoints import load_network
from edgekit.checkpoints.authors import import_authors_weights
from edgekit.models import MODELS, build_model
from edgekit_runtime.errors import CheckpointError, UsageProblem


def state_of(model: str = "cheapnet-s") -> dict[str, torch.Tensor]:
    return build_model(MODELS.get(model), seed=4).state_dict()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An authors-style file of cheapnet-s."""
    path = tmp_path / "best.pth"
    torch.save({"CheapNet": state_of()}, path)
    return path


def import_file(path: Path, model: str = "cheapnet-s", mean: float = 0.348, std: float = 0.278):
    return import_authors_weights(path, model=model, mean=mean, std=std)


@pytest.mark.parametrize("model", ["cheapnet-s", "cheapnet-g8", "cheapnet-std-g4"])
def test_a_sound_file_gives_the_same_network(tmp_path: Path, model: str) -> None:
    torch.save({"CheapNet": state_of(model), "epoch": 3}, tmp_path / "a.pth")
    record, weights = import_file(tmp_path / "a.pth", model)
    assert (record.model, record.provenance, record.training, record.data) == (model, "imported", None, None)
    assert (record.normalisation.mean, record.normalisation.std) == ((0.348,), (0.278,))
    image = torch.randn(1, 1, 32, 32)
    original = build_model(MODELS.get(model), seed=4).eval()
    with torch.no_grad():
        assert torch.equal(load_network(record, weights)(image), original(image))


def test_the_old_torch_format_is_read(tmp_path: Path) -> None:
    torch.save({"CheapNet": state_of()}, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    assert not zipfile.is_zipfile(tmp_path / "a.pth")
    assert torch.equal(
        import_file(tmp_path / "a.pth")[1]["encoder1.0.weight"], state_of()["encoder1.0.weight"]
    )


def test_the_prefix_of_data_parallel_is_removed(tmp_path: Path) -> None:
    torch.save({"CheapNet": {f"module.{k}": v for k, v in state_of().items()}}, tmp_path / "a.pth")
    assert import_file(tmp_path / "a.pth")[1].keys() == state_of().keys()


def test_two_tensors_of_one_name_are_refused(tmp_path: Path) -> None:
    state = state_of()
    state["module.encoder1.0.weight"] = state["encoder1.0.weight"] + 1
    torch.save({"CheapNet": state}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"encoder1\.0\.weight"):
        import_file(tmp_path / "a.pth")


@pytest.mark.parametrize("model", ["cheapnet-m", "cheapnet-g4", "cheapnet-std-s"])
def test_another_model_is_refused(file: Path, model: str) -> None:
    with pytest.raises(CheckpointError, match=f"do not belong to {model}") as caught:
        import_file(file, model)
    assert "model" in caught.value.remedy


def spoil_by_missing(state: dict[str, torch.Tensor]) -> None:
    del state["output.1.running_var"]


def spoil_by_extra(state: dict[str, torch.Tensor]) -> None:
    state["decoder5.0.weight"] = torch.zeros(1)


def spoil_by_shape(state: dict[str, torch.Tensor]) -> None:
    state["output.0.weight"] = torch.zeros(1, 5, 1, 1)


def spoil_by_nan(state: dict[str, torch.Tensor]) -> None:
    state["bottleneck.1.running_mean"][1] = float("nan")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_by_missing, r"1 missing, such as output\.1\.running_var"),
        (spoil_by_extra, r"1 unknown, such as decoder5\.0\.weight"),
        (spoil_by_shape, r"output\.0\.weight has the shape \(1, 5, 1, 1\), expected \(1, 4, 1, 1\)"),
        (spoil_by_nan, r"bottleneck\.1\.running_mean holds NaN"),
    ],
)
def test_spoilt_tensors_are_refused(
    tmp_path: Path, spoil: Callable[[dict[str, torch.Tensor]], None], words: str
) -> None:
    state = state_of()
    spoil(state)
    torch.save({"CheapNet": state}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=words):
        import_file(tmp_path / "a.pth")


def test_tensors_without_numbers_are_refused(tmp_path: Path) -> None:
    torch.save({"CheapNet": {k: v.to("meta") for k, v in state_of().items()}}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="no plain numbers"):
        import_file(tmp_path / "a.pth")


@pytest.mark.parametrize(
    "content",
    [
        {"net": {}},
        {"CheapNet": [1, 2]},
        {"CheapNet": {"encoder1.0.weight": 3}},
        [1, 2],
        torch.zeros(3),
    ],
    ids=["other key", "a list", "a number for a tensor", "no dict", "a tensor"],
)
def test_other_content_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="no state dict under the key 'CheapNet'"):
        import_file(tmp_path / "a.pth")


class Opener:
    """Pickles as a call: whoever unpickles it without protection creates the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_the_file_does_not_run(tmp_path: Path, zipped: bool) -> None:
    trap = tmp_path / "trap"
    path = tmp_path / "a.pth"
    torch.save({"CheapNet": state_of(), "x": Opener(trap)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="more than plain weights") as caught:
        import_file(path)
    assert not trap.exists()
    # torch's own message advises to load the file without protection; ours must not pass that on.
    assert "weights_only" not in caught.value.message + caught.value.remedy
    torch.load(path, weights_only=False)["x"].close()
    assert trap.exists(), "the trap does not work, so the test above shows nothing"


def test_a_bare_pickle_does_not_run(tmp_path: Path) -> None:
    trap, path = tmp_path / "trap", tmp_path / "a.pth"
    path.write_bytes(pickle.dumps(Opener(trap), protocol=2))
    with pytest.raises(CheckpointError):
        import_file(path)
    assert not trap.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x80\x04.", b"\x80\x02}q\x00.", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + bytes(40)],
)
def test_files_that_torch_did_not_write_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.pth"):
        import_file(tmp_path / "a.pth")


@pytest.mark.parametrize("seed", range(20))
def test_damaged_bytes_are_refused_or_read(file: Path, seed: int) -> None:
    # Whatever is flipped or cut: a CheckpointError, or weights; never another exception.
    generator = torch.Generator().manual_seed(seed)
    blob = bytearray(file.read_bytes())
    if seed % 4 == 0:
        del blob[int(torch.randint(len(blob), (1,), generator=generator)) :]
    else:
        for position in torch.randint(len(blob), (40,), generator=generator).tolist():
            blob[position] ^= 0xFF
    file.write_bytes(blob)
    try:
        assert import_file(file)[1].keys() == state_of().keys()
    except CheckpointError as error:
        assert "\n" not in error.message


def test_a_file_larger_than_the_model_explains_is_refused(tmp_path: Path) -> None:
    torch.save({"CheapNet": {**state_of(), "x": torch.zeros(2_000_000)}}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="at most"):
        import_file(tmp_path / "a.pth")


def test_a_zip_bomb_is_refused_before_it_unpacks(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            target.writestr(
                entry.filename, content + bytes(60 << 20) if "data/0" in entry.filename else content
            )
    assert path.stat().st_size < 1 << 20
    with pytest.raises(CheckpointError, match="unpacks to"):
        import_file(path)


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        (-0.1, 0.2),
        (1.1, 0.2),
        (0.5, 0.0),
        (0.5, -0.2),
        (0.5, 1.5),
        (88.7, 70.9),
        (float("nan"), 0.2),
        (0.5, float("nan")),
        (float("inf"), 0.2),
    ],
)
def test_mean_and_std_must_be_in_units_of_full_scale(file: Path, mean: float, std: float) -> None:
    with pytest.raises(UsageProblem, match="0 to 1"):
        import_file(file, mean=mean, std=std)


def test_an_unknown_model_is_refused(file: Path) -> None:
    with pytest.raises(UsageProblem, match="cheapnet-s"):
        import_file(file, "cheapnet_s")


def test_paths_that_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        import_file(tmp_path / "nowhere.pth")
    with pytest.raises(CheckpointError):
        import_file(tmp_path)


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="no file"):
        import_file(tmp_path / "pipe")
