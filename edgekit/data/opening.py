"""`--data`: from what a person types to a dataset, saying which format was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.data.contract import Dataset
from edgekit.data.defective_only import keep_defective
from edgekit.data.generated import open_generated
from edgekit.data.generated_depth import set_depth
from edgekit.data.layouts.aitex import Aitex, is_aitex
from edgekit.data.layouts.class_folders import ClassFolders, find_class_images
from edgekit.data.layouts.coco import Coco, find_annotation_files
from edgekit.data.layouts.dagm import Dagm2007, find_class_folders
from edgekit.data.layouts.groups_file import GROUPS_FILE, read_groups_file, regroup
from edgekit.data.layouts.images_masks import open_image_folder
from edgekit.data.layouts.kolektor import (
    KolektorSdd,
    KolektorSdd2,
    find_kolektor2_parts,
    find_kolektor_items,
)
from edgekit.data.layouts.labelme import LabelMe, is_labelme_folder
from edgekit.data.layouts.magnetic_tile import TILE_GROUP, MagneticTile, is_magnetic_tile
from edgekit.data.layouts.mvtec import MvtecFolders, find_categories
from edgekit.data.layouts.neu_det import NeuDet, find_neu_det
from edgekit.data.layouts.neu_seg import SOURCE_A, NeuSeg, find_neu_seg
from edgekit.data.layouts.voc_boxes import VocBoxes, is_voc_boxes
from edgekit.data.layouts.yolo_seg import YoloSeg, is_yolo_folder
from edgekit_runtime.bundle.contract import PixelFormat
from edgekit_runtime.errors import DatasetError

SYNTHETIC = "synthetic:"


@dataclass(frozen=True)
class OpenOptions:
    """What a person may choose when a dataset is opened.

    Attributes:
        include_normal: Take defect-free images too; None leaves it to the layout: DAGM 2007 takes defective ones
            only, as the paper does, every other layout takes what is there.
        boxes_as_masks: Take boxes for pixel masks, where a layout has boxes only.
        pixels: Depth of the images and how colours become grey, as `Dataset.pixels`; generated ones have any depth.
    """

    include_normal: bool | None = None
    boxes_as_masks: bool = False
    pixels: PixelFormat = PixelFormat()  # noqa: RUF009 - frozen


@dataclass(frozen=True)
class Layout:
    """A folder layout.

    Attributes:
        title: Its name in words.
        recognise: Tells whether a folder is in it.
        open: Opens such a folder.
        looks: How such a folder looks, in one line.
        groups_column: The column of groups.csv that its datasets read themselves; None where they read none.
    """

    title: str
    recognise: Callable[[Path], bool]
    open: Callable[[Path, OpenOptions], Dataset]
    looks: str = ""
    groups_column: str | None = None


LAYOUTS = (
    Layout(
        title="DAGM 2007",
        recognise=lambda root: bool(find_class_folders(root)),
        open=lambda root, options: Dagm2007(root, include_normal=bool(options.include_normal)),
        looks="Class1/Train/0001.PNG, Class1/Train/Label/0001_label.PNG; no label means no defect",
    ),
    Layout(
        title="Magnetic Tile",
        recognise=is_magnetic_tile,
        open=lambda root, options: MagneticTile(root, include_normal=options.include_normal is not False),
        looks="MT_Break/Imgs/exp1_num_17.jpg, MT_Break/Imgs/exp1_num_17.png; MT_Free is defect-free",
        groups_column=TILE_GROUP,
    ),
    Layout(
        title="NEU-Seg",
        recognise=lambda root: find_neu_seg(root) is not None,
        open=lambda root, _: NeuSeg(root),
        looks="NEU_Seg/images/training/000001.jpg, NEU_Seg/annotations/training/000001.png",
        groups_column=SOURCE_A,
    ),
    Layout(
        title="NEU-DET",
        recognise=lambda root: find_neu_det(root) is not None,
        open=lambda root, options: NeuDet(root, boxes_as_masks=options.boxes_as_masks),
        looks="NEU-DET/IMAGES/KIND_17.jpg, NEU-DET/ANNOTATIONS/KIND_17.xml; boxes",
    ),
    Layout(
        title="KolektorSDD",
        recognise=lambda root: bool(find_kolektor_items(root)),
        open=lambda root, _: KolektorSdd(root),
        looks="kos01/Part0.jpg, kos01/Part0_label.bmp; black where there is no defect",
    ),
    Layout(
        title="KolektorSDD2",
        recognise=lambda root: bool(find_kolektor2_parts(root)),
        open=lambda root, _: KolektorSdd2(root),
        looks="train/10000.png, train/10000_GT.png; black where there is no defect",
    ),
    Layout(
        title="AITEX",
        recognise=is_aitex,
        open=lambda root, _: Aitex(root),
        looks="Defect_images/0001_002_00.png, Mask_images/0001_002_00_mask.png, NODefect_images/FABRIC/0001_000_00.png",
    ),
    Layout(
        title="MVTec-style folders",
        recognise=lambda root: bool(find_categories(root)),
        open=lambda root, _: MvtecFolders(root),
        looks="CATEGORY/train/good/000.png, CATEGORY/test/KIND/000.png, CATEGORY/ground_truth/KIND/000_mask.png",
    ),
    Layout(
        title="VOC boxes",
        recognise=is_voc_boxes,
        open=lambda root, options: VocBoxes(
            root, boxes_as_masks=options.boxes_as_masks, include_normal=options.include_normal is not False
        ),
        looks="JPEGImages/NAME.jpg, Annotations/NAME.xml; boxes, no <object> means no defect",
    ),
    Layout(
        title="COCO",
        recognise=lambda root: bool(find_annotation_files(root)),
        open=lambda root, options: Coco(root, boxes_as_masks=options.boxes_as_masks),
        looks="annotations/instances_train.json, images/0001.jpg; polygons or run lengths",
    ),
    Layout(
        title="LabelMe",
        recognise=is_labelme_folder,
        open=lambda root, _: LabelMe(root),
        looks="NAME.jpg, NAME.json beside it; no shapes means no defect",
    ),
    Layout(
        title="YOLO segmentation",
        recognise=is_yolo_folder,
        open=lambda root, options: YoloSeg(root, boxes_as_masks=options.boxes_as_masks),
        looks="images/train/NAME.jpg, labels/train/NAME.txt, data.yaml; an empty text means no defect",
    ),
    Layout(
        title="images/ and masks/",
        recognise=lambda root: (root / "images").is_dir() or (root / "masks").is_dir(),
        open=lambda root, _: open_image_folder(root),
        looks="images/NAME.png, masks/NAME.png; 0 background, 255 defect; dataset.json for more",
    ),
    Layout(
        title="a folder per class",
        recognise=lambda root: bool(find_class_images(root)),
        open=lambda root, _: ClassFolders(root),
        looks="CLASS/NAME.png in two folders or more, also train/CLASS/NAME.png; no masks",
    ),
)
"""In the order they are tried: official layouts first, general ones last."""


def open_dataset(text: str, options: OpenOptions = OpenOptions()) -> Dataset:
    """Open `synthetic:NAME[/CLASS]` or a folder in a known layout; the dataset's `layout` says which was found.

    Args:
        text: What was typed after --data.
        options: What else was chosen.

    Raises:
        UsageProblem: If the synthetic set is unknown.
        DatasetError: If the folder is missing or in no known layout.
    """
    if text.startswith(SYNTHETIC):
        generated = open_generated(text.removeprefix(SYNTHETIC), include_normal=options.include_normal)
        return set_depth(generated, options.pixels)
    root = Path(text)
    if not root.is_dir():
        raise DatasetError(
            f"There is no folder {root}.",
            remedy="Name a folder, or a generated set such as synthetic:dagm/6 or synthetic:fabric.",
        )
    for layout in LAYOUTS:
        if layout.recognise(root):
            dataset = layout.open(root, options)
            dataset.layout = layout.title
            dataset.pixels = options.pixels
            dataset = _take_groups_file(dataset, layout, root, options)
            # Here for all: few layouts know without masks, and none may overlook what was asked for.
            return keep_defective(dataset) if options.include_normal is False else dataset
    raise DatasetError(
        f"{root} is in no layout that edgekit knows ({', '.join(layout.title for layout in LAYOUTS)}).",
        remedy="Put images in images/ and masks of the same names in masks/, or name the folder one level up or down.",
    )


def _take_groups_file(dataset: Dataset, layout: Layout, root: Path, options: OpenOptions) -> Dataset:
    def list_names() -> list[str]:
        # The file may name defect-free images that the options leave out.
        everything = layout.open(root, replace(options, include_normal=True))
        return [item.name for item in everything.items]

    table = read_groups_file(root)
    if table is None:
        _refuse_overlooked_groups(layout, root)
    return regroup(dataset, table, list_names, own_column=layout.groups_column)


def _refuse_overlooked_groups(layout: Layout, root: Path) -> None:
    """Refuse groups files one folder below: somebody said which images belong together, and nothing would read it."""
    for path in sorted(root.glob(f"*/{GROUPS_FILE}")):
        below = read_groups_file(path.parent)
        if below is not None and layout.groups_column not in below.columns:
            raise DatasetError(
                f"{path} is not read where {root} is opened, and images that belong together would part.",
                remedy=f"Move it to {root / GROUPS_FILE} and name every image below, or open {path.parent}.",
            )
