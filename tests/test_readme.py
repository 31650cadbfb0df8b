"""The README's own lines, run as printed: a reader's first minutes must not be a surprise."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.cli.main import main
from edgekit.data.synthetic import render
from edgekit.models.table import read_table
from edgekit.shipped import DEMO_BUNDLE, list_shipped_checkpoints

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


def commands(heading: str) -> list[list[str]]:
    """Return the `edgekit …` lines below a heading, as words."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^    (edgekit .*)$", section, flags=re.MULTILINE)
    return [shlex.split(line, comments=True)[1:] for line in lines]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", python_blocks())
def test_python_blocks_run(block: str, folder: Path) -> None:
    shutil.copytree(DEMO_BUNDLE, folder / "cheapnet-s.edgekit")
    exec(compile(block, "README.md", "exec"), {})


def test_commands_that_make_it_fast(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(DEMO_BUNDLE, folder / "cheapnet-s.edgekit")
    lines = commands("How fast")
    assert [line[0] for line in lines] == ["build"]
    for line in lines:
        assert main(line) == 0, line
    assert "ready for the backend fused" in capsys.readouterr().out


def test_the_command_of_the_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(DEMO_BUNDLE, folder / "cheapnet-s.edgekit")
    (line,) = commands("On a line")
    assert main(line) == 0
    assert "4 strips, 0.65 m, 56 tiles" in capsys.readouterr().out  # DI-Net's 14 tiles per 0.1625 m


@pytest.mark.slow
def test_commands_of_the_lower_precisions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = commands("fp16, int8, and engines for RTX cards")
    assert [line[-1] for line in lines] == ["half.edgekit", "int8.edgekit", "rtx.edgekit"]
    assert main(["demo", "--out", "demo"]) == 0
    for line in lines:
        if "--engine" in line:
            pytest.importorskip("tensorrt_rtx", reason="compiling needs TensorRT-RTX (edgekit[tensorrt-rtx])")
        assert main(line) == 0, line
        assert main(["verify", line[-1]]) == 0
    assert "TensorRT-RTX 1.7.1.116 compile check (SM 86, 89, 120)" in capsys.readouterr().err


@pytest.mark.slow
def test_commands_of_the_first_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", "demo"]) == 0
    lines = commands("Run it on images")
    assert [line[0] for line in lines] == ["export", "verify", "detect", "bench"]
    verdicts = {}
    for line in lines:
        assert main(line) == 0, line
        found = re.findall(r"^demo/images/(\w+)-\d\.png: (\w+) ", capsys.readouterr().out, flags=re.MULTILINE)
        verdicts.update(dict.fromkeys(found, True))
    assert set(verdicts) == {("defective", "reject"), ("normal", "accept")}
    assert len(list((folder / "found").glob("*.png"))) == len(list((folder / "demo/images").glob("*.png")))
    assert {
        value
        for path in (folder / "masks").glob("*.png")
        for value in np.unique(np.asarray(Image.open(path)))
    } <= {
        0,
        255,
    }


@pytest.mark.slow
def test_commands_of_looking_and_training_on_ones_own_images(folder: Path) -> None:
    for name in ("images", "masks"):
        (folder / "plates" / name).mkdir(parents=True)
    for index in range(12):
        frame, mask = render(6, index, defective=True, size=(64, 90 + 6 * (index % 2)))
        Image.fromarray(frame).save(folder / f"plates/images/{index:04d}.png")
        Image.fromarray(mask * 255).save(folder / f"plates/masks/{index:04d}.png")
    looking, training = commands("Look at your data first"), commands("Train on your own images")
    assert [line[:2] for line in looking] == [["data", "layouts"], ["data", "check"]]
    assert [line[0] for line in training] == ["train", "eval", "export", "eval"]
    for line in [*looking, *training]:
        assert main(line) == 0, line
    assert (folder / "report/index.html").is_file()
    assert (folder / "missed.csv").is_file()
    assert (folder / "plates.edgekit/manifest.json").is_file()


@pytest.mark.slow
def test_commands_of_stopping_early(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = commands("Networks that stop early")
    assert [line[0] for line in lines] == ["data", "train", "eval", "export", "detect"]
    for line in lines:
        assert main(line) == 0, line
    out = capsys.readouterr().out
    assert "each exit alone" in out
    assert out.count(" at exit ") == 320  # images that detect answered


@pytest.mark.slow
def test_commands_of_deep_and_coloured_pixels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("mono12", "colour"):
        for part in ("images", "masks"):
            (folder / name / part).mkdir(parents=True)
    for index in range(12):
        frame, mask = render(6, index, defective=True, size=(64, 96))
        forms = {
            "mono12": frame.astype(np.uint16) * 16,
            "colour": np.stack([frame, frame // 2, frame], axis=2),
        }
        for name, pixels in forms.items():
            Image.fromarray(pixels).save(folder / f"{name}/images/{index:04d}.png")
            Image.fromarray(mask * 255).save(folder / f"{name}/masks/{index:04d}.png")
    assert main(["data", "check", "mono12"]) == 8
    assert "--bits 12" in capsys.readouterr().out
    lines = commands("What a pixel means")
    assert [line[0] for line in lines] == ["train", "export", "detect", "train"]
    for line in lines:
        assert main(line) == 0, line
    assert main(["verify", "mono12.edgekit"]) == 0
    assert "it takes 12-bit grey frames" in capsys.readouterr().out


@pytest.mark.slow
def test_commands_of_choosing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(DEMO_BUNDLE, folder / "cheapnet-s.edgekit")
    lines = commands("Choose the threshold, and the model")
    assert [line[0] for line in lines] == ["data", "calibrate", "verify", "models"]
    for line in lines:
        assert main(line) == 0, line
    out = capsys.readouterr().out
    # What the text below the commands says.
    for words in ("100 of 100", "3,403 px", "0 of 40", "598 without any", "reaches it"):
        assert words in out, out
    for page in ("trade-off.html", "models.html"):
        assert "<svg" in (folder / page).read_text(encoding="utf-8")


def test_table_of_models_is_the_shipped_one() -> None:
    rows = re.findall(
        r"^\| `([a-z0-9.-]+)` \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| (yes)? ?\|$", TEXT, flags=re.MULTILINE
    )
    shown = [
        (name, *(int(number.replace(",", "")) for number in numbers), demo == "yes")
        for name, *numbers, demo in rows
    ]
    counted = [
        (row["name"], row["parameters"], row["macs"], row["flops"], row["name"] in list_shipped_checkpoints())
        for row in read_table()["models"]
    ]
    assert shown == counted


def test_pictures_and_links_exist() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", TEXT)
    missing = [target for target in targets if "://" not in target and not (README.parent / target).exists()]
    assert missing == []
