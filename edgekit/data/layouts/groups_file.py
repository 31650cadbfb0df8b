"""`groups.csv`: which images show one physical thing, in the words of the person who knows.

    ROOT/groups.csv
        image,group
        images/plate-17.png,coil-3       an image's path below ROOT, or the name that edgekit gives it
        plate-18,coil-3

Beside any layout it replaces the groups that the layout derives. It must name every image once: an image that it
forgets would be split from its group in silence, and a misspelt one is such an image.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from edgekit.data.contract import Dataset, View
from edgekit.data.strata import share_strata
from edgekit_runtime.errors import DatasetError, IoFault

GROUPS_FILE = "groups.csv"
IMAGE, GROUP = "image", "group"


@dataclass(frozen=True)
class GroupsTable:
    """The lines of a groups file.

    Attributes:
        path: Where it was read.
        columns: Names of the columns.
        lines: The cells by column, for each image as it is written.
    """

    path: Path
    columns: tuple[str, ...]
    lines: Mapping[str, Mapping[str, str]]

    def assign(self, names: Collection[str]) -> dict[str, Mapping[str, str]]:
        """Return the line of each image.

        Args:
            names: Every item's name.

        Raises:
            DatasetError: If a line names no image or one that another line named, or an image has no line.
        """
        known = _by_last_part(names)
        found: dict[str, Mapping[str, str]] = {}
        for text, line in self.lines.items():
            name = _find_name(text, names, known)
            if name is None:
                raise DatasetError(
                    f"{self.path} names {text!r}, which is none of the {len(names)} images.",
                    remedy=f"Write the image's path below {self.path.parent}, or take the line out.",
                )
            if name in found:
                raise DatasetError(
                    f"{self.path} names the image {name} twice.", remedy="Keep one of the lines."
                )
            found[name] = line
        missing = sorted(set(names) - set(found))
        if missing:
            raise DatasetError(
                f"{self.path} has no line for {len(missing)} of {len(names)} images, such as {missing[0]}.",
                remedy="Add a line for each; an image that shows a thing of its own gets a group of its own.",
            )
        return found

    def column(self, column: str, names: Collection[str]) -> dict[str, str]:
        """Return one column's cell for each image.

        Raises:
            DatasetError: If a cell is empty, or as `assign`.
        """
        found = {name: line[column] for name, line in self.assign(names).items()}
        empty = sorted(name for name, cell in found.items() if not cell)
        if empty:
            raise DatasetError(
                f"{self.path} gives {empty[0]} no {column}.",
                remedy=f"Fill the column {column} on every line.",
            )
        return found


class Regrouped(View):
    """A dataset with the groups of a groups file.

    Args:
        source: The dataset.
        table: The file, with the columns `image` and `group`.
        names: Names of all images of the folder, also of those that the dataset leaves out.

    Raises:
        DatasetError: If the file and the images do not fit each other.
    """

    def __init__(self, source: Dataset, table: GroupsTable, names: Collection[str]) -> None:
        super().__init__(source)
        groups = table.column(GROUP, names)
        self.items = share_strata([replace(item, group=groups[item.name]) for item in source.items])


def read_groups_file(root: Path) -> GroupsTable | None:
    """Read `root`/groups.csv; None where there is none.

    Raises:
        DatasetError: If it is no table in UTF-8 with a column `image`, or names an image twice.
        IoFault: If it cannot be read.
    """
    path = root / GROUPS_FILE
    if not path.is_file():
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = tuple(reader.fieldnames or ())
            if IMAGE not in columns or len(set(columns)) < len(columns):
                raise _refuse(path, f"its first line is {', '.join(columns) or 'empty'}")
            return GroupsTable(path, columns, dict(_read_lines(path, reader)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _refuse(path, str(error)) from error
    except OSError as error:
        raise IoFault(f"{path} cannot be read: {error.strerror}.") from error


def regroup(
    dataset: Dataset,
    table: GroupsTable | None,
    list_names: Callable[[], Collection[str]],
    *,
    own_column: str | None = None,
) -> Dataset:
    """Return the dataset with the groups of its groups file, or as it is where its layout has read them itself.

    Args:
        dataset: The dataset.
        table: Its groups file, if there is one.
        list_names: Returns the names of all images of the folder, also of those that the dataset leaves out.
        own_column: The column that the dataset's layout reads itself; None where it reads none. In any other layout a
            file with that column is refused: its groups would be overlooked, and their images parted.

    Raises:
        DatasetError: If the file has neither a column `group` nor the layout's own, or does not fit the images.
    """
    if table is None:
        return dataset
    if GROUP in table.columns:
        return Regrouped(dataset, table, frozenset(list_names()))
    if own_column in table.columns:
        return dataset
    raise _refuse(table.path, f"its first line is {', '.join(table.columns)}")


def join_groups(sets: Iterable[Collection[str]]) -> dict[str, str]:
    """Return for each name the least name that it is joined with, directly or through others.

    Args:
        sets: Names that belong together; sets that share a name are one.
    """
    group_of: dict[str, set[str]] = {}
    for names in sets:
        joined = set(names).union(*(group_of[name] for name in names if name in group_of))
        group_of.update(dict.fromkeys(joined, joined))
    least = {id(group): min(group) for group in group_of.values()}
    return {name: least[id(group)] for name, group in group_of.items()}


def _read_lines(path: Path, reader: csv.DictReader[str]) -> Iterator[tuple[str, dict[str, str]]]:
    seen: set[str] = set()
    for line in reader:
        # The csv module files surplus cells under None, and gives None for cells that are not there.
        if None in line or None in line.values():
            raise _refuse(path, f"line {reader.line_num} has not {len(reader.fieldnames or ())} cells")
        cells = {name: cell.strip() for name, cell in line.items()}
        if cells[IMAGE] in seen:
            raise DatasetError(
                f"{path} names the image {cells[IMAGE]} twice, again on line {reader.line_num}.",
                remedy="Keep one of the lines.",
            )
        seen.add(cells[IMAGE])
        yield cells[IMAGE], cells


def _refuse(path: Path, reason: str) -> DatasetError:
    return DatasetError(
        f"{path} is no table with the columns {IMAGE} and {GROUP}: {reason}.",
        remedy=f"Begin it with the line {IMAGE},{GROUP} and save it as comma-separated UTF-8, or rename it if it "
        "means something else.",
    )


def _by_last_part(names: Iterable[str]) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for name in names:
        parts = tuple(name.split("/"))
        found[parts[-1]].append(parts)
    return found


def _find_name(text: str, names: Collection[str], known: Mapping[str, list[tuple[str, ...]]]) -> str | None:
    """Return the name of the item that is meant: the text itself, or its path without suffix and some folders.

    Layouts leave folders that say nothing out of names: images/plate-17.png is "plate-17".
    """
    if text in names:
        return text
    path = PurePosixPath(text.replace("\\", "/"))
    fitting = [
        parts
        for last in {path.name, path.stem}
        for parts in known.get(last, ())
        if _is_subsequence(parts[:-1], path.parts[:-1])
    ]
    longest = max((len(parts) for parts in fitting), default=0)
    best = [parts for parts in fitting if len(parts) == longest]
    return "/".join(best[0]) if len(best) == 1 else None


def _is_subsequence(part: Sequence[str], whole: Sequence[str]) -> bool:
    rest = iter(whole)
    return all(name in rest for name in part)
