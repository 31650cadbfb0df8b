import pytest

from edgekit_runtime.bundle.names import find_name_fault, find_names_fault, list_folders


@pytest.mark.parametrize(
    "name",
    ["main.onnx", "a", "_x", "golden/0/mask.npy", "cheapnet-s.v1_2.onnx", "golden/manifest.json", "a" * 100],
)
def test_plain_names_pass(name: str) -> None:
    assert find_name_fault(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../x",
        "a/./x",
        "/etc/passwd",
        "//x",
        "a//x",
        "a/",
        "a\\b",
        "c:x",
        ".hidden",
        "a/.hidden",
        "trailing.",
        "-rf",
        "Main.onnx",
        "a b",
        "a\nb",
        "a\n",
        "a\x00b",
        "ä.onnx",
        "main.onnx\u202e",
        "٣.onnx",
        "a/b/c/d",
        "a" * 101,
        "manifest.json",
    ],
)
def test_names_that_leave_hide_or_mean_two_things_are_refused(name: str) -> None:
    assert find_name_fault(name) is not None


def test_a_file_cannot_be_a_folder_too() -> None:
    assert find_names_fault(["a", "b/c", "b/d/e"]) is None
    assert "'b'" in (find_names_fault(["a", "b", "b/c"]) or "")
    assert "manifest.json/x" in (find_names_fault(["manifest.json/x"]) or "")


def test_folders_include_those_that_hold_only_folders() -> None:
    assert list_folders(["main.onnx", "a/b/c"]) == {"a", "a/b"}
