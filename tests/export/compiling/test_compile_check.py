"""What became of a stage: counted from the log of its build, with faults by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit_export.compiling import (
    CompileCheck,
    CompiledStage,
    compile_stages,
    describe_engine,
    make_check,
    render_check,
    require_no_faults,
)
from edgekit_export.compiling.compile_check import make_report
from edgekit_runtime.backends.tensorrt.build_log import BuildLog, EngineLayer, EngineTensor
from edgekit_runtime.backends.tensorrt.building import BuiltEngine
from edgekit_runtime.backends.tensorrt.profiles import Batches
from edgekit_runtime.bundle.names import find_name_fault
from edgekit_runtime.errors import GateFailed, MissingDependency
from tests.export.compiling.single_nodes import Trial, write_trial

CONV = Trial("Conv", 4, 4, 3)


def tensor(dtype: str) -> EngineTensor:
    return EngineTensor("t", dtype, (1, 4, 16, 16))


def layer(name: str, kind: str, taken: str, given: str, *nodes: str) -> EngineLayer:
    return EngineLayer(name, kind, (tensor(taken),), (), (tensor(given),), nodes)


def report(level: str, *layers: EngineLayer, targets=(86,), trial=CONV):
    log = BuildLog(layers, (tensor("Float"),), (EngineTensor("y", "Float", ()),))
    return make_report("main", write_trial(trial, level)[1], log, 5, targets)


PADDING = layer("__myl_MoveReshConcResh_myl0_0", "kgen", "Int8", "Int8", "node")
SCALING = layer("__myl_MulAddMulMax_myl0_2", "kgen", "Float", "Float", "node", "after")
COMPUTING = layer("node_U1_myl0_1", "correlation", "Int8", "Float", "node", "data.back")
FLOATING = layer("node_U1_myl0_1", "correlation", "Float", "Float", "node")


def test_the_layer_that_computes_counts_and_not_those_around_it():
    found = report("int8", PADDING, COMPUTING, SCALING)
    (precision,) = found.precisions
    assert (precision.node, precision.asked, precision.achieved) == ("node", "int8", "int8")
    assert precision.layer == COMPUTING.name
    assert found.roles == {"compute": 2, "padding": 1}
    assert found.kinds == {"correlation": 1, "kgen": 2}
    assert found.types == {"Float → Float": 1, "Int8 → Float": 1, "Int8 → Int8": 1}
    assert (found.nodes, found.layers, found.outputs) == (6, 3, {"y": "Float"})
    assert found.faults == ()


def test_float_where_int8_was_asked_for_is_a_fault_that_names_the_layer():
    (fault,) = report("int8", PADDING, FLOATING, SCALING).faults
    for part in ("stage 'main'", "Conv 'node'", "int8", "'node_U1_myl0_1'", "fp32"):
        assert part in fault


def test_int8_that_is_only_added_makes_no_int8_convolution():
    weights = EngineTensor("w", "Float", (4, 4, 3, 3))
    adding = replace(FLOATING, inputs=(tensor("Float"), tensor("Int8")), constants=(weights,))
    assert len(report("int8", adding).faults) == 1
    scale = EngineTensor("s", "Float", (1, 4, 1, 1))
    whole = replace(COMPUTING, constants=(scale, replace(weights, dtype="Int8")))
    assert report("int8", whole).faults == ()


def test_a_generated_kernel_that_takes_int8_computes_in_float():
    kernel = layer("__myl_CastMulMulSum_myl0_0", "kgen", "Int8", "Float", "node")
    (fault,) = report("int8", kernel, SCALING).faults
    assert "fp32" in fault


def test_a_generated_product_is_told_by_its_weights():
    """As seen: the kernel casts what it takes to half and multiplies it with weights in half."""
    taken, weights = tensor("Float"), EngineTensor("w", "Half", (8, 3))
    small = EngineTensor("b", "Float", (1, 3))
    product = EngineLayer(
        "__myl_CastReshMulSum_myl0_3", "kgen", (taken,), (small, weights), (taken,), ("node",)
    )
    found = report("fp16", SCALING, product)
    assert found.precisions[0].achieved == "fp16"
    assert found.precisions[0].layer == product.name
    heavy = replace(product, constants=(replace(weights, dtype="Float"),))
    assert len(report("fp16", SCALING, heavy).faults) == 1


def test_fp32_where_fp16_was_asked_for_is_a_fault():
    assert len(report("fp16", FLOATING).faults) == 1


def test_a_node_that_no_layer_names_is_a_fault():
    (fault,) = report("fp32", layer("other", "correlation", "Float", "Float", "before")).faults
    assert "no layer names it" in fault


@pytest.mark.parametrize(
    ("trial", "targets"), [(CONV, (75,)), (CONV, (75, 86)), (Trial("ConvTranspose", 4, 4, 3), (86,))]
)
def test_float_where_int8_cannot_be_had_is_none(trial, targets):
    found = report("int8", FLOATING, targets=targets, trial=trial)
    assert found.precisions[0].achieved == "fp32"
    assert found.faults == ()


def make_stage(*layers: EngineLayer) -> CompiledStage:
    info, _ = write_trial(CONV, "int8")
    engine = BuiltEngine(b"plan", BuildLog((), (), ()), "9.9", (86, 120), None)
    return CompiledStage(info, engine, report("int8", *layers))


def test_a_fault_stops_an_export():
    require_no_faults(make_check([make_stage(COMPUTING)]))
    with pytest.raises(GateFailed, match=r"TensorRT-RTX 9\.9 did not compile .*'node'.*2 nodes in all"):
        require_no_faults(make_check([make_stage(FLOATING)] * 2))


def test_the_table_says_what_the_check_is_and_what_it_found():
    text = render_check(make_check([make_stage(PADDING, FLOATING, SCALING)]))
    head, titles, row, fault = text.splitlines()
    assert head == (
        "TensorRT-RTX 9.9 compile check (SM 86, 120): says nothing of Jetson (SM 87) and nothing of speed."
    )
    assert titles.split()[:3] == ["stage", "nodes", "layers"]
    assert "2 compute, 1 padding" in row
    assert "Conv 1 fp32 (asked int8)" in row
    assert fault.startswith("✗ stage 'main', Conv 'node'")


def test_a_check_holds_the_faults_of_every_stage():
    reports = tuple(make_stage(FLOATING).report for _ in range(3))
    assert len(CompileCheck("c", (86,), reports).faults) == 3


@pytest.mark.parametrize(
    ("rows", "batches", "expected"),
    [(2, None, (2, 2, 2)), ("N", Batches(1, 4, 16), (1, 4, 16))],
)
def test_an_engine_is_described_by_what_it_takes(rows, batches, expected):
    stage = make_stage(COMPUTING)
    info, _ = write_trial(CONV, "int8", rows)
    described, plan = describe_engine(
        replace(stage, info=info, engine=replace(stage.engine, batches=batches))
    )
    assert plan == b"plan"
    assert described.file == "main.rtx.engine"
    assert find_name_fault(described.file) is None
    assert (described.builder, described.version, described.targets) == ("tensorrt-rtx", "9.9", (86, 120))
    assert (described.min_batch, described.tuned_batch, described.max_batch) == expected


@pytest.mark.parametrize("batch", [1, "N"])
def test_a_stage_is_compiled_for_real(batch):
    pytest.importorskip("tensorrt_rtx", reason="compiling needs TensorRT-RTX (edgekit[tensorrt-rtx])")
    batches = Batches(1, 2, 8) if batch == "N" else None
    (compiled,) = compile_stages([write_trial(CONV, "int8", batch)], batches=batches)
    check = make_check([compiled])
    require_no_faults(check)
    assert check.targets == (86, 89, 120)
    assert compiled.report.engine_bytes == len(compiled.engine.plan) > 0
    assert compiled.report.layers <= compiled.report.nodes
    assert describe_engine(compiled)[0].max_batch == (8 if batch == "N" else 1)


def test_without_the_compiler_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorrt_rtx", None)
    with pytest.raises(MissingDependency) as caught:
        compile_stages([write_trial(CONV, "fp32")])
    assert "edgekit[tensorrt-rtx]" in caught.value.remedy
