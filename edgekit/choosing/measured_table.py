"""The table of measured models that ships as `measured.json`.

`python -m edgekit.choosing.measured_table benchmarks/results` writes it anew from the documents there, and from nothing
else; a test compares the two.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgekit.choosing.measurements import (
    Measurement,
    Quality,
    Speed,
    read_quality,
    read_speed,
    summarise_quality,
)
from edgekit_runtime.bundle.decoding import decode, encode

SCHEMA = "edgekit.measured/1"
TABLE_FILE = Path(__file__).with_name("measured.json")

TIMED = {
    "cheapnet-s": "cpu/cheapnet-s-onnxruntime.json",
    "cheapnet-m": "cpu/cheapnet-m-onnxruntime.json",
}
"""Model → document `edgekit.bench/1`."""

EVALUATED = {
    "synthetic:dagm/6": "cheapnet-synthetic/eval-{model}-bundle.json",
    "DAGM/Class6": "cheapnet-synthetic/eval-{model}-bundle-real.json",
}
"""What --data was → document `edgekit.eval/1`."""

COMPARED = ("neu-seg", "magnetic-tile")
"""Sets of real-sets/compare.py, one document per seed."""

PRECISIONS = {"fp32": "fp32", "int8": "int8"}
"""Form of precision.py → precision."""

UNET_TAKEN, UNET_SIDE = "2026-11-21", 208
"""Of precision/unet-32.json, as the README beside it says; the document itself does not."""


def read_measured() -> list[Measurement]:
    """Return the rows that ship."""
    document: dict[str, Any] = json.loads(TABLE_FILE.read_text(encoding="utf-8"))
    return [decode(Measurement, row, f"row {index}") for index, row in enumerate(document["rows"])]


def make_measured(results: Path) -> dict[str, Any]:
    """Return the document anew from the folder benchmarks/results."""
    rows = [*_list_cheapnet(results), *_list_unet(results)]
    return {"schema": SCHEMA, "rows": [encode(row) for row in rows]}


def _list_cheapnet(results: Path) -> Iterator[Measurement]:
    for model, source in TIMED.items():
        bench = _read(results, source)
        subject = bench["runs"][0]["subject"]
        speed = read_speed(bench, subject, source)
        for data, pattern in EVALUATED.items():
            file = pattern.format(model=model)
            quality = read_quality(
                _read(results, file), command=f"edgekit eval {model}.edgekit --data {data}", source=file
            )
            yield Measurement(model, subject["precision"], quality, speed)
        for data in COMPARED:
            yield Measurement(model, subject["precision"], _compare(results, data, model), speed)


def _list_unet(results: Path) -> Iterator[Measurement]:
    """The peer: real steel, at the size of its images; its speed is that of the network alone."""
    source = "precision/unet-32.json"
    document = _read(results, source)
    for form, precision in PRECISIONS.items():
        found = document["forms"][form]
        speed = Speed(
            ms=found["median_ms"],
            scope="frame to mask",
            height=UNET_SIDE,
            width=UNET_SIDE,
            backend="onnxruntime",
            machine=f"{document['platform']['cpu']}, {document['platform']['cores_usable']} cores",
            threads=2,
            taken=UNET_TAKEN,
            command=document["command"],
            source=source,
        )
        if precision == "fp32":
            yield Measurement(
                "unet-32", precision, _compare(results, "neu-seg", "unet-32", "--autocast"), speed
            )
            continue
        quality = Quality(
            data=f"neu-seg, {found['part']} part",
            images=found["images"],
            runs=1,
            recall=None,
            miou=found["miou"],
            escape=None,
            overkill=None,
            min_area_px=None,
            command=document["command"],
            sources=(source,),
        )
        yield Measurement("unet-32", precision, quality, speed)


def _compare(results: Path, data: str, model: str, *options: str) -> Quality:
    files = sorted((results / "real-sets" / data).glob(f"{data}-{model}-[0-9].json"))
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    seeds = " ".join(str(document["seed"]) for document in documents)
    script = "python benchmarks/results/real-sets/compare.py"
    words = " ".join([f"{script} DATA/{data} --model {model} --seed $seed", *options])
    return summarise_quality(
        [document["test"] for document in documents],
        data=f"{data}, test part",
        command=f"for seed in {seeds}; do {words}; done",
        sources=[file.relative_to(results).as_posix() for file in files],
    )


def _read(results: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((results / name).read_text(encoding="utf-8"))
    return document


def write_measured(results: Path) -> None:
    """Write measured.json."""
    text = json.dumps(make_measured(results), indent=1, ensure_ascii=False)
    TABLE_FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_measured(Path(sys.argv[1]))
