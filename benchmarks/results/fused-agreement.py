"""How many pixels of real and generated images the `fused` backend and ONNX Runtime mark differently.

    python benchmarks/results/fused-agreement.py cheapnet-s.edgekit synthetic:dagm/6 ../shared/data/dagm2007/Class6

Counts, over every image of each dataset that the bundle takes: pixels of the mask that differ, how many of these lie
outside the rounding bound of their logit (none may), and how many pixels lie within it. The bound is derived in
`edgekit_export.fusing.rounding_bounds`. Prints one JSON document.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from edgekit.data import open_dataset
from edgekit_export.fusing.program import Program
from edgekit_export.fusing.reference import evaluate_program
from edgekit_runtime import Bundle, Detector
from edgekit_runtime.bundle.npz import parse_arrays
from edgekit_runtime.errors import FrameError
from edgekit_runtime.frames import prepare_frame


def compare(bundle: Bundle, data: str) -> dict[str, Any]:
    """Return the counts of one dataset."""
    (stage,) = bundle.manifest.stages
    assert stage.program is not None
    program = Program(stage.program, parse_arrays(bundle.read(stage.program.weights)))
    threshold = bundle.manifest.thresholds[0].default
    dataset = open_dataset(data)
    counts = dict.fromkeys(("images", "pixels", "different", "different_outside", "undecided"), 0)
    with Detector(bundle, backend="fused") as fused, Detector(bundle, backend="onnxruntime") as general:
        for index in range(len(dataset)):
            image = dataset.load(index).image
            try:
                batch = prepare_frame(image, bundle.manifest.input)
            except FrameError:
                continue
            exact = evaluate_program(program, batch.frames)
            height, width = image.shape
            undecided = exact.find_undecided(threshold)[0, :height, :width]
            different = fused(image).mask != general(image).mask
            counts["images"] += 1
            counts["pixels"] += different.size
            counts["different"] += int(np.sum(different))
            counts["different_outside"] += int(np.sum(different & ~undecided))
            counts["undecided"] += int(np.sum(undecided))
    return {"data": dataset.name, **counts}


def main() -> None:
    """Compare, print."""
    path, *data = sys.argv[1:]
    bundle = Bundle.open(path)
    rows = [compare(bundle, each) for each in data]
    print(json.dumps({"bundle": bundle.manifest.name, "digest": bundle.digest, "data": rows}, indent=1))


if __name__ == "__main__":
    main()
