"""Which bundles may hold a program, and the program of theirs."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit_export.fusing.matching import match_program
from edgekit_export.fusing.program import NoProgram, Program
from edgekit_export.rewriting import RewrittenStage
from edgekit_runtime.backends.fused.phases import find_program_obstacle
from edgekit_runtime.bundle import InputContract, ModelInfo, StageInfo

SUFFIX = ".fused.npz"


def find_program(
    stages: Sequence[StageInfo],
    rewritten: Sequence[RewrittenStage],
    contract: InputContract,
    model: ModelInfo,
) -> Program:
    """Return the program of a bundle of one stage.

    Args:
        stages: The stages as the manifest describes them.
        rewritten: Their graphs.
        contract: The frames that the bundle accepts.
        model: Its task and classes.

    Raises:
        NoProgram: If the bundle, or its graph, has no such form.
    """
    if model.task != "segment":
        raise NoProgram("a network that classifies")
    if len(stages) != 1:
        raise NoProgram(f"{len(stages)} stages")
    if contract.pixels.channels != "grey":
        raise NoProgram("frames in colour")
    if len(model.classes) != 2:
        raise NoProgram(f"{len(model.classes)} classes")
    size = (contract.height, contract.width)
    program = match_program(rewritten[0].plain.graph, file=stages[0].name + SUFFIX, size=size)
    obstacle = find_program_obstacle(program.info, *size)
    if obstacle is not None:
        raise NoProgram(f"a form that the backend does not plan: it {obstacle}")
    return program
