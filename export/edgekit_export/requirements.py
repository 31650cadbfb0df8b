"""The packages that exporting needs, checked before anything is done."""

from __future__ import annotations

from edgekit_runtime.optional import import_optional

PACKAGES = ("torch", "onnx", "onnx_ir", "onnxscript", "onnxruntime")


def require_packages() -> None:
    """Import what exporting needs.

    Raises:
        MissingDependency: If one is not installed; the remedy names the extra `export`.
    """
    for package in PACKAGES:
        import_optional(package, extra="export")
