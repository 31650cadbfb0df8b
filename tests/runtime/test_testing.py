import ast
import inspect
import textwrap
from functools import partial

import numpy as np
import pytest

import edgekit_runtime.testing
from edgekit_runtime import Bundle, Detector, verify_bundle
from edgekit_runtime.bundle import PixelFormat
from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.testing import FakeBackend, fake_bundle
from tests.conformance.backend_conformance import HEIGHT, WIDTH, StagedBackendConformance


class TestFakeBackendConforms(StagedBackendConformance):
    @pytest.fixture
    def make_backend(self, tmp_path):
        def make(task):
            exits = 2 if task == "classify" else 1
            path = tmp_path / f"{task}.edgekit"
            if not path.exists():
                fake_bundle(path, task=task, exits=exits, height=HEIGHT, width=WIDTH)
            return FakeBackend(Bundle.open(path))

        # Written before threads ask for them.
        make("segment")
        make("classify")
        return make


def test_the_documented_example_passes(tmp_path):
    documentation = inspect.getdoc(edgekit_runtime.testing)
    code = textwrap.dedent(documentation[documentation.index("    from functools") :])
    names = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    assert len(names) == 2
    namespace = {}
    exec(code, namespace)
    for name in names:
        (tmp_path / name).mkdir()
        namespace[name](tmp_path / name)


@pytest.mark.parametrize("channels", ["grey", "rgb", "bgr"])
@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("fit", ["refuse", "pad"])
@pytest.mark.parametrize(("task", "exits"), [("segment", 1), ("classify", 1), ("classify", 4)])
def test_fake_bundles_are_valid_and_verify(tmp_path, task, exits, fit, batch, channels):
    path = tmp_path / "fake.edgekit"
    size = {"height": 9, "width": 7}
    written = fake_bundle(
        path, task=task, exits=exits, batch=batch, pixels=PixelFormat(channels), fit=fit, **size
    )
    assert Bundle.open(path).digest == written.digest
    assert written.manifest.input.fit == fit
    report = verify_bundle(path, backend=FakeBackend)
    assert report.ok, report.checks


def test_exits_need_a_bundle_that_classifies(tmp_path):
    with pytest.raises(UsageProblem, match="exit"):
        fake_bundle(tmp_path / "fake.edgekit", exits=2)
    with pytest.raises(UsageProblem, match="exit"):
        fake_bundle(tmp_path / "fake.edgekit", task="classify", exits=0)
    assert not any(tmp_path.iterdir())


def test_a_function_may_answer(tmp_path):
    bundle = fake_bundle(tmp_path / "fake.edgekit")
    backend = partial(
        FakeBackend, answers={"segment": lambda inputs: {"mask": (inputs["frame"] == 7).astype(np.uint8)}}
    )
    frame = np.zeros((32, 32), np.uint8)
    frame[3, 5] = 7
    with Detector(bundle, backend=backend) as detector:
        assert [(r.x1, r.y1, r.area_px) for r in detector(frame).regions] == [(5, 3, 1)]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"stage": {}}, "No stage 'stage'"),
        ({"segment": {"masks": 0}}, "no output 'masks'"),
        ({"segment": {"mask": np.zeros((5, 5))}}, "must fit uint8"),
    ],
)
def test_answers_that_fit_nothing_are_named(tmp_path, answers, message):
    bundle = fake_bundle(tmp_path / "fake.edgekit")
    with (
        pytest.raises(UsageProblem, match=message),
        Detector(bundle, backend=partial(FakeBackend, answers=answers)) as detector,
    ):
        detector(np.zeros((32, 32), np.uint8))
