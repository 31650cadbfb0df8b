"""The names of YOLO's classes, in the forms that tools write, and the refusal of all others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data.layouts.yolo_names import read_class_names, read_yaml_names
from edgekit_runtime.errors import DatasetError

FORMS = {
    "a list in one line": "names: [hole, 'deep scratch', \"dent, large\"]",
    "a list over lines": "names: [\n  hole,\n  'deep scratch',   # the long ones\n  \"dent, large\",\n]\nnc: 3",
    "dashes": "names:\n  - hole\n  - deep scratch\n\n  - 'dent, large'\nval: images/val",
    "dashes without indent": "nc: 3\nnames:\n- hole\n- deep scratch # comment\n- dent, large\n",
    "a map": "names:\n  0: hole\n  1: deep scratch\n  2: dent, large\ntrain: images/train\n",
    "a map in any order": "names:\n  2: dent, large\n  0: hole\n  1: deep scratch\n",
    "a map in one line": "names: {0: hole, 1: deep scratch, 2: 'dent, large'}",
    "a quoted key": "# classes\n'names': [hole, deep scratch, 'dent, large']",
    "windows": "path: ..\r\nnames:\r\n  0: hole\r\n  1: deep scratch\r\n  2: dent, large\r\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_that_tools_write(tmp_path: Path, form: str) -> None:
    path = tmp_path / "data.yaml"
    path.write_bytes(FORMS[form].encode())
    assert read_yaml_names(path) == ["hole", "deep scratch", "dent, large"]


def test_quotes_within_quotes(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_text("""names: ['operator''s "mark"', "it's", 3D]""")
    assert read_yaml_names(path) == ['operator\'s "mark"', "it's", "3D"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nc: 3",
        "names:",
        "names: []",
        "names: hole",
        "names: [hole",
        "names: [hole}",
        "names: [[hole]]",
        "names: [hole, , scratch]",
        "names: [hole, 'scratch]",
        'names: [hole, "scr\\natch"]',
        "names: [&a hole, *a]",
        "names: !!python/tuple [hole]",
        "names: |\n  hole\n  scratch",
        "names: {hole: 0, scratch: 1}",
        "names: {0: hole, 2: scratch}",
        "names: {0: hole, 0: scratch}",
        "names:\n  0: hole\n  scratch",
        "names:\n  - hole\n  scratch",
        "names:\n  - - hole",
        "names:\n  - a: b",
        "names: [hole]\nnames: [scratch]",
        "names: ['a\x07b']",
        "names:\n  99999999999: hole",
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.yaml"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"data\.yaml") as caught:
        read_yaml_names(path)
    assert "names: [" in caught.value.remedy


safe_names = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn", "Co", "Cf", "Zs")), min_size=1
)


@settings(deadline=None)
@given(st.lists(safe_names, min_size=1, max_size=5))
def test_any_names_in_single_quotes_are_read(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    quoted = ["'" + name.replace("'", "''") + "'" for name in names]
    path.write_text(f"names: [{', '.join(quoted)}]\n", encoding="utf-8")
    assert read_yaml_names(path) == names


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(f"names: {text}".encode())
    try:
        names = read_yaml_names(path)
    except DatasetError:
        return
    assert names
    assert all(name and name.isprintable() for name in names)


def test_a_list_of_classes_has_one_per_line(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_bytes(b"\xef\xbb\xbfhole\r\ndeep scratch\r\n\r\n")
    assert read_class_names(path) == ["hole", "deep scratch"]
    for content in (b"", b"hole\n\nscratch", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=r"classes\.txt"):
            read_class_names(path)
