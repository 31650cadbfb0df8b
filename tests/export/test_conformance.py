"""The networks that only these tests define are exportable like the project's own."""

from __future__ import annotations

import pytest
from torch import nn

from tests.conformance.exportable_conformance import ExportableConformance
from tests.export.building import CLASSES
from tests.export.fusing.networks import SmallU
from tests.export.networks import settle


class TestSegmenter(ExportableConformance):
    @pytest.fixture
    def exportable(self, segmenter):
        return segmenter


class TestClassSegmenter(ExportableConformance):
    @pytest.fixture
    def exportable(self, class_segmenter):
        return class_segmenter

    @pytest.fixture
    def classes(self):
        return CLASSES[3]


class TestClassifier(ExportableConformance):
    @pytest.fixture
    def exportable(self, classifier):
        return classifier

    @pytest.fixture
    def classes(self):
        return CLASSES[3]


class TestNetworkWithAProgram(ExportableConformance):
    @pytest.fixture
    def exportable(self):
        return settle(SmallU(3, stem_stride=2, activation=nn.ReLU), 1)
