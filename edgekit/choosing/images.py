"""Which images a bundle is tuned on: never those that it was trained on.

Data of the training give their validation part. Where they are opened with more than was trained on (defect-free
images, which the DAGM layouts leave out by default), what training has not known joins that part; images of a thing
that is in another part stay out. Other data are taken whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgekit.choosing.labelled import tell_defective
from edgekit.data.contract import Dataset, Subset
from edgekit.data.opening import OpenOptions, open_dataset
from edgekit.data.splitting.duplicates import link_duplicates
from edgekit.data.splitting.parts import ChosenPart, choose_part
from edgekit.data.views import view_for
from edgekit.reporting import Reporter
from edgekit_runtime.bundle import DataInfo, Manifest, ModelInfo, PixelFormat
from edgekit_runtime.errors import DatasetError, UsageProblem

ADVICE = "Leave --split out for the validation part, or name images that were not trained on."


@dataclass(frozen=True)
class _Opener:
    """Opens one `--data` in several ways, always as the bundle knows images."""

    text: str
    model: ModelInfo

    def open(self, options: OpenOptions) -> Dataset:
        dataset = open_dataset(self.text, options)
        if self.model.task == "classify":
            return tell_defective(dataset, self.model.normal_class)
        # Whether an image is defective is all that is needed: a folder per class, without masks, will do.
        labelled = all(item.defective is not None for item in dataset.items)
        if not dataset.classes and labelled:
            return dataset
        return view_for(dataset, task="segment", classes=len(self.model.classes))


def open_images(
    text: str,
    manifest: Manifest,
    *,
    part: str | None = None,
    options: OpenOptions = OpenOptions(),  # noqa: B008
    reporter: Reporter,
) -> ChosenPart:
    """Return the images to tune a bundle on.

    Args:
        text: What was typed after --data.
        manifest: The bundle's.
        part: "val", "test" or "all"; None for the validation part of the training's data, and all of other data.
        options: How to open the data; by default as they were for the training, where they are the same. What a pixel
            means is the bundle's own in any case.
        reporter: Shows how far the search for copies is.

    Raises:
        UsageProblem: If these are training images, or hold them, or have no such part.
        DatasetError: See `choose_part` and `open_dataset`.
    """
    opener, trained_on = _Opener(text, manifest.model), manifest.data
    pixels = manifest.input.pixels
    options = replace(options, pixels=pixels)
    known = None if trained_on is None else _open_known(opener, trained_on, pixels)
    if trained_on is None or known is None:
        dataset = opener.open(options)
        if part == "all":
            _refuse_namesake(dataset, trained_on)
        chosen = choose_part(dataset, trained_on, part, reporter=reporter)
    else:
        if part in ("train", "all"):
            raise UsageProblem(
                f"The {part} part of {known.name} holds images that the network was trained on: on them it errs less "
                "than on a line, and the threshold would be wrong.",
                remedy=ADVICE,
            )
        chosen = choose_part(known, trained_on, part, default="val", reporter=reporter)
        if options != OpenOptions(pixels=pixels):
            chosen = _add_unknown(chosen, known, opener.open(options), reporter)
    _refuse_trained(chosen, trained_on)
    return chosen


def _open_known(opener: _Opener, trained_on: DataInfo, pixels: PixelFormat) -> Dataset | None:
    """Return the data as they were opened for the training; None if they are others."""
    try:
        dataset = opener.open(OpenOptions(trained_on.include_normal, trained_on.boxes_as_masks, pixels))
    except DatasetError:
        return None  # the training's data can be opened so; opening these as they were asked for says what is wrong
    return dataset if dataset.fingerprint() == trained_on.fingerprint else None


def _add_unknown(chosen: ChosenPart, known: Dataset, wider: Dataset, reporter: Reporter) -> ChosenPart:
    """Return the part as `wider` shows it, with the images that training has not known."""
    wider = link_duplicates(wider, reporter=reporter)
    own, everything = _identify(chosen.dataset), _identify(known)
    marks = [{item.name, wider.digest(index)} for index, item in enumerate(wider.items)]
    elsewhere = {
        item.group
        for item, mark in zip(wider.items, marks, strict=True)
        if mark & everything and not mark & own
    }
    kept = [
        index
        for index, (item, mark) in enumerate(zip(wider.items, marks, strict=True))
        if mark & own or (not mark & everything and item.group not in elsewhere)
    ]
    added = sum(not marks[index] & own for index in kept)
    reporter.note(
        f"note: the {chosen.part} part of {chosen.source}, and {added} images that were not trained on."
    )
    return ChosenPart(Subset(wider, kept, name=chosen.dataset.name), chosen.part, chosen.source)


def _identify(dataset: Dataset) -> set[str]:
    """Return the names and the digests of all items: either tells that an image is the same."""
    digests = (dataset.digest(index) for index in range(len(dataset)))
    return {*(item.name for item in dataset.items), *digests}


def _refuse_namesake(dataset: Dataset, trained_on: DataInfo | None) -> None:
    if trained_on is not None and dataset.name == trained_on.name:
        raise UsageProblem(
            f"{dataset.name} has the name of what the network was trained on and has changed since: training images "
            "may be among these.",
            remedy="Restore the data, or put images that were not trained on into a folder of another name.",
        )


def _refuse_trained(chosen: ChosenPart, trained_on: DataInfo | None) -> None:
    """Refuse the training's own images under another name."""
    if trained_on is None:
        return
    trained = {trained_on.fingerprint, trained_on.parts.get("train")}
    if chosen.dataset.fingerprint() in trained:
        raise UsageProblem(
            f"The images of {chosen.source} are those that the network was trained on, by their fingerprint.",
            remedy=ADVICE,
        )
