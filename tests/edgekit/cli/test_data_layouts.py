"""`edgekit data layouts`."""

from __future__ import annotations

import json

from edgekit.data.generated import STYLES
from edgekit.data.opening import LAYOUTS
from tests.edgekit.conftest import RunCli


def test_people_see_every_layout_in_the_order_of_recognition(run_cli: RunCli) -> None:
    result = run_cli("data", "layouts")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert [line.split("  ")[0] for line in lines[: -len(STYLES)]] == [layout.title for layout in LAYOUTS]
    assert lines[-2].startswith("synthetic:dagm[/CLASS]")
    assert lines[-1].startswith("synthetic:fabric[/CLASS]")


def test_every_layout_says_how_its_folder_looks(run_cli: RunCli) -> None:
    document = json.loads(run_cli("data", "layouts", "--json").out)
    assert document["schema"] == "edgekit.data-layouts/1"
    assert [entry["title"] for entry in document["layouts"]] == [layout.title for layout in LAYOUTS]
    assert all(entry["looks"] and "\n" not in entry["looks"] for entry in document["layouts"])
    assert document["generated"] == ["synthetic:dagm[/CLASS]", "synthetic:fabric[/CLASS]"]
