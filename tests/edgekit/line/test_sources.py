"""What a person types becomes the strips of a web, as the bundle takes them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edgekit.data.fabric import PAPER_MM_PER_PIXEL, FabricWeb
from edgekit.line.sources import MadeWeb, limit_rows, open_source
from edgekit_runtime.bundle import InputContract, PixelFormat
from edgekit_runtime.errors import DatasetError, FrameError, IoFault, MissingDependency, UsageProblem
from edgekit_runtime.line.pacing import count_rows
from edgekit_runtime.line.png import encode_png
from edgekit_runtime.line.strips import UnusableStrip
from tests.edgekit.image_folders import save


def contract(pixels: PixelFormat = PixelFormat(), mm_per_pixel: float | None = None) -> InputContract:  # noqa: B008
    return InputContract("frame", pixels, 64, 64, 8, "refuse", 0, None, None, mm_per_pixel)


def take(text: str, count: int = 10, pixels: PixelFormat = PixelFormat()) -> list[object]:  # noqa: B008
    source = open_source(text, contract(pixels), MadeWeb(width=96), None)
    return list(islice(source.strips, count))


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


class TestFolder:
    @pytest.mark.parametrize("prefix", ["", "folder:"])
    def test_images_are_strips_in_the_order_of_their_names(self, tmp_path: Path, prefix: str) -> None:
        for number in (2, 1, 3):
            save(tmp_path / f"{number}.png", noise(number, 8, 16))
        strips = take(f"{prefix}{tmp_path}")
        assert [np.asarray(strip).tolist() for strip in strips] == [
            noise(number, 8, 16).tolist() for number in (1, 2, 3)
        ]

    def test_an_image_that_cannot_be_read_is_an_error_in_its_place(self, tmp_path: Path) -> None:
        save(tmp_path / "1.png", noise(1, 8, 16))
        (tmp_path / "2.png").write_bytes(b"no image")
        save(tmp_path / "3.png", noise(3, 8, 16))
        _, second, third = take(str(tmp_path))
        assert isinstance(second, FrameError)
        assert (np.asarray(third) == noise(3, 8, 16)).all()

    def test_the_width_is_known_before_an_image_is_read_and_another_one_is_named(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "0.png").write_bytes(b"no image")
        save(tmp_path / "1.png", noise(1, 8, 16))
        save(tmp_path / "2.png", noise(2, 5, 12))
        source = open_source(str(tmp_path), contract(), MadeWeb(), None)
        assert source.width == 16
        *_, odd = source.strips
        assert isinstance(odd, UnusableStrip)
        assert "2.png is 12 px wide, and the web 16" in odd.message
        assert (odd.rows, count_rows(odd), count_rows(IoFault("torn"))) == (5, 5, 0)

    def test_colours_come_in_the_bundles_order(self, tmp_path: Path) -> None:
        save(tmp_path / "1.png", noise(1, 8, 16, 3))
        for channels, expected in (("rgb", noise(1, 8, 16, 3)), ("bgr", noise(1, 8, 16, 3)[..., ::-1])):
            (strip,) = take(str(tmp_path), pixels=PixelFormat(channels=channels))  # type: ignore[arg-type]
            assert (np.asarray(strip) == expected).all()

    def test_deep_images_are_read_at_the_bundles_depth(self, tmp_path: Path) -> None:
        deep = noise(1, 8, 16).astype(np.uint16) * 16
        (tmp_path / "1.png").write_bytes(encode_png(deep))
        (strip,) = take(str(tmp_path), pixels=PixelFormat(bits=12, scale=4095.0))
        assert (np.asarray(strip) == deep).all()

    def test_a_folder_without_images_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="holds no images"):
            take(str(tmp_path))

    def test_a_path_without_anything_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageProblem, match="no folder or image here"):
            take(str(tmp_path / "nothing"))


class TestCloth:
    def test_strips_are_those_of_the_web(self) -> None:
        strips = take("synthetic:fabric", 3)
        truth, _ = FabricWeb(96, mm_per_pixel=PAPER_MM_PER_PIXEL).rows(0, 192)
        assert (np.concatenate([np.asarray(strip) for strip in strips]) == truth).all()

    def test_what_is_known_of_the_web_is_said(self) -> None:
        source = open_source("synthetic:fabric", contract(), MadeWeb(width=96, strip_rows=32), None)
        assert (source.width, source.strip_rows, source.mm_per_pixel) == (96, 32, PAPER_MM_PER_PIXEL)
        scaled = open_source("synthetic:fabric", contract(mm_per_pixel=0.5), MadeWeb(width=96), None)
        assert scaled.mm_per_pixel == 0.5
        told = open_source("synthetic:fabric", contract(mm_per_pixel=0.5), MadeWeb(width=96), 0.7)
        assert told.mm_per_pixel == 0.7

    def test_another_depth_keeps_black_and_white(self) -> None:
        (deep,) = take("synthetic:fabric", 1, PixelFormat(bits=12, scale=4095.0))
        (drawn,) = take("synthetic:fabric", 1)
        assert np.asarray(deep).dtype == np.uint16
        assert (np.asarray(deep) == np.rint(np.asarray(drawn) * (4095 / 255))).all()

    def test_colours_are_equal(self) -> None:
        (strip,) = take("synthetic:fabric", 1, PixelFormat(channels="bgr"))
        assert np.asarray(strip).shape == (64, 96, 3)

    def test_another_name_is_refused_with_a_near_one(self) -> None:
        with pytest.raises(UsageProblem, match=r"no source 'synthetic:fabrik'") as raised:
            take("synthetic:fabrik")
        assert "synthetic:fabric" in raised.value.remedy


class TestVideo:
    def write(self, path: Path, frames: list[np.ndarray], codec: str = "FFV1") -> None:
        cv2 = pytest.importorskip("cv2", reason="videos need OpenCV (edgekit[line])")
        height, width = frames[0].shape[:2]
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 25, (width, height))
        if not writer.isOpened():
            pytest.skip(f"this OpenCV writes no {codec}")
        for frame in frames:
            writer.write(frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=2))
        writer.release()

    def test_the_width_is_known(self, tmp_path: Path) -> None:
        self.write(tmp_path / "web.avi", [np.zeros((32, 64), np.uint8)])
        assert open_source(f"video:{tmp_path / 'web.avi'}", contract(), MadeWeb(), None).width == 64

    def test_frames_are_strips(self, tmp_path: Path) -> None:
        frames = [np.full((32, 64), value, np.uint8) for value in (10, 100, 200)]
        self.write(tmp_path / "web.avi", frames)
        strips = take(f"video:{tmp_path / 'web.avi'}", pixels=PixelFormat(grey="bt601"))
        assert [np.asarray(strip).shape for strip in strips] == [(32, 64, 3)] * 3
        # A codec of YUV may be a level off.
        assert [int(np.asarray(strip)[0, 0, 0]) for strip in strips] == pytest.approx([10, 100, 200], abs=2)

    def test_a_grey_film_is_grey_though_its_decoded_colours_differ(self, tmp_path: Path) -> None:
        frames = [np.tile(np.arange(256, dtype=np.uint8), (64, 1)), noise(1, 64, 256)]
        self.write(tmp_path / "web.mp4", frames, "mp4v")
        decoded = take(f"video:{tmp_path / 'web.mp4'}", pixels=PixelFormat(channels="rgb"))
        spread = max(int(np.ptp(np.asarray(frame), axis=2).max()) for frame in decoded)
        assert spread > 0  # or the codec shows nothing
        grey = take(f"video:{tmp_path / 'web.mp4'}")
        assert [(strip.shape, strip.dtype) for strip in map(np.asarray, grey)] == [((64, 256), np.uint8)] * 2
        # The film is lossy: of the ramp, some levels.
        assert np.abs(np.asarray(grey[0]).astype(int) - frames[0]).max() <= 12

    def test_colours_come_in_the_bundles_order(self, tmp_path: Path) -> None:
        blue = np.zeros((32, 64, 3), np.uint8)
        blue[..., 0] = 200
        self.write(tmp_path / "web.avi", [blue])
        for channels, place in (("bgr", 0), ("rgb", 2)):
            (strip,) = take(f"video:{tmp_path / 'web.avi'}", pixels=PixelFormat(channels=channels))  # type: ignore[arg-type]
            assert int(np.asarray(strip)[16, 32].argmax()) == place

    def test_what_is_no_video_is_refused(self, tmp_path: Path) -> None:
        pytest.importorskip("cv2", reason="videos need OpenCV (edgekit[line])")
        (tmp_path / "web.avi").write_bytes(b"no video")
        with pytest.raises(FrameError, match="no video that OpenCV reads"):
            take(f"video:{tmp_path / 'web.avi'}")

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageProblem, match="no video here"):
            take(f"video:{tmp_path / 'web.avi'}")

    def test_deeper_frames_cannot_come_from_a_video(self, tmp_path: Path) -> None:
        (tmp_path / "web.avi").write_bytes(b"no video")
        with pytest.raises(UsageProblem, match="A video has 8 bits"):
            take(f"video:{tmp_path / 'web.avi'}", pixels=PixelFormat(bits=12, scale=4095.0))

    def test_without_opencv_the_extra_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "cv2", None)
        (tmp_path / "web.avi").write_bytes(b"no video")
        with pytest.raises(MissingDependency) as raised:
            take(f"video:{tmp_path / 'web.avi'}")
        assert "edgekit[line]" in raised.value.remedy


@pytest.mark.parametrize(
    ("rows", "heights"), [(None, [4, 4, 4]), (12, [4, 4, 4]), (9, [4, 4, 1]), (4, [4]), (99, [4, 4, 4])]
)
def test_a_web_can_be_ended(rows: int | None, heights: list[int]) -> None:
    strips = limit_rows([np.zeros((4, 2), np.uint8)] * 3, rows)
    assert [len(strip) for strip in strips if not isinstance(strip, Exception)] == heights


def test_rows_that_cannot_be_used_are_rows_of_the_web() -> None:
    strip = np.zeros((4, 2), np.uint8)
    web = limit_rows([strip, UnusableStrip("1.png is 9 px wide", rows=4), strip, strip], 10)
    assert [count_rows(piece) for piece in web] == [4, 4, 2]
