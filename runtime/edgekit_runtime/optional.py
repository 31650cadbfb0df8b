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
        MissingDependency: If the module, or one that it needs, is not installed or cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise MissingDependency(
            f"The package {missing!r} is needed here and is not installed.",
            remedy=f'Run: pip install "edgekit[{extra}]"',
        ) from error
    except ImportError as error:
        reason = " ".join(str(error).split())[:200]
        raise MissingDependency(
            f"The package {module!r} is needed here and cannot be imported: {reason}.",
            remedy=f'Install it anew: pip install --force-reinstall "edgekit[{extra}]"',
        ) from error
