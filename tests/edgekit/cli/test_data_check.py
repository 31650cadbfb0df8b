"""`edgekit data check`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.edgekit.conftest import RunCli


@pytest.fixture
def folder(image_folder: Path, tmp_path: Path) -> Path:
    """Twelve images that may be spoilt."""
    return shutil.copytree(image_folder, tmp_path / "plates")


def test_words_for_people(run_cli: RunCli, image_folder: Path) -> None:
    result = run_cli("data", "check", image_folder, "--quiet")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("folder:plates (images/ and masks/): 12 images\n")
    assert "12 defective, 0 defect-free" in result.out
    assert "note     No image is defect-free." in result.out


def test_one_document_for_programs(run_cli: RunCli, image_folder: Path) -> None:
    result = run_cli("data", "check", image_folder, "--json")
    document = json.loads(result.out)
    assert (result.code, document["schema"]) == (0, "edgekit.data-check/1")
    assert document["images"]["total"] == 12
    assert document["similar_pairs"] == []


def test_comparing_can_be_left_out(run_cli: RunCli, image_folder: Path) -> None:
    document = json.loads(run_cli("data", "check", image_folder, "--json", "--no-duplicates").out)
    assert document["similar_pairs"] is None


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_image_that_cannot_be_read_gives_the_whole_report_and_code_8(
    run_cli: RunCli, folder: Path, tmp_path: Path, form: tuple[str, ...]
) -> None:
    (folder / "images" / "plate-03.png").write_bytes(b"hello")
    (folder / "masks" / "plate-05.png").write_bytes(b"")
    result = run_cli("data", "check", folder, *form, "--out", tmp_path / "report")
    assert result.code == 8
    assert "edgekit: 2 of 12 images cannot be used." in result.err
    assert (tmp_path / "report" / "index.html").is_file()
    for name in ("plate-03", "plate-05"):
        assert f"{name} cannot be used." in result.out
    if form:
        assert [entry["name"] for entry in json.loads(result.out)["unreadable"]] == ["plate-03", "plate-05"]


@pytest.mark.parametrize("place", [".", "report", "images/../report"])
def test_a_page_never_lies_among_the_images(run_cli: RunCli, folder: Path, place: str) -> None:
    """A folder per class would have one class more, report, with the contact sheet as its image."""
    before = sorted(folder.rglob("*"))
    run_cli("data", "check", folder, "--out", folder / place).refused(2, "lies in the data")
    assert sorted(folder.rglob("*")) == before


def test_defect_free_images_are_always_looked_at(run_cli: RunCli, tmp_path: Path) -> None:
    few = ("--style", "dagm", "--class", 1, "--count", 2, "--normal", 3, "--size", "64x64", "--quiet")
    assert run_cli("data", "synth", tmp_path / "set", *few).code == 0
    document = json.loads(run_cli("data", "check", tmp_path / "set", "--json").out)
    assert (document["images"]["defective"], document["images"]["normal"]) == (2, 3)
    assert document["layout"] == "DAGM 2007"


def test_the_page_is_named(run_cli: RunCli, image_folder: Path, tmp_path: Path) -> None:
    result = run_cli("data", "check", image_folder, "--out", tmp_path / "report")
    assert result.err == f"page: {tmp_path / 'report' / 'index.html'}\n"


def test_a_folder_in_no_layout(run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("data", "check", tmp_path).refused(8, "no layout")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "images", "shares"),
    [
        ("magnetic-tile", 1080, {"blowhole": 0.0021, "break": 0.043, "fray": 0.171, "uneven": 0.239}),
        ("neu-seg", 721, {"inclusion": 0.058, "scratches": 0.069, "patches": 0.223}),
    ],
)
def test_real_sets_have_the_shares_that_are_known_of_them(
    run_cli: RunCli, real_data: Path, name: str, images: int, shares: dict[str, float]
) -> None:
    document = json.loads(run_cli("data", "check", real_data / name, "--json", "--no-duplicates").out)
    assert document["images"]["total"] == images
    found = {kind["name"]: kind["mean_share"] for kind in document["kinds"]}
    # The figures are of the whole sets, of which a part is here.
    assert {kind: found[kind] for kind in shares} == pytest.approx(shares, rel=0.2)
