"""Small folders in the layouts that edgekit reads, written as the official archives look.

One function per layout, and a line in `BUILDERS`: `test_recognition.py` opens each of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.edgekit.data.layouts.test_dagm import write_dagm
from tests.edgekit.data.layouts.test_magnetic_tile import write_magnetic_tile
from tests.edgekit.data.layouts.test_neu_det import write_neu_det
from tests.edgekit.data.layouts.test_neu_seg import write_neu_seg
from tests.edgekit.data.layouts.test_voc_boxes import write_voc
from tests.edgekit.image_folders import draw_plate, save, write_image_folder

SIZE = (24, 40)
"""Height and width of the images."""


def tint(grey: np.ndarray) -> np.ndarray:
    """Return a grey image as RGB whose channels differ."""
    return np.stack([grey, grey // 2, 255 - grey], axis=2)


def write_kolektor(root: Path, *, items: int = 6, surfaces: int = 3) -> Path:
    """Write kos01, kos02, …: JPEGs and BMP labels, one defect per item, none on the last item."""
    for item in range(items):
        folder = root / f"kos{item + 1:02}"
        folder.mkdir(parents=True)
        for surface in range(surfaces):
            image, mask = draw_plate(10 * item + surface, SIZE)
            save(folder / f"Part{surface}.jpg", image)
            shown = surface == item % surfaces and item < items - 1
            save(folder / f"Part{surface}_label.bmp", mask * np.uint8(shown))
    return root


def write_kolektor2(root: Path, *, train: int = 8, test: int = 4) -> Path:
    """Write train/ and test/: colour PNGs and their _GT.png, every second one with a defect."""
    for part, first, count in (("train", 10000, train), ("test", 20000, test)):
        (root / part).mkdir(parents=True)
        for number in range(first, first + count):
            image, mask = draw_plate(number, SIZE)
            save(root / part / f"{number}.png", tint(image))
            save(root / part / f"{number}_GT.png", mask * np.uint8(number % 2))
    return root


def write_aitex(root: Path) -> Path:
    """Write the three folders of AITEX, five images of each fabric and state, with what is odd in them.

    One image has two masks, one has none, one a black one, and one name has two digits instead of three.
    """
    strips = {
        "Defect_images": [
            *("0001_002_00", "0002_002_00", "0012_006_00", "0013_006_00", "0014_006_00"),
            *("0044_019_04", "0045_019_04", "0046_019_04", "0047_019_04", "0048_019_04"),
            *("0100_025_08", "0106_010_03"),
        ],
        "NODefect_images/2311694-2040n7u": [f"{number:04}_000_00" for number in range(1, 6)],
        "NODefect_images/2608691-202020u": [*(f"{number:04}_000_01" for number in range(1, 5)), "0018_00_01"],
    }
    for place, (folder, stems) in enumerate(strips.items()):
        (root / folder).mkdir(parents=True)
        for index, stem in enumerate(stems):
            save(root / folder / f"{stem}.png", draw_plate(100 * place + index, SIZE)[0])
    (root / "Mask_images").mkdir()
    for index, stem in enumerate(strips["Defect_images"]):
        for ending, mask in _mark_aitex(stem, draw_plate(index, SIZE)[1]).items():
            save(root / "Mask_images" / f"{stem}{ending}.png", mask)
    return root


def _mark_aitex(stem: str, mask: np.ndarray) -> dict[str, np.ndarray]:
    if stem == "0100_025_08":
        return {}
    if stem == "0106_010_03":
        return {"_mask": np.zeros_like(mask)}
    if stem == "0044_019_04":
        left = np.arange(SIZE[1]) < np.flatnonzero(mask.any(axis=0)).mean()
        return {"_mask1": mask * left.astype(np.uint8), "_mask2": mask * (~left).astype(np.uint8)}
    return {"_mask": mask}


def write_mvtec_category(root: Path, kinds: tuple[str, ...], *, count: int = 4) -> Path:
    """Write one category of MVTec AD: colour images, `count` in each folder."""
    for part, kind in (("train", "good"), ("test", "good"), *(("test", kind) for kind in kinds)):
        (root / part / kind).mkdir(parents=True)
        for index in range(count):
            save(root / part / kind / f"{index:03}.png", tint(draw_plate(index + 10 * len(kind), SIZE)[0]))
    for kind in kinds:
        (root / "ground_truth" / kind).mkdir(parents=True)
        for index in range(count):
            mask = draw_plate(index + 10 * len(kind), SIZE)[1]
            save(root / "ground_truth" / kind / f"{index:03}_mask.png", mask)
    return root


def write_mvtec(root: Path) -> Path:
    """Write two categories that have one kind of defect in common."""
    write_mvtec_category(root / "bottle", ("contamination", "broken_large"))
    write_mvtec_category(root / "carpet", ("contamination", "hole"))
    (root / "license.txt").write_text("CC BY-NC-SA 4.0")
    return root


def write_coco(root: Path) -> Path:
    """Write images/ and annotations/ with one polygon in each image."""
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    height, width = SIZE
    for number in range(1, 4):
        save(root / "images" / f"{number:04}.jpg", draw_plate(number, SIZE)[0])
    content = {
        "images": [
            {"id": number, "file_name": f"{number:04}.jpg", "height": height, "width": width}
            for number in range(1, 4)
        ],
        "annotations": [
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "area": 100,
                "bbox": [2, 2, 10, 10],
                "segmentation": [[2, 2, 12, 2, 12, 12, 2, 12]],
            }
            for number in range(1, 4)
        ],
        "categories": [{"id": 1, "name": "scratch"}],
    }
    (root / "annotations" / "instances_train.json").write_text(json.dumps(content))
    return root


def write_labelme(root: Path) -> Path:
    """Write images with a JSON file beside each."""
    root.mkdir(parents=True)
    height, width = SIZE
    for number in range(1, 4):
        save(root / f"plate-{number}.jpg", draw_plate(number, SIZE)[0])
        shape = {"label": "scratch", "points": [[2, 2], [12, 2], [12, 12]], "shape_type": "polygon"}
        content = {
            "imagePath": f"plate-{number}.jpg",
            "imageHeight": height,
            "imageWidth": width,
            "imageData": None,
            "version": "5.0.1",
            "flags": {},
            "shapes": [shape],
        }
        (root / f"plate-{number}.json").write_text(json.dumps(content))
    return root


def write_yolo(root: Path) -> Path:
    """Write images/ and labels/ of one part, with a polygon for each image."""
    for folder in ("images", "labels"):
        (root / folder / "train").mkdir(parents=True)
    for number in range(1, 4):
        save(root / "images" / "train" / f"{number:04}.jpg", draw_plate(number, SIZE)[0])
        (root / "labels" / "train" / f"{number:04}.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5\n")
    (root / "data.yaml").write_text("names: [scratch]\n")
    return root


def write_class_folders(
    root: Path, labels: tuple[str, ...] = ("crack", "Good", "stain"), *, count: int = 5
) -> Path:
    """Write a folder per class."""
    for number, label in enumerate(labels):
        (root / label).mkdir(parents=True)
        for index in range(count):
            save(root / label / f"{index:02}.png", draw_plate(10 * number + index, SIZE)[0])
    return root


def write_class_folders_in_parts(root: Path) -> Path:
    """Write train/ and test/ with a folder per class each."""
    for part in ("train", "test"):
        write_class_folders(root / part)
    return root


BUILDERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "dagm": ("DAGM 2007", write_dagm),
    "magnetic-tile": ("Magnetic Tile", write_magnetic_tile),
    "neu-seg": ("NEU-Seg", write_neu_seg),
    "neu-det": ("NEU-DET", write_neu_det),
    "voc": ("VOC boxes", write_voc),
    "kolektor": ("KolektorSDD", write_kolektor),
    "kolektor2": ("KolektorSDD2", write_kolektor2),
    "aitex": ("AITEX", write_aitex),
    "mvtec": ("MVTec-style folders", write_mvtec),
    "mvtec-category": ("MVTec-style folders", lambda root: write_mvtec_category(root, ("hole",))),
    "coco": ("COCO", write_coco),
    "labelme": ("LabelMe", write_labelme),
    "yolo": ("YOLO segmentation", write_yolo),
    "images-masks": ("images/ and masks/", lambda root: write_image_folder(root, count=3, size=SIZE)),
    "class-folders": ("a folder per class", write_class_folders),
    "class-folders-in-parts": ("a folder per class", write_class_folders_in_parts),
}
"""What to write into a folder, and the title of the layout in `LAYOUTS` that must take it."""
