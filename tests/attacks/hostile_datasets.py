"""Folders of annotations that would read elsewhere, take all memory, or mean two things.

Each is a good COCO, LabelMe or YOLO folder, or a converted one, with one thing changed by a function named after the
attack. Opening it, or loading its first image, must end in the error that the attack deserves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.data.converting import convert_dataset
from edgekit.data.layouts.coco import Coco
from edgekit.data.layouts.json_files import LARGEST_BYTES
from edgekit.reporting import Reporter
from edgekit_runtime.errors import DatasetError, EdgekitError, FrameError, MaskError
from tests.edgekit.data.layouts.annotation_folders import edit_json, write_coco, write_labelme, write_yolo
from tests.edgekit.image_folders import write_png_header

Build = Callable[[Path], None]


@dataclass(frozen=True)
class DatasetAttack:
    """A layout, how a good folder of it becomes a hostile one, and how that must be refused."""

    layout: str
    build: Build
    error: type[EdgekitError]
    culprit: str


ATTACKS: dict[str, DatasetAttack] = {}


def write_converted(root: Path) -> Path:
    """Write a converted folder."""
    source = write_coco(root.with_name("source"))
    convert_dataset(Coco(source), root, reporter=Reporter(quiet=True))
    return root


WRITERS: dict[str, Callable[[Path], Path]] = {
    "coco": write_coco,
    "labelme": write_labelme,
    "yolo": write_yolo,
    "converted": write_converted,
}
JSON = {
    "coco": "annotations/instances_train.json",
    "labelme": "plate-00.json",
    "converted": "dataset.json",
}


def attack(layout: str, culprit: str, error: type[EdgekitError] = DatasetError) -> Callable[[Build], Build]:
    """Register the decorated function as an attack on a layout."""

    def register(build: Build) -> Build:
        ATTACKS[f"{layout}: {build.__name__}"] = DatasetAttack(layout, build, error, culprit)
        return build

    return register


def attack_json(culprit: str) -> Callable[[Callable[[Path], None]], None]:
    """Register an attack on the JSON file of every layout that has one."""

    def register(build: Build) -> None:
        for layout, name in JSON.items():

            def build_at(root: Path, name: str = name) -> None:
                build(root / name)

            build_at.__name__ = build.__name__
            attack(layout, culprit)(build_at)

    return register


@attack_json("nested deeper")
def deep_nesting(path: Path) -> None:
    # What is looked for to recognise the layout stays there.
    path.write_bytes(path.read_bytes().rstrip()[:-1] + b', "deep": ' + b"[" * 500_000 + b"]" * 500_000 + b"}")


@attack_json("'schema' twice")
def duplicate_keys(path: Path) -> None:
    path.write_bytes(path.read_bytes().rstrip()[:-1] + b', "schema": 1, "schema": 2}')


@attack_json("holds NaN")
def nan(path: Path) -> None:
    path.write_bytes(path.read_bytes().rstrip()[:-1] + b', "mean": NaN}')


@attack_json("integer of 900000 characters")
def integer_that_takes_minutes_to_parse(path: Path) -> None:
    path.write_bytes(path.read_bytes().rstrip()[:-1] + b', "id": ' + b"7" * 900_000 + b"}")


@attack_json("edgekit reads at most")
def file_without_end(path: Path) -> None:
    os.truncate(path, LARGEST_BYTES + 1)


@attack_json("is not JSON")
def cut_in_the_middle(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 9 // 10])


def edit_coco(root: Path, change: Callable[[Any], Any]) -> None:
    edit_json(root / JSON["coco"], change)


@attack("coco", "'file_name' must be a path below")
def path_that_climbs_out(root: Path) -> None:
    edit_coco(root, lambda content: content["images"][0].update(file_name="../../../../etc/passwd"))


@attack("coco", "'file_name' must be a path below")
def absolute_path(root: Path) -> None:
    edit_coco(root, lambda content: content["images"][0].update(file_name="/etc/passwd"))


@attack("coco", "'file_name' must be a path below")
def path_with_a_zero_byte(root: Path) -> None:
    edit_coco(root, lambda content: content["images"][0].update(file_name="plate-00.png\0.png"))


@attack("coco", "must not be negative")
def negative_id(root: Path) -> None:
    edit_coco(root, lambda content: content["images"][0].update(id=-1))


@attack("coco", "its annotations are for (1000000000, 1000000000)", MaskError)
def image_that_is_said_to_be_huge(root: Path) -> None:
    edit_coco(root, lambda content: content["images"][0].update(height=10**9, width=10**9))


@attack("coco", "run lengths are those of 1000000000 × 1000000000 pixels", MaskError)
def run_lengths_of_a_huge_image(root: Path) -> None:
    runs = {"size": [10**9, 10**9], "counts": [10**18]}
    edit_coco(root, lambda content: content["annotations"][0].update(segmentation=runs))


@attack("coco", "run lengths add up to", MaskError)
def run_lengths_beyond_the_image(root: Path) -> None:
    runs = {"size": [24, 40], "counts": [0, 10**18]}
    edit_coco(root, lambda content: content["annotations"][0].update(segmentation=runs))


@attack("coco", "a number of more than 60 bits")
def run_length_without_end(root: Path) -> None:
    runs = {"size": [24, 40], "counts": "o" * 900_000}
    edit_coco(root, lambda content: content["annotations"][0].update(segmentation=runs))


@attack("coco", "two finite numbers")
def polygon_further_away_than_any_image(root: Path) -> None:
    edit_coco(root, lambda content: content["annotations"][0].update(segmentation=[[0, 0, 1e300, 0, 1, 1]]))


@attack("coco", "edgekit reads at most", FrameError)
def image_of_a_few_bytes_that_claims_to_be_huge(root: Path) -> None:
    write_png_header(root / "images" / "plate-00.png", 60_000, 60_000)


@attack("labelme", "which is not beside it")
def image_path_that_climbs_out(root: Path) -> None:
    edit_json(root / JSON["labelme"], lambda content: content.update(imagePath="../../../../etc/passwd"))


@attack("labelme", "which is not beside it")
def image_path_that_is_a_folder(root: Path) -> None:
    edit_json(root / JSON["labelme"], lambda content: content.update(imagePath="somewhere/.."))


@attack("labelme", "its annotations are for (-1, 40)", MaskError)
def negative_height(root: Path) -> None:
    edit_json(root / JSON["labelme"], lambda content: content.update(imageHeight=-1))


@attack("converted", "has the file '../../etc/passwd'")
def stem_that_climbs_out(root: Path) -> None:
    edit_json(root / JSON["converted"], lambda content: content["items"][0].update(file="../../etc/passwd"))


@attack("converted", "unknown key 'then'")
def key_that_another_reader_might_obey(root: Path) -> None:
    edit_json(root / JSON["converted"], lambda content: content.update(then="more"))


@attack("yolo", "more than 1,048,576 bytes")
def label_file_without_end(root: Path) -> None:
    os.truncate(root / "labels" / "train" / "plate-01.txt", 1 << 40)


@attack("yolo", "is not UTF-8")
def label_file_that_is_no_text(root: Path) -> None:
    (root / "labels" / "train" / "plate-01.txt").write_bytes(b"0 0.1\xff")


@attack("yolo", "expected a class and shares")
def digits_that_take_minutes_to_parse(root: Path) -> None:
    (root / "labels" / "train" / "plate-01.txt").write_text("0 " + "7" * 900_000)


@attack("yolo", "in `names`")
def names_that_build_an_object(root: Path) -> None:
    (root / "data.yaml").write_text("names: !!python/object/apply:os.system ['true']\n")


@attack("yolo", "in `names`")
def names_that_multiply_themselves(root: Path) -> None:
    (root / "data.yaml").write_text("names: [&a [x, x], *a, *a]\n")


@attack("yolo", "have no label file")
def label_that_is_a_pipe(root: Path) -> None:
    path = root / "labels" / "train" / "plate-01.txt"
    path.unlink()
    os.mkfifo(path)
