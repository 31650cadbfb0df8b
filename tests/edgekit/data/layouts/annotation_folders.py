"""Small folders in COCO, LabelMe and YOLO form: plates with one rectangular defect, every fourth without."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.data.layouts.run_lengths import compress_counts, encode_mask
from tests.edgekit.image_folders import draw_plate, save

SIZE = (24, 40)
KINDS = ("hole", "scratch")
COUNT = 12


@dataclass(frozen=True)
class Plate:
    """One image, its defect's name, box (left, top, right, bottom) and mask; no name where there is no defect."""

    stem: str
    image: np.ndarray
    kind: str | None
    box: tuple[int, int, int, int]
    mask: np.ndarray

    @property
    def corners(self) -> list[list[float]]:
        """The box as a polygon."""
        left, top, right, bottom = map(float, self.box)
        return [[left, top], [right, top], [right, bottom], [left, bottom]]


def draw_plates(count: int = COUNT) -> Iterator[Plate]:
    """Yield plates; the third is in colour."""
    for index in range(count):
        image, mask = draw_plate(index, SIZE)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        kind = None if index % 4 == 3 else KINDS[index % 2]
        if index == 2:
            image = np.stack([image, image // 2, 255 - image], axis=2)
        yield Plate(f"plate-{index:02}", image, kind, box, mask > 0)


def write_json(path: Path, content: Any) -> Path:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def edit_json(path: Path, change: Callable[[Any], Any]) -> Path:
    """Change the content of a JSON file in place."""
    content = json.loads(path.read_text())
    change(content)
    return write_json(path, content)


def write_coco(
    root: Path,
    *,
    json_name: str = "annotations/instances_train.json",
    images: str = "images",
    count: int = COUNT,
) -> Path:
    """Write COCO instances: polygons, run lengths as numbers and as text in turn; ids in no order."""
    (root / images).mkdir(parents=True, exist_ok=True)
    height, width = SIZE
    content: dict[str, list[Any]] = {"images": [], "annotations": [], "categories": []}
    content["categories"] = [
        {"id": 7, "name": "scratch"},
        {"id": 3, "name": "hole", "supercategory": "defect"},
    ]
    for index, plate in enumerate(draw_plates(count)):
        save(root / images / f"{plate.stem}.png", plate.image)
        entry = {"id": 100 - index, "file_name": f"{plate.stem}.png", "height": height, "width": width}
        content["images"].append(entry)
        if plate.kind is None:
            continue
        counts = encode_mask(plate.mask)
        left, top, right, bottom = plate.box
        content["annotations"].append(
            {
                "id": index,
                "image_id": 100 - index,
                "category_id": {"hole": 3, "scratch": 7}[plate.kind],
                "bbox": [left, top, right - left, bottom - top],
                "iscrowd": int(index % 3 > 0),
                "segmentation": (
                    [[number for corner in plate.corners for number in corner]],
                    {"size": [height, width], "counts": counts},
                    {"size": [height, width], "counts": compress_counts(counts)},
                )[index % 3],
            }
        )
    write_json(root / json_name, content)
    return root


def write_labelme(root: Path) -> Path:
    """Write LabelMe files: polygons and rectangles in turn, with what LabelMe adds and edgekit ignores."""
    root.mkdir(parents=True, exist_ok=True)
    height, width = SIZE
    for index, plate in enumerate(draw_plates()):
        save(root / f"{plate.stem}.png", plate.image)
        left, top, right, bottom = plate.box
        shape = {"label": plate.kind, "group_id": None, "flags": {}}
        if index % 2:
            shape |= {"shape_type": "rectangle", "points": [[right, bottom], [left, top]]}
        else:
            shape |= {"shape_type": "polygon", "points": plate.corners}
        content = {
            "version": "5.5.0",
            "shapes": [shape] if plate.kind else [],
            "imagePath": f"..\\elsewhere\\{plate.stem}.png",
            "imageData": "aGVsbG8=",
            "imageHeight": height,
            "imageWidth": width,
        }
        write_json(root / f"{plate.stem}.json", content)
    return root


def write_yolo(root: Path, *, images: str = "images/{part}", labels: str = "labels/{part}") -> Path:
    """Write YOLO segmentation files of two parts, and a data.yaml."""
    height, width = SIZE
    for index, plate in enumerate(draw_plates()):
        part = "val" if index % 3 == 0 else "train"
        image = root / images.format(part=part) / f"{plate.stem}.png"
        label = root / labels.format(part=part) / f"{plate.stem}.txt"
        image.parent.mkdir(parents=True, exist_ok=True)
        label.parent.mkdir(parents=True, exist_ok=True)
        save(image, plate.image)
        shares = " ".join(f"{x / width:.9f} {y / height:.9f}" for x, y in plate.corners)
        label.write_text(f"{KINDS.index(plate.kind)} {shares}\n" if plate.kind else "")
    (root / "data.yaml").write_text("path: ../plates\ntrain: images/train\nnc: 2\nnames: ['hole', scratch]\n")
    return root
