"""The rows of a program in the parity table: they pass for what is right, and fail for what is wrong."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from edgekit_export import export_bundle
from edgekit_export.execution import ChainRunner
from edgekit_export.fusing.checking import can_run_programs, check_program_masks, check_program_values
from edgekit_export.fusing.matching import match_program
from edgekit_export.fusing.program import Program
from edgekit_export.fusing.reference import evaluate_program
from edgekit_export.graph_io import expose_value
from edgekit_export.parity import ParityFailed
from edgekit_runtime.bundle import Bundle, arrays_bytes
from edgekit_runtime.bundle.npz import parse_arrays
from edgekit_runtime.verification import verify_bundle
from tests.export.building import PROVENANCE, Built, build, model_info
from tests.export.fusing.networks import SmallU
from tests.export.networks import settle

SIZE = (32, 48)

needs_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")


@pytest.fixture(scope="module")
def network():
    # With seed 0 a γ near 0 keeps three arrays from the logits.
    return settle(SmallU(2, activation=lambda: nn.LeakyReLU(0.25)), 1, seed=1)


@pytest.fixture(scope="module")
def built(network, grey, grey_frames) -> Built:
    return build(network, grey, grey_frames, classes=1)


@pytest.fixture(scope="module")
def program(built) -> Program:
    return match_program(built.rewritten[0].plain.graph, file="main.fused.npz", size=SIZE)


@pytest.fixture(scope="module")
def export(network, grey, grey_frames):
    """Return a function that exports the network."""

    def run(out, **more):
        arguments = {
            "name": "test",
            "model_info": model_info("segment", 1),
            "normalisation": grey,
            "samples": list(grey_frames),
            "provenance": PROVENANCE,
            "size": SIZE,
            **more,
        }
        return export_bundle(network, out=out, **arguments)

    return run


@pytest.fixture(scope="module")
def exported(export, tmp_path_factory) -> Bundle:
    return Bundle.open(export(tmp_path_factory.mktemp("exported") / "a.edgekit").path)


def change(program: Program, name: str, amount: float) -> Program:
    """Return the program with one weight moved."""
    array = program.weights[name].copy()
    array.reshape(-1)[-1] += np.float32(amount)
    return replace(program, weights={**program.weights, name: array})


def test_onnxruntime_stays_within_the_bound(built, program):
    data = expose_value(built.graphs[0], "logits")
    found = ChainRunner([data], batch=None).run(built.expected.frames, {"threshold": 0.0})["logits"]
    answer = evaluate_program(program, built.expected.frames)
    distance = np.abs(found - answer.logits)
    assert (distance <= answer.bounds).all()
    assert distance.any()  # it is another evaluation, not the same one


def test_the_values_of_the_program_pass(built, program):
    row = check_program_values(evaluate_program(program, built.expected.frames), built.expected)
    assert (row.name, row.ok) == ("program: values", True), row.detail


def test_every_array_counts(built, program):
    for name in program.weights:
        answer = evaluate_program(change(program, name, 0.01), built.expected.frames)
        row = check_program_values(answer, built.expected)
        assert not row.ok, name


def test_a_wrong_slope_or_shift_fails(built, program):
    operations = list(program.info.operations)
    operations[2] = replace(operations[2], negative_slope=0.26)
    shift = program.info.frame_shift
    for info in (
        replace(program.info, operations=tuple(operations)),
        replace(program.info, frame_shift=shift + 0.1),
    ):
        answer = evaluate_program(replace(program, info=info), built.expected.frames)
        assert not check_program_values(answer, built.expected).ok


def test_the_bundle_holds_the_program(exported, program):
    (stage,) = exported.manifest.stages
    assert stage.program == program.info
    weights = parse_arrays(exported.read("main.fused.npz"))
    assert list(weights) == list(program.weights)
    assert all(np.array_equal(weights[name], array) for name, array in program.weights.items())
    rows = {check.name: check.ok for check in exported.manifest.parity}
    assert rows["program: values"]
    assert rows.get("program: masks", True)
    assert ("program: masks" in rows) == can_run_programs()


def test_a_rewrite_changes_the_graph_and_not_the_program(exported, export, tmp_path):
    other = Bundle.open(export(tmp_path / "a.edgekit", rewrites=frozenset({"subpixel"})).path)
    assert other.read("main.onnx") != exported.read("main.onnx")
    assert other.read("main.fused.npz") == exported.read("main.fused.npz")
    assert other.manifest.stages[0].program == exported.manifest.stages[0].program


def test_without_numba_the_same_program_is_written(exported, export, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "numba" else find(name))
    lines = []
    paths = [tmp_path / name / "a.edgekit" for name in ("first", "second")]
    for path in paths:
        path.parent.mkdir()
        export(path, report=lines.append)
    first, second = (Bundle.open(path) for path in paths)
    assert first.digest == second.digest
    assert first.read("main.fused.npz") == exported.read("main.fused.npz")
    assert "program: masks" not in {check.name for check in first.manifest.parity}
    assert not [line for line in lines if line.startswith("no fused program")]


def test_a_network_without_a_program_says_why_and_is_exported(segmenter, grey, grey_frames, tmp_path):
    lines = []
    report = export_bundle(
        segmenter,
        out=tmp_path / "a.edgekit",
        name="test",
        model_info=model_info("segment", 1),
        normalisation=grey,
        samples=list(grey_frames),
        provenance=PROVENANCE,
        size=SIZE,
        report=lines.append,
    )
    (line,) = [line for line in lines if line.startswith("no fused program: ")]
    assert "up.0.ConvTranspose" in line
    assert report.stages[0].program is None
    assert not [name for name in Bundle.open(report.path).manifest.files if name.endswith(".npz")]


def test_a_program_that_answers_otherwise_writes_nothing(export, tmp_path, monkeypatch):
    def match_wrongly(*arguments, **more):
        return change(match_program(*arguments, **more), "up1.weight", 0.01)

    monkeypatch.setattr("edgekit_export.fusing.stage_program.match_program", match_wrongly)
    with pytest.raises(ParityFailed) as caught:
        export(tmp_path / "a.edgekit")
    assert [check.name for check in caught.value.checks if not check.ok] == ["program: values"]
    assert list(tmp_path.iterdir()) == []


@needs_numba
def test_the_backend_gives_the_masks_of_the_reference(exported, built, program):
    files = {name: exported.read(name) for name in exported.manifest.files}
    answer = evaluate_program(program, built.expected.frames)
    row = check_program_masks(exported.manifest, files, built.expected.frames, answer)
    assert (row.name, row.ok) == ("program: masks", True), row.detail


@needs_numba
def test_a_file_of_other_weights_fails_by_its_masks(exported, built, program):
    files = {name: exported.read(name) for name in exported.manifest.files}
    files["main.fused.npz"] = arrays_bytes(change(program, "stem.weight", 0.01).weights)
    answer = evaluate_program(program, built.expected.frames)
    assert not check_program_masks(exported.manifest, files, built.expected.frames, answer).ok


@needs_numba
def test_a_backend_that_answers_otherwise_writes_nothing(export, tmp_path, monkeypatch):
    # What is written is not what was compared with torch: only the backend is left to see it.
    def write_wrongly(weights):
        return arrays_bytes({name: array * np.float32(1.01) for name, array in weights.items()})

    monkeypatch.setattr("edgekit_export.pipeline.arrays_bytes", write_wrongly)
    with pytest.raises(ParityFailed) as caught:
        export(tmp_path / "a.edgekit")
    assert [check.name for check in caught.value.checks if not check.ok] == ["program: masks"]
    assert list(tmp_path.iterdir()) == []


@needs_numba
@pytest.mark.parametrize("backend", ["fused", "onnxruntime"])
def test_golden_samples_are_those_of_both_backends(exported, backend):
    report = verify_bundle(exported.path, backend=backend, device="cpu")
    assert report.ok, report.checks
    assert "program main" in {check.name for check in report.checks}
