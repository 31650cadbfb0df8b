"""What the tests of lines share."""

import pytest

from tests.runtime.line.lines import make_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundle"), mm_per_pixel=0.5)
