"""Every model through TensorRT-RTX: what it makes of each precision, batch and form of the graph. `make compile-all`.

    python benchmarks/results/compile-checks.py --write benchmarks/results/compile-checks.json
    python benchmarks/results/compile-checks.py cheapnet-m unet-32 --precisions fp16 int8

A compile check says nothing of Jetson, for which another TensorRT compiles, and nothing of speed. Weights are random,
frames are noise: what is counted is layers, which depend on neither. Frames are small for the same reason (--side).

Forms are rewrites of the graph: as the network states it, transposed convolutions as sub-pixel ones, grouped
convolutions as dense ones. Where a rewrite does not apply to a network there is no row.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from edgekit.models import MODELS, ModelSpec, build_model
from edgekit_export.building import Built, build_fp32
from edgekit_export.compiling import CompileCheck, compile_stages, make_check
from edgekit_export.compiling.table import describe_precisions, describe_roles, name_check
from edgekit_export.exportable import Normalisation
from edgekit_export.planning import ExportPlan, make_plan
from edgekit_export.precision.lowering import lower_stages
from edgekit_export.precision.request import Calibration, PrecisionRequest
from edgekit_export.targets import EXPORT_PRECISIONS, Target
from edgekit_runtime.backends.tensorrt.compute_capability import DEFAULT_TARGETS, parse_targets
from edgekit_runtime.backends.tensorrt.profiles import Batches
from edgekit_runtime.bundle import ModelInfo
from edgekit_runtime.errors import EdgekitError, UsageProblem

FORMS: dict[str, frozenset[str]] = {
    "as it is": frozenset(),
    "subpixel": frozenset({"subpixel"}),
    "dense": frozenset({"dense"}),
    "subpixel, dense": frozenset({"subpixel", "dense"}),
}
PRECISIONS: dict[str, tuple[Literal["fp32", "fp16", "int8"], Literal["fp32", "fp16"]]] = {
    "fp32": ("fp32", "fp32"),
    "fp16": ("fp16", "fp32"),
    "int8": ("int8", "fp32"),
    "int8, rest fp16": ("int8", "fp16"),
}
"""Precision → that of the bundle, and what an int8 one computes in elsewhere."""

BATCHES = {"1": None, "dynamic": Batches(1, 4, 16)}
HEADINGS = (
    "model",
    "form",
    "precision",
    "batch",
    "nodes",
    "layers",
    "of these",
    "precision of its nodes",
    "MB",
)
FRAMES = 4


TOO_LARGE = ("cheapnet-std-l",)
"""104 million weights and 2.5 TMAC: name it to compile it all the same."""


class Place(NamedTuple):
    """Which export a row is about."""

    model: str
    form: str
    precision: str
    batch: str


@dataclass(frozen=True)
class Row:
    """One export.

    Attributes:
        model: Its name.
        form: Of `FORMS`.
        precision: Of `PRECISIONS`.
        batch: "1" or "dynamic".
        check: What became of it; None where it failed.
        failure: Why it did; "" where it did not.
    """

    model: str
    form: str
    precision: str
    batch: str
    check: CompileCheck | None
    failure: str

    @property
    def is_good(self) -> bool:
        """Whether it compiled as its graph asks."""
        return self.check is not None and not self.check.faults


def run_matrix(arguments: argparse.Namespace) -> Iterator[Row]:
    """Export and compile every combination that applies."""
    for name in arguments.models or [spec.name for spec in MODELS if spec.name not in TOO_LARGE]:
        spec = MODELS.get(name)
        for form in FORMS:
            for batch in BATCHES:
                plan = plan_export(spec, form, batch, arguments.side)
                built = build_form(plan, spec, form)
                for precision in arguments.precisions if built is not None else ():
                    yield compile_one(
                        plan, built, Place(spec.name, form, precision, batch), arguments.targets
                    )


def build_form(plan: ExportPlan, spec: ModelSpec, form: str) -> Built | None:
    """Return the graphs in fp32, which every precision starts from; None where the form changes nothing."""
    operators = {type(module).__name__ for module in plan.model.modules()}
    if "subpixel" in form and "ConvTranspose2d" not in operators:
        return None
    if "dense" in form and all(getattr(module, "groups", 1) == 1 for module in plan.model.modules()):
        return None
    try:
        return build_fp32(plan, None)
    except UsageProblem as error:
        print(f"{spec.name}, {form}: {error.message}", file=sys.stderr)
        return None


def compile_one(plan: ExportPlan, built: Built, place: Place, targets: tuple[int, ...]) -> Row:
    """Lower to a precision and compile."""
    asked, rest = PRECISIONS[place.precision]
    calibration = Calibration(list(plan.samples), "noise", "00" * 32) if asked == "int8" else None
    plan = replace(
        plan,
        precision=PrecisionRequest(asked, calibration, max_drop=100),
        target=Target(dict.fromkeys(EXPORT_PRECISIONS, ()), rest),
    )
    try:
        lowered = None if asked == "fp32" else lower_stages(plan, built)
        stages, graphs = (built.stages, built.graphs) if lowered is None else (lowered.stages, lowered.graphs)
        pairs = list(zip(stages, graphs, strict=True))
        check = make_check(compile_stages(pairs, targets=targets, batches=BATCHES[place.batch]))
    except EdgekitError as error:
        return Row(*place, None, error.message)
    return Row(*place, check, "")


def plan_export(spec: ModelSpec, form: str, batch: str, side: int) -> ExportPlan:
    """Return the export of a network with random weights in exactly this form."""
    sides = tuple(min(-(-side // spec.multiple) * spec.multiple, size) for size in spec.size)
    colours = () if spec.channels == 1 else (spec.channels,)
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, *sides, *colours), np.uint8)
    plan = make_plan(
        build_model(spec, seed=0).eval(),
        ModelInfo(spec.name, spec.task, spec.classes, spec.normal_class, spec.paper, 0),
        Normalisation((0.5,), (0.25,)),
        size=(sides[0], sides[1]),
        batch=1 if batch == "1" else None,
        mm_per_pixel=None,
        samples=list(frames),
        thresholds={},
        rewrites=FORMS[form],
        report=lambda _: None,
    )
    return replace(plan, target=Target(dict.fromkeys(EXPORT_PRECISIONS, ()), "fp32"))


def render_row(row: Row) -> str:
    """Return a line of the table for each stage of an export."""
    head = (row.model, row.form, row.precision, row.batch)
    if row.check is None:
        return render_cells([*head, "–", "–", "–", f"failed: {row.failure}", "–"])
    lines = []
    for stage in row.check.stages:
        numbers = (str(stage.nodes), str(stage.layers), describe_roles(stage))
        size = f"{stage.engine_bytes / 1e6:.1f}"
        lines.append(render_cells([*head, *numbers, describe_precisions(stage), size]))
    lines += [render_cells([*head, "–", "–", "–", f"✗ {fault}", "–"]) for fault in row.check.faults]
    return "\n".join(lines)


def render_cells(cells: list[str]) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def describe_row(row: Row) -> dict[str, Any]:
    """Return a row as JSON data, without the nodes that got what they asked for."""
    data = asdict(row)
    for stage in (data["check"] or {}).get("stages", ()):
        stage["precisions"] = [item for item in stage["precisions"] if item["asked"] != item["achieved"]]
    return data


def parse_arguments() -> argparse.Namespace:
    """Return what was typed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "models", nargs="*", help="Names of models; by default all that have one but cheapnet-std-l."
    )
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--side", type=int, default=128, help="Largest side of a frame, in pixels.")
    parser.add_argument("--sm", type=parse_targets, dest="targets", default=DEFAULT_TARGETS)
    parser.add_argument("--write", type=Path, metavar="FILE.json")
    return parser.parse_args()


def main() -> None:
    """Compile everything, print the table, write the document; end with 3 if anything failed."""
    arguments = parse_arguments()
    rows = []
    print(f"{render_cells(list(HEADINGS))}\n|{'---|' * 4}{'---:|' * 2}---|---|---:|")
    for row in run_matrix(arguments):
        rows.append(row)
        print(render_row(row), flush=True)
    check = next((row.check for row in rows if row.check is not None), None)
    if check is not None:
        print(f"\n{name_check(check)}")
    if arguments.write:
        command = " ".join(["python", "benchmarks/results/compile-checks.py", *sys.argv[1:]])
        document = {
            "command": command,
            "what": None if check is None else name_check(check),
            "rows": [describe_row(row) for row in rows],
        }
        arguments.write.write_text(
            json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    if not all(row.is_good for row in rows):
        sys.exit(3)


if __name__ == "__main__":
    main()
