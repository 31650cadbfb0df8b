"""Export: a torch network that names its stages becomes a bundle.

    from edgekit_export import Normalisation, export_bundle
    export_bundle(model, out="line.edgekit", name="line", ...)

Names are loaded on use, so that importing this package needs neither torch nor onnx.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from edgekit_export.exportable import Exportable, ExportExit, ExportInput, ExportStage, Normalisation

if TYPE_CHECKING:
    from edgekit_export.macs import count_macs
    from edgekit_export.parity import ParityFailed, render_parity
    from edgekit_export.pipeline import ExportReport, export_bundle
    from edgekit_export.precision.request import Calibration, PrecisionRequest
    from edgekit_export.rewriting import REWRITES

__all__ = [
    "REWRITES",
    "Calibration",
    "ExportExit",
    "ExportInput",
    "ExportReport",
    "ExportStage",
    "Exportable",
    "Normalisation",
    "ParityFailed",
    "PrecisionRequest",
    "count_macs",
    "export_bundle",
    "render_parity",
]

_LAZY = {
    "REWRITES": "rewriting",
    "Calibration": "precision.request",
    "ExportReport": "pipeline",
    "ParityFailed": "parity",
    "PrecisionRequest": "precision.request",
    "count_macs": "macs",
    "export_bundle": "pipeline",
    "render_parity": "parity",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use.

    Raises:
        MissingDependency: If a package of the extra `export` is not installed.
    """
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from edgekit_export.requirements import require_packages

    require_packages()
    value = getattr(importlib.import_module(f"edgekit_export.{_LAZY[name]}"), name)
    globals()[name] = value
    return value
