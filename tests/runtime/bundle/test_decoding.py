import dataclasses
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_runtime.bundle.canonical_json import parse_json, to_canonical_bytes
from edgekit_runtime.bundle.decoding import DecodingError, decode, encode
from edgekit_runtime.bundle.manifest import Manifest

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
integers = st.integers(-(2**63) + 1, 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: integers,
    float: floats,
    bool: st.booleans(),
    types.NoneType: st.none(),
    Any: st.recursive(
        st.none() | st.booleans() | integers | floats | texts,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
        max_leaves=3,
    ),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type hint, derived independently of the decoder."""
    if hint in PLAIN:
        return PLAIN[hint]
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{name: values_of(field) for name, field in hints.items()})
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(texts, values_of(arguments[1]), max_size=2)
    assert origin in (typing.Union, types.UnionType), hint
    return st.one_of([values_of(argument) for argument in arguments])


@settings(deadline=None, max_examples=60)
@given(values_of(Manifest))
def test_every_manifest_survives_the_round_trip_through_bytes(manifest: Manifest) -> None:
    raw = to_canonical_bytes(encode(manifest))
    assert decode(Manifest, parse_json(raw), "manifest") == manifest


@dataclass(frozen=True)
class Inner:
    count: int
    share: float


@dataclass(frozen=True)
class Outer:
    name: str
    flag: bool
    kind: Literal["a", "b"]
    inner: Inner | None
    shape: tuple[int | str, ...]
    by_name: dict[str, Inner]
    anything: Any


GOOD: dict[str, Any] = {
    "name": "x",
    "flag": True,
    "kind": "a",
    "inner": {"count": 1, "share": 0.5},
    "shape": [1, "N"],
    "by_name": {"k": {"count": 2, "share": 3}},
    "anything": [{"free": None}],
}


def test_integers_become_floats_where_floats_are_meant() -> None:
    outer = decode(Outer, GOOD, "it")
    assert outer.shape == (1, "N")
    assert outer.anything == [{"free": None}]
    assert type(outer.by_name["k"].share) is float


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": 1}, "it.name must be str, got 1"),
        ({"name": None}, "it.name must be str, got null"),
        ({"flag": 1}, "it.flag must be bool, got 1"),
        ({"flag": "true"}, "it.flag must be bool"),
        ({"kind": "c"}, "it.kind must be one of 'a', 'b', got 'c'"),
        ({"kind": ["a"]}, "it.kind must be one of"),
        ({"inner": []}, "it.inner must be Inner, got a list"),
        ({"inner": {"count": True, "share": 0.5}}, "it.inner.count must be int, got true"),
        ({"inner": {"count": 1.0, "share": 0.5}}, "it.inner.count must be int, got 1.0"),
        ({"inner": {"count": 1, "share": False}}, "it.inner.share must be float, got false"),
        ({"inner": {"count": 1, "share": "0.5"}}, "it.inner.share must be float"),
        ({"inner": {"count": 1, "share": float("nan")}}, "it.inner.share must be finite"),
        ({"inner": {"count": 1, "share": 10**400}}, "it.inner.share must be finite"),
        ({"inner": {"count": 1}}, "it.inner lacks the key 'share'"),
        ({"inner": {"count": 1, "share": 1, "more": 1}}, "it.inner has the unknown key 'more'"),
        ({"shape": "1N"}, "it.shape must be .*, got '1N'"),
        ({"shape": {"0": 1}}, "it.shape must be .*, got an object"),
        ({"shape": [1, None]}, r"it.shape\[1\] must be int \| str, got null"),
        ({"shape": [True]}, r"it.shape\[0\] must be int \| str, got true"),
        ({"by_name": [["k", 1]]}, "it.by_name must be"),
        ({"by_name": {"k": {"count": None, "share": 1}}}, r"it.by_name\['k'\].count must be int, got null"),
        ({"unknown\x1b[2J": 1}, r"it has the unknown key 'unknown\\x1b\[2J'"),
    ],
)
def test_wrong_data_are_refused_with_their_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(DecodingError, match=f"^{place}"):
        decode(Outer, {**GOOD, **change}, "it")


@pytest.mark.parametrize("key", sorted(GOOD))
def test_every_key_is_needed(key: str) -> None:
    with pytest.raises(DecodingError, match=f"it lacks the key '{key}'"):
        decode(Outer, {name: value for name, value in GOOD.items() if name != key}, "it")


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(DecodingError) as caught:
        decode(Outer, {**GOOD, "flag": "x" * 100_000, "y" * 100_000: 1}, "it")
    assert len(str(caught.value)) < 200


def test_a_hint_without_a_json_form_is_a_defect_of_the_caller() -> None:
    @dataclass(frozen=True)
    class Odd:
        field: set[int]

    with pytest.raises(TypeError, match="no JSON form"):
        decode(Odd, {"field": []}, "it")


@dataclasses.dataclass(frozen=True)
class Grown:
    """A record to which a later release added a field."""

    epochs: int
    patience: int | None = None
    tags: dict[str, str] = dataclasses.field(default_factory=dict)


def test_a_key_may_be_missing_where_its_field_has_a_default():
    assert decode(Grown, {"epochs": 3}, "run") == Grown(3)
    with pytest.raises(DecodingError, match="run lacks the key 'epochs'"):
        decode(Grown, {"patience": 2}, "run")


def test_what_later_releases_added_to_the_manifest_alone_may_be_missing():
    """What bundles of the first release did not know: they read on. All else that is missing is a fault."""
    from edgekit_runtime.bundle import contract, manifest, rules

    values = [value for module in (contract, manifest, rules) for value in vars(module).values()]
    classes = {value for value in values if dataclasses.is_dataclass(value)}
    fields = {(cls.__name__, field.name): field for cls in classes for field in dataclasses.fields(cls)}
    assert len(fields) > 50
    missing = dataclasses.MISSING
    optional = {
        name
        for name, field in fields.items()
        if field.default is not missing or field.default_factory is not missing
    }
    # What a person may write by hand, and what not every bundle has.
    rule_classes = {name for name in fields if name[0] in ("PixelFormat", "ClassRule", "VerdictRules")}
    assert optional == rule_classes | {
        *(("Zone", "y1"), ("Zone", "y2")),
        *(("StageInfo", "program"), ("StageInfo", "engines")),
        *(("Manifest", "lowering"), ("Manifest", "tuning")),
    }
