"""NEU-DET, steel surface defects with boxes (Song & Yan 2013, He et al. 2020), in its official layout.

    ROOT/NEU-DET/IMAGES/rolled-in_scale_12.jpg          200×200, RGB with three equal channels
    ROOT/NEU-DET/ANNOTATIONS/rolled-in_scale_12.xml     VOC boxes

ROOT or NEU-DET may be opened. An image's class is its name up to the last underscore. No image is defect-free, and
about one in fifteen has boxes of a second kind: `Sample.kinds` names them all.

Source: Y. He, K. Song, Q. Meng, Y. Yan, "An End-to-End Steel Surface Defect Detection Approach via Fusing Multiple
Hierarchical Features", IEEE Transactions on Instrumentation and Measurement 69(4), 2020.
"""

from __future__ import annotations

from pathlib import Path

from edgekit.data.contract import Item
from edgekit.data.layouts.voc_boxes import BoxDataset, BoxedImage, pair_boxes
from edgekit_runtime.errors import DatasetError

FOLDER, IMAGES, ANNOTATIONS = "NEU-DET", "IMAGES", "ANNOTATIONS"
KINDS = ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches")


class NeuDet(BoxDataset):
    """Images of six kinds of defect: the kind as the image's class, the boxes as masks if that was asked for.

    Args:
        root: The folder that holds NEU-DET, or NEU-DET itself.
        boxes_as_masks: Whether filled boxes are masks.

    Raises:
        DatasetError: If the layout is not there, an image or an annotation lacks the other, a name or a box is of
            another kind, or an annotation cannot be used.
    """

    labels = KINDS

    def __init__(self, root: Path, *, boxes_as_masks: bool = False) -> None:
        folder = find_neu_det(root)
        if folder is None:
            raise DatasetError(
                f"{root} holds no NEU-DET images ({FOLDER}/{IMAGES} and {FOLDER}/{ANNOTATIONS}).",
                remedy=f"Point --data at the folder {FOLDER}, or at the one that holds it.",
            )
        files = pair_boxes(folder / IMAGES, folder / ANNOTATIONS)
        items = [_make_item(entry) for entry in files]
        super().__init__("neu-det", files, items, kinds=KINDS, boxes_as_masks=boxes_as_masks)


def find_neu_det(root: Path) -> Path | None:
    """Return the folder NEU-DET of a root, or the root itself if it is one; None where it is neither."""
    for folder in (root, root / FOLDER):
        # Listed, for file systems that do not tell IMAGES from the images of other layouts.
        names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
        if {IMAGES, ANNOTATIONS} <= names and any((folder / ANNOTATIONS).glob("*.xml")):
            return folder
    return None


def _make_item(files: BoxedImage) -> Item:
    name = files.image.stem
    kind = name.rpartition("_")[0]
    _require_kind(kind, f"The image {files.image} is called")
    for named in files.annotation.kinds:
        _require_kind(named, f"{files.annotation.path} has a box of")
    return Item(name, group=name, stratum=kind, defective=True, label=KINDS.index(kind))


def _require_kind(kind: str, where: str) -> None:
    if kind not in KINDS:
        raise DatasetError(
            f"{where} {kind!r}; NEU-DET has {', '.join(KINDS)}.",
            remedy="Restore the official name; edgekit reads boxes of other kinds from the VOC layout.",
        )
