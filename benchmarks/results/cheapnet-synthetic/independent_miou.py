"""mIoU of a bundle by bare onnxruntime and a metric of ten lines: neither the runtime nor the metrics of edgekit.

    python benchmarks/results/cheapnet-synthetic/independent_miou.py cheapnet-s.edgekit [DATA] [PART]

Only the images and their split come from edgekit. DATA is synthetic:dagm/6 and PART is test, unless others are named.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime

from edgekit.data import open_dataset, split_dataset

bundle, data, part = (*sys.argv[1:], *("", "synthetic:dagm/6", "test")[len(sys.argv) - 1 :])
dataset = open_dataset(data)
if part != "all":
    dataset = split_dataset(dataset).subset(dataset, part)
session = onnxruntime.InferenceSession(
    Path(bundle, "main.onnx").read_bytes(), providers=["CPUExecutionProvider"]
)

both, either = np.zeros(2), np.zeros(2)
for index in range(len(dataset)):
    sample = dataset.load(index)
    (mask,) = session.run(["mask"], {"frame": sample.image[None], "threshold": np.array(0, np.float32)})
    for value in (0, 1):
        found, true = mask[0] == value, sample.mask == value
        both[value] += (found & true).sum()
        either[value] += (found | true).sum()
print(f"{bundle} on {dataset.name}, {len(dataset)} images: mIoU {np.mean(both / either):.6f}")
