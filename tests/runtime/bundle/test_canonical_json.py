import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_runtime.bundle.canonical_json import (
    MAX_BYTES,
    MAX_DEPTH,
    JsonError,
    parse_json,
    require_canonical,
    to_canonical_bytes,
)

texts = st.text(st.characters(exclude_categories=["Cs"]))
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(documents)
def test_what_is_written_is_read_back_and_is_canonical(document: Any) -> None:
    raw = to_canonical_bytes(document)
    parsed = parse_json(raw)
    assert parsed == document
    require_canonical(raw, parsed)


@settings(deadline=None)
@given(documents, st.randoms())
def test_the_order_of_keys_does_not_change_the_bytes(document: Any, random: Any) -> None:
    def shuffle(data: Any) -> Any:
        if isinstance(data, dict):
            items = [(key, shuffle(value)) for key, value in data.items()]
            random.shuffle(items)
            return dict(items)
        return [shuffle(item) for item in data] if isinstance(data, list) else data

    assert to_canonical_bytes(shuffle(document)) == to_canonical_bytes(document)


def test_the_form_is_the_documented_one() -> None:
    assert to_canonical_bytes({"b": [1, 2.5], "a": "é"}) == (
        '{\n  "a": "é",\n  "b": [\n    1,\n    2.5\n  ]\n}\n'.encode()
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"\xff{}", "not UTF-8 at byte 0"),
        (b'{"a": 1, "b": 2, "a": 1}', "'a' twice"),
        (b'[{"a": 1, "a": 1}]', "'a' twice"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e999]", "beyond 64-bit floats"),
        (b"[9223372036854775808]", "64 bits"),
        (b"[" + b"9" * 100_000 + b"]", "64 bits"),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), "nested"),
        (b"[" * 400_000, "nested"),
        (b'{"a":' * 150_000, "nested"),
        (b" " * MAX_BYTES + b"{}", "at most"),
    ],
)
def test_hostile_documents_are_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(JsonError, match=reason):
        parse_json(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1}',
        b'{\n  "a": 1\n}',
        b'{\n  "a": 1\n}\n\n',
        b'{\r\n  "a": 1\r\n}\r\n',
        b'{\n  "b": 1,\n  "a": 1\n}\n',
        b'{\n  "\\u0061": 1\n}\n',
        b'{\n  "a": 1.00\n}\n',
        b'{\n  "a": -0\n}\n',
    ],
)
def test_other_forms_of_a_document_are_refused(raw: bytes) -> None:
    with pytest.raises(JsonError, match="canonical"):
        require_canonical(raw, parse_json(raw))


def test_half_of_a_surrogate_pair_has_no_canonical_form() -> None:
    with pytest.raises(JsonError):
        require_canonical(b'"\\ud800"\n', parse_json(b'"\\ud800"\n'))


@pytest.mark.parametrize(
    "data", [{1: 2}, {"a": {1, 2}}, [float("nan")], [float("inf")], [2**63], [b"bytes"], "x" * MAX_BYTES]
)
def test_what_could_not_be_read_is_not_written(data: Any) -> None:
    with pytest.raises(JsonError):
        to_canonical_bytes(data)


def test_the_deepest_allowed_nesting_passes() -> None:
    document: Any = 1
    for _ in range(MAX_DEPTH):
        document = [document]
    assert parse_json(json.dumps(document).encode()) == document
