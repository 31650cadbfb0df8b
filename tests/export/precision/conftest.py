"""Networks of the tests as precision passes get them, traced once."""

from __future__ import annotations

import onnx_ir as ir
import pytest

from tests.export.precision.staging import make_stages


@pytest.fixture(scope="session")
def segmenting(segmenter, grey, grey_frames) -> tuple[ir.Model, ...]:
    return make_stages(segmenter, grey, grey_frames)


@pytest.fixture(scope="session")
def classifying(classifier, grey, grey_frames) -> tuple[ir.Model, ...]:
    return make_stages(classifier, grey, grey_frames)
