"""Every graph through a real NVIDIA compiler: what TensorRT-RTX makes of a bundle's stages, and the engines themselves.

`compile_check` compiles stages and says what became of them, with `lowering_rule` for what may be expected and
`layer_roles` for what layers do; `table` shows it to people, `engines` gives a bundle its engines.
"""

from edgekit_export.compiling.compile_check import (
    CompileCheck,
    CompiledStage,
    NodePrecision,
    StageReport,
    compile_stages,
    make_check,
    require_no_faults,
)
from edgekit_export.compiling.engines import BundleEngines, add_engines, describe_engine
from edgekit_export.compiling.table import render_check

__all__ = [
    "BundleEngines",
    "CompileCheck",
    "CompiledStage",
    "NodePrecision",
    "StageReport",
    "add_engines",
    "compile_stages",
    "describe_engine",
    "make_check",
    "render_check",
    "require_no_faults",
]
