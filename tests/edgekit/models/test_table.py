"""The table that ships is the one that the counter makes."""

from __future__ import annotations

import json

from edgekit.models import MODELS
from edgekit.models.table import TABLE_FILE, make_table, read_table


def test_the_table_that_ships_equals_a_new_one() -> None:
    anew = make_table()
    assert read_table() == anew
    assert TABLE_FILE.read_text(encoding="utf-8") == json.dumps(anew, indent=2) + "\n"


def test_rows_have_the_documented_keys() -> None:
    document = read_table()
    assert document["schema"] == "edgekit.models/1"
    assert [row["name"] for row in document["models"]] == [spec.name for spec in MODELS]
    for row in document["models"]:
        assert {
            "name",
            "task",
            "input",
            "parameters",
            "macs",
            "flops",
            "flops_rule",
            "paper",
            "exits",
        } <= row.keys()
        spec = MODELS.get(row["name"])
        assert row["input"] == [spec.channels, *spec.size]
        assert (row["task"], row["recipe"], row["classes"]) == (spec.task, spec.recipe, list(spec.classes))


def test_figures_of_cheapnet_s() -> None:
    row = read_table()["models"][0]
    assert row["name"] == "cheapnet-s"
    assert (row["parameters"], row["macs"], row["flops"]) == (277, 10_448_896, 26_421_248)
    assert row["flops_rule"] == "thop0.1.1"


def test_figures_that_papers_print_are_in_the_table() -> None:
    rows = {row["name"]: row for row in read_table()["models"]}
    assert (rows["unet"]["parameters"], round(rows["unet"]["macs"] / 1e9, 4)) == (31_390_721, 7.8305)
    assert round(rows["resnet50"]["macs"] / 1e9, 3) == 21.353
    exits = rows["dinet"]["exits"]
    assert [leaving["threshold"] for leaving in exits] == [0.8, 0.7, 0.6, 0.5]
    assert [round(leaving["macs"] / 1e9, 3) for leaving in exits] == [4.912, 12.428, 22.226, 28.601]


def test_only_models_with_early_exits_list_any() -> None:
    listed = {row["name"] for row in read_table()["models"] if row["exits"]}
    assert listed == {"dinet", "dinet-a", "dinet-table1", "mobile-di"}
