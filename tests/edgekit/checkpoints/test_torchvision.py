"""torchvision's published files: accepted as they are, refused where they are not what was named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.checkpoints import load_network
from edgekit.checkpoints.torchvision import IMAGENET, PUBLISHED, import_torchvision_weights
from edgekit.models import MODELS, build_model
from edgekit_export.exportable import Normalisation
from edgekit_runtime.errors import CheckpointError, UsageProblem
from tests.edgekit.checkpoints.test_authors import Opener
from tests.edgekit.models.published import NAMES, digest_names, fill_with_noise

MODEL = "shufflenet-v2-0.5"
THOUSAND = [f"class {number}" for number in range(1000)]

State = dict[str, torch.Tensor]


def make_published(model: str = MODEL) -> State:
    """Return a state dict with exactly the published names and shapes."""
    with torch.device("meta"):
        shapes = build_model(MODELS.get(model).for_classes(THOUSAND)).state_dict()
    state = fill_with_noise({name: torch.empty_like(tensor, device="cpu") for name, tensor in shapes.items()})
    assert digest_names(state) == NAMES[model]
    return state


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shufflenetv2_x0.5.pth"
    torch.save(make_published(), path)
    return path


def import_file(path: Path, **changes: Any) -> Any:
    return import_torchvision_weights(path, **{"model": MODEL, "new_head": True, **changes})


def test_every_model_with_published_names_can_be_imported() -> None:
    assert PUBLISHED.keys() == NAMES.keys()


def test_the_published_classifier_comes_over_whole(file: Path) -> None:
    record, weights, fresh = import_file(file, classes=THOUSAND, normal_class="class 7", new_head=False)
    assert (record.model, record.provenance, record.normal_class, fresh) == (
        MODEL,
        "imported",
        "class 7",
        (),
    )
    assert record.classes == tuple(THOUSAND)
    assert (
        record.normalisation == IMAGENET == Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 255.0)
    )
    published = make_published()
    assert weights.keys() == published.keys()
    assert all(torch.equal(weights[name], tensor) for name, tensor in published.items())
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    original = build_model(MODELS.get(MODEL).for_classes(THOUSAND)).eval()
    original.load_state_dict(published)
    with torch.no_grad():
        assert torch.equal(load_network(record, weights)(image), original(image))


def test_a_fresh_head_is_named_seeded_and_marked_untrained(file: Path) -> None:
    record, weights, fresh = import_file(file, classes=["good", "hole"], normal_class="good", seed=3)
    assert fresh == ("fc.bias", "fc.weight")
    # A bundle of it must not pass for one that can judge.
    assert record.provenance == "untrained"
    assert (record.classes, record.normal_class) == (("good", "hole"), "good")
    published = make_published()
    assert torch.equal(weights["conv5.0.weight"], published["conv5.0.weight"])
    assert weights["fc.weight"].shape == (2, 1024)
    again, other = (import_file(file, classes=["good", "hole"], seed=seed)[1] for seed in (3, 4))
    assert torch.equal(again["fc.weight"], weights["fc.weight"])
    assert not torch.equal(other["fc.weight"], weights["fc.weight"])


@pytest.mark.slow
def test_resnet50_comes_over_with_the_models_own_classes(tmp_path: Path) -> None:
    torch.save(make_published("resnet50"), tmp_path / "resnet50.pth")
    record, weights, fresh = import_file(tmp_path / "resnet50.pth", model="resnet50")
    assert (record.classes, record.normal_class) == (MODELS.get("resnet50").classes, "normal")
    assert fresh == ("fc.bias", "fc.weight")
    assert torch.equal(
        weights["layer4.2.bn3.running_var"], make_published("resnet50")["layer4.2.bn3.running_var"]
    )


def test_mobilenet_comes_over_and_only_its_last_layer_may_stay_fresh(tmp_path: Path) -> None:
    path = tmp_path / "mobilenet_v3_large.pth"
    published = make_published("mobilenet-v3-large")
    torch.save(published, path)
    record, weights, fresh = import_file(path, model="mobilenet-v3-large")
    assert (record.provenance, fresh) == ("untrained", ("classifier.3.bias", "classifier.3.weight"))
    assert torch.equal(weights["classifier.0.weight"], published["classifier.0.weight"])
    whole = import_file(path, model="mobilenet-v3-large", classes=THOUSAND, new_head=False)
    assert (whole[0].provenance, whole[2]) == ("imported", ())
    with pytest.raises(CheckpointError, match="answers 1000 classes"):
        import_file(path, model="mobilenet-v3-large", new_head=False)


def test_files_from_before_batches_were_counted_are_read(tmp_path: Path) -> None:
    published = make_published()
    old = {name: tensor for name, tensor in published.items() if not name.endswith("num_batches_tracked")}
    assert len(old) < len(published)
    torch.save(old, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    _, weights, fresh = import_file(tmp_path / "a.pth", classes=THOUSAND, new_head=False)
    assert fresh == ()
    assert weights.keys() == published.keys()
    assert all(torch.equal(weights[name], tensor) for name, tensor in old.items())


def test_another_number_of_classes_is_refused_without_a_new_head(file: Path) -> None:
    with pytest.raises(
        CheckpointError, match="answers 1000 classes; the checkpoint has 2: good, hole"
    ) as caught:
        import_file(file, classes=["good", "hole"], new_head=False)
    assert "--new-head" in caught.value.remedy


def lose_a_layer(state: State) -> None:
    del state["stage3.5.branch2.4.running_mean"]


def gain_a_layer(state: State) -> None:
    state["stage2.4.branch2.0.weight"] = torch.zeros(24, 24, 1, 1)


def widen_a_layer(state: State) -> None:
    state["conv5.0.weight"] = torch.zeros(2048, 192, 1, 1)


def spoil_a_number(state: State) -> None:
    state["conv1.0.weight"][0, 0, 0, 0] = float("inf")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lose_a_layer, r"1 missing, such as stage3\.5\.branch2\.4\.running_mean"),
        (gain_a_layer, r"1 unknown, such as stage2\.4\.branch2\.0\.weight"),
        (widen_a_layer, r"conv5\.0\.weight has the shape \(2048, 192, 1, 1\), expected \(1024, 192, 1, 1\)"),
        (spoil_a_number, r"conv1\.0\.weight holds NaN or infinite"),
    ],
)
def test_spoilt_files_are_refused(tmp_path: Path, spoil: Callable[[State], None], words: str) -> None:
    state = make_published()
    spoil(state)
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=words):
        import_file(tmp_path / "a.pth")


def test_the_file_of_another_model_is_refused(file: Path) -> None:
    with pytest.raises(CheckpointError, match="do not belong to resnet50"):
        import_file(file, model="resnet50")


def test_a_larger_models_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    torch.save({"layer4.weight": torch.zeros(11_000_000)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="at most"):
        import_file(tmp_path / "a.pth")


@pytest.mark.parametrize(
    "content", [{}, {"model": {"fc.bias": torch.zeros(3)}}, [torch.zeros(3)], {"fc.bias": 3}]
)
def test_other_content_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="holds no state dict"):
        import_file(tmp_path / "a.pth")


def test_code_in_the_file_does_not_run(tmp_path: Path) -> None:
    torch.save({**make_published(), "x": Opener(tmp_path / "trap")}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="more than plain weights"):
        import_file(tmp_path / "a.pth")
    assert not (tmp_path / "trap").exists()


def test_models_that_torchvision_does_not_have_are_refused(file: Path) -> None:
    words = r"of unet; it does of resnet50, mobilenet-v3-large, shufflenet-v2-0\.5, and of the backbones of dinet,"
    with pytest.raises(UsageProblem, match=words):
        import_file(file, model="unet")
    # 4, 4, 5 and 3 bottlenecks: its backbone is not ResNet-50's.
    with pytest.raises(UsageProblem, match="no weights of dinet-table1"):
        import_file(file, model="dinet-table1")


@pytest.mark.parametrize("classes", [["one"], ["a", "a"], ["a", " "], []])
def test_class_names_that_make_no_sense_are_refused(file: Path, classes: list[str]) -> None:
    with pytest.raises(UsageProblem, match="two or more classes with different names"):
        import_file(file, classes=classes)


def test_the_normal_class_is_one_of_the_classes(file: Path) -> None:
    with pytest.raises(UsageProblem, match="'fine' is none of good, hole"):
        import_file(file, classes=["good", "hole"], normal_class="fine")


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((0.5,), (0.2,)),
        ((0.5, 0.5, 0.5), (0.2, 0.2)),
        ((124.0, 116.0, 104.0), (0.2, 0.2, 0.2)),
        ((0.5, 0.5, 0.5), (0.2, 0.0, 0.2)),
        ((0.5, 0.5, float("nan")), (0.2, 0.2, 0.2)),
        ((0.5, 0.5, 0.5), (0.2, float("nan"), 0.2)),
    ],
)
def test_mean_and_std_are_three_numbers_in_units_of_full_scale(
    file: Path, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    with pytest.raises(UsageProblem, match="three numbers each"):
        import_file(file, normalisation=Normalisation(mean, std))
