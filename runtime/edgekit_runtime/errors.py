"""Every error that edgekit raises on purpose, in one tree.

    EdgekitError                  1  internal
    ├── UsageProblem              2  the call itself is wrong
    ├── GateFailed                3  parity, accuracy or latency below what was asked
    ├── ArtefactRefused           4  a bundle that is not what it claims to be
    │   ├── BundleFormatError        not readable as a bundle
    │   ├── BundleIntegrityError     bytes, files or links that the manifest does not vouch for
    │   └── BundleSchemaError        written by a newer edgekit
    ├── EnvironmentMismatch       5  this machine is not the one that was asked for
    │   └── DeviceUnavailable
    ├── MissingDependency         6  an extra is not installed
    ├── IoFault                   7  device, disk, camera or PLC
    └── UnusableInput             8  the user's data cannot be used
        ├── FrameError               an image of the wrong size, type or channels
        │   └── DepthError           an image file of another depth than was stated
        ├── MaskError                a mask that does not fit its image
        ├── DatasetError             a folder without usable images
        ├── CheckpointError          a checkpoint of another model, with missing or non-finite weights
        └── TrainingDiverged         the loss became NaN or infinite

The number is the exit code of the command line (130 is an interrupt). A message says what was expected and
what came; `remedy` says what to do.
"""

from __future__ import annotations

from typing import ClassVar


class EdgekitError(Exception):
    """An error with an exit code and a remedy.

    Args:
        message: What was expected and what came, in one line.
        remedy: What the person can do about it; the class's own advice where omitted.
    """

    exit_code: ClassVar[int] = 1
    default_remedy: ClassVar[str] = "This is a defect of edgekit: please report it with the command you ran."

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.default_remedy


class UsageProblem(EdgekitError):
    """The call asks for something that does not exist or contradicts itself."""

    exit_code = 2
    default_remedy = "See `edgekit --help`."


class GateFailed(EdgekitError):
    """A gate (parity, accuracy, latency, ratio) was not met."""

    exit_code = 3
    default_remedy = "Mend what the message names, then run it again."


class ArtefactRefused(EdgekitError):
    """An artefact is not what it claims to be."""

    exit_code = 4
    default_remedy = "Fetch the bundle again from its source, or export it anew."


class BundleFormatError(ArtefactRefused):
    """The directory cannot be read as a bundle."""


class BundleIntegrityError(ArtefactRefused):
    """A file is missing, extra, linked, oversized or not the one that was hashed."""

    default_remedy = "Do not run this bundle. Fetch it again from its source, or export it anew."


class BundleSchemaError(ArtefactRefused):
    """The manifest's schema is not one that this release reads."""

    default_remedy = "Install the edgekit release that wrote the bundle, or a later one."


class EnvironmentMismatch(EdgekitError):
    """This machine is not the one that was asked for."""

    exit_code = 5
    default_remedy = "Run `edgekit env` to see what this machine offers."


class DeviceUnavailable(EnvironmentMismatch):
    """The device or backend that was asked for is not here."""


class MissingDependency(EdgekitError):
    """An optional package is not installed."""

    exit_code = 6


class IoFault(EdgekitError):
    """A device, disk, camera or PLC failed."""

    exit_code = 7
    default_remedy = (
        "Check free space and permissions, then run the command again; nothing half-written was left."
    )


class UnusableInput(EdgekitError):
    """The user's data cannot be used as they are."""

    exit_code = 8
    default_remedy = "Mend or leave out what the message names."


class FrameError(UnusableInput):
    """An image has the wrong size, type or channels."""

    default_remedy = (
        "Convert the image to what the bundle's input contract asks for (`edgekit verify BUNDLE` shows it)."
    )


class DepthError(FrameError):
    """An image file has another depth than was stated.

    Args:
        message: As for any error.
        remedy: As for any error.
        bits: What its values need at least, where known.
    """

    def __init__(self, message: str, *, remedy: str | None = None, bits: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.bits = bits


class MaskError(UnusableInput):
    """A mask does not fit its image or holds values without a meaning."""


class DatasetError(UnusableInput):
    """A folder holds no usable images, or not those that its layout promises."""


class CheckpointError(UnusableInput):
    """A checkpoint belongs to another model, or its content is unusable."""


class TrainingDiverged(UnusableInput):
    """The loss became NaN or infinite."""

    default_remedy = "Lower the learning rate (--learning-rate) or look at the batch that the message names."
