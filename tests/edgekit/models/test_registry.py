"""The registry: duplicates, near names, bounded families, lazy building."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from edgekit.models import MODELS, ModelFamily, ModelRegistry, ModelSpec, build_model
from edgekit_runtime.errors import UsageProblem

SPEC = MODELS.get("cheapnet-s")


def make_family(pattern: str = "toy-<N>") -> ModelFamily:
    return ModelFamily(pattern, lambda number: replace(SPEC, name=f"toy-{number}"), largest=8)


def test_a_name_is_registered_once() -> None:
    registry = ModelRegistry()
    registry.add(SPEC)
    with pytest.raises(ValueError, match="registered twice"):
        registry.add(replace(SPEC, paper="another"))
    assert registry.get(SPEC.name) is SPEC


def test_a_family_is_registered_once() -> None:
    registry = ModelRegistry()
    registry.add_family(make_family())
    with pytest.raises(ValueError, match="registered twice"):
        registry.add_family(make_family())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("cheapnet_s", "cheapnet-s"),
        ("cheapnets", "cheapnet-s"),
        ("cheepnet-m", "cheapnet-m"),
        ("cheapnet-st-l", "cheapnet-std-l"),
    ],
)
def test_near_names_are_suggested(typed: str, meant: str) -> None:
    with pytest.raises(UsageProblem, match=meant) as caught:
        MODELS.get(typed)
    assert "edgekit models" in caught.value.remedy


def test_a_far_name_lists_them_all() -> None:
    with pytest.raises(UsageProblem) as caught:
        MODELS.get("zzz")
    for name in ("cheapnet-s", "cheapnet-std-l", "cheapnet-g<N>"):
        assert name in str(caught.value)


@pytest.mark.parametrize("width", [1, 7, 4096])
def test_families_give_any_width(width: int) -> None:
    spec = MODELS.get(f"cheapnet-g{width}")
    assert spec.name == f"cheapnet-g{width}"
    assert spec.arguments == {"width": width, "depthwise": True}
    assert MODELS.get(f"cheapnet-std-g{width}").arguments == {"width": width, "depthwise": False}


@pytest.mark.parametrize(
    "name",
    [
        "cheapnet-g0",
        "cheapnet-g99999999",
        "cheapnet-g4097",
        "cheapnet-g-2",
        "cheapnet-g02",
        "cheapnet-g2.5",
        "cheapnet-g٣",
        "cheapnet-g",
        "cheapnet-g<N>",
        "CHEAPNET-S",
        "cheapnet-g2\n",
        "",
    ],
)
def test_families_are_bounded(name: str) -> None:
    with pytest.raises(UsageProblem):
        MODELS.get(name)
    assert name not in MODELS


def test_too_wide_says_how_wide_it_may_be() -> None:
    with pytest.raises(UsageProblem, match="4096"):
        MODELS.get("cheapnet-g4097")


def test_known_names_are_members() -> None:
    assert "cheapnet-s" in MODELS
    assert "cheapnet-g17" in MODELS
    assert 17 not in MODELS


def test_entries_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        SPEC.name = "other"  # type: ignore[misc]


def test_iteration_gives_the_named_models_in_the_order_of_the_catalogue() -> None:
    assert [spec.name for spec in MODELS] == [
        "cheapnet-s",
        "cheapnet-m",
        "cheapnet-l",
        "cheapnet-std-s",
        "cheapnet-std-m",
        "cheapnet-std-l",
        "unet",
        "unet-32",
        "resnet50",
        "dinet",
        "dinet-a",
        "dinet-table1",
        "mobilenet-v3-large",
        "mobile-di",
        "shufflenet-v2-0.5",
    ]
    assert MODELS.patterns == ("cheapnet-g<N>", "cheapnet-std-g<N>")
    assert all(isinstance(spec, ModelSpec) for spec in MODELS)


def test_without_a_seed_the_callers_random_state_decides() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        first = build_model(SPEC).state_dict()
        second = build_model(SPEC).state_dict()
        torch.manual_seed(11)
        again = build_model(SPEC).state_dict()
    key = "encoder1.0.weight"
    assert torch.equal(first[key], again[key])
    assert not torch.equal(first[key], second[key])


def test_a_classifier_has_one_output_per_class_and_its_normal_class_where_it_is_among_them() -> None:
    spec = MODELS.get("resnet50")
    assert (spec.normal_class, spec.arguments["classes"]) == ("normal", len(spec.classes))
    with_normal = spec.for_classes(["hole", "normal"])
    assert (with_normal.arguments["classes"], with_normal.normal_class) == (2, "normal")
    assert spec.for_classes(["good", "bad", "ugly"]).normal_class is None
    assert MODELS.get("shufflenet-v2-0.5").normal_class is None


def test_a_segmenting_networks_normal_class_is_the_first() -> None:
    assert MODELS.get("unet").for_classes(["steel", "scratch"]).normal_class == "steel"
