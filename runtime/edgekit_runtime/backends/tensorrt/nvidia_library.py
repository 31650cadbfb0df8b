"""Which of NVIDIA's libraries compiles: what differs between them, and nothing of what all share."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Literal

from edgekit_runtime.errors import MissingDependency
from edgekit_runtime.optional import import_optional

NEEDED = ("__version__", "Builder", "OnnxParser", "ComputeCapability")
"""What compiling for other machines takes."""


@dataclass(frozen=True)
class Library:
    """A library that builds engines.

    Attributes:
        builder: What a manifest calls it.
        title: What people call it.
        module: Import name of its Python bindings.
        extra: The extra of the edgekit distribution that installs it.
        opsets: ONNX opsets whose meaning its parser knows.
    """

    builder: Literal["tensorrt-rtx"]
    title: str
    module: str
    extra: str
    opsets: range

    def load(self) -> ModuleType:
        """Return the bindings.

        Raises:
            MissingDependency: If they are not installed, cannot be loaded, or are of a release without what is needed.
        """
        try:
            bindings = import_optional(self.module, extra=self.extra)
        except RuntimeError as error:  # what its wheels raise where a library of theirs cannot be loaded
            raise self._refuse(f"cannot be loaded: {' '.join(str(error).split())[:200]}") from error
        missing = [name for name in NEEDED if not hasattr(bindings, name)]
        if missing:
            raise self._refuse(f"has no {missing[0]}: it is no release that edgekit knows")
        return bindings

    def _refuse(self, what: str) -> MissingDependency:
        return MissingDependency(
            f"{self.title} ({self.module}) {what}.", remedy=f'Run: pip install "edgekit[{self.extra}]"'
        )

    def read_version(self) -> str:
        """Return the release that is installed, such as "1.7.1.116"."""
        return str(self.load().__version__)


# NVIDIA's opset guide for TensorRT 11, from which release 1.7 is made: 9 to 25, and its parser knows the operators that
# came with 23 and 24 and not those of 26 (BitCast, CumProd; `OnnxParser.supports_operator`). The parser itself checks
# nothing: it takes opset 99 without a word and reads its operators as those it knows.
TENSORRT_RTX = Library("tensorrt-rtx", "TensorRT-RTX", "tensorrt_rtx", "tensorrt-rtx", range(9, 26))
