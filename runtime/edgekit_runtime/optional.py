"""Optional packages: imported on use, and a one-line error that names the extra when they are absent."""

from __future__ import annotations

import importlib
from types import ModuleType

from edgekit_runtime.errors import MissingDependency


def import_optional(module: str, *, extra: str) -> ModuleType:
    """Return the imported module.

    Args:
        module: Import name, such as "onnxruntime".
        extra: The extra of the edgekit distribution that installs it, such as "cpu".

    Raises:
        MissingDependency: If the module, or one that it needs, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise MissingDependency(
            f"The package {missing!r} is needed here and is not installed.",
            remedy=f'Run: pip install "edgekit[{extra}]"',
        ) from error
