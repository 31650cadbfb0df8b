"""The names of the classes in YOLO's `data.yaml` or `classes.txt`, without a YAML library.

Of a `data.yaml` one key is read, `names`, in the forms that tools write:

    names: [scratch, 'hole', "dent"]        names:            names:
    names: {0: scratch, 1: hole}              - scratch         0: scratch
                                              - hole            1: hole

Everything else that YAML allows there (anchors, tags, escapes, folded text) is refused rather than guessed.
"""

from __future__ import annotations

import re
from pathlib import Path

from edgekit_runtime.errors import DatasetError, IoFault

LARGEST_BYTES = 1 << 20
REMEDY = "Write the names as a plain list: names: [scratch, hole]"

_KEY = re.compile(r"""(?:names|'names'|"names")\s*:(?:\s+(?P<rest>.*))?""")
_COMMENT = re.compile(r"""(?:^|\s)#[^'"]*$""")
_INDEXED = re.compile(r"(?P<index>[0-9]{1,6})\s*:\s+(?P<name>.*)")
_LISTED = re.compile(r"-\s+(?P<name>.*)")
_SINGLE_QUOTED = re.compile(r"'(?:[^']|'')*'")
_DOUBLE_QUOTED = re.compile(r'"[^"\\]*"')
_PLAIN = re.compile(r"""[^\s'"\[\]{},#&*!|>%@`?:-][^'"\[\]{}#]*""")
_CLOSING = {"[": "]", "{": "}"}


def read_class_names(path: Path) -> list[str]:
    """Return the names in a `classes.txt`, one per line.

    Raises:
        DatasetError: If there is none, one is empty, or one is there twice.
    """
    return _check_names(path, [line.strip() for line in read_text(path).rstrip().split("\n")])


def read_yaml_names(path: Path) -> list[str]:
    """Return the names in a `data.yaml`, by class index.

    Raises:
        DatasetError: If `names` is missing, there twice, or in a form that is not read.
    """
    lines = [_COMMENT.sub("", line).rstrip() for line in read_text(path).split("\n")]
    found = [(number, match) for number, line in enumerate(lines) if (match := _KEY.fullmatch(line))]
    if len(found) != 1:
        raise DatasetError(
            f"{path} holds {len(found) or 'no'} lists of `names`; expected one.", remedy=REMEDY
        )
    number, match = found[0]
    rest = (match["rest"] or "").strip()
    entries = _take_flow(path, rest, lines[number + 1 :]) if rest else _take_block(lines[number + 1 :])
    return _check_names(path, _order_names(path, entries, listed=not rest))


def _take_flow(path: Path, first: str, following: list[str]) -> list[str]:
    """Return the entries of [a, b] or {0: a, 1: b}, which may go on over lines."""
    closing = _CLOSING.get(first[0])
    text = first
    for line in following:
        if closing is None or text.endswith(closing):
            break
        text += f" {line.strip()}"
        text = text.rstrip()
    if closing is None or not text.endswith(closing):
        raise _refuse(path, first)
    entries = [entry.strip() for entry in _split_at_commas(text[1:-1])]
    return entries if entries[-1] else entries[:-1]


def _split_at_commas(text: str) -> list[str]:
    entries, start, quote = [], 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == ",":
            entries.append(text[start:position])
            start = position + 1
    return [*entries, text[start:]]


def _take_block(following: list[str]) -> list[str]:
    """Return the indented lines, or those that begin with a dash, up to the next key."""
    entries = []
    for line in following:
        if line and not line.startswith((" ", "-")):
            break
        entries += [line.strip()] * bool(line)
    return entries


def _order_names(path: Path, entries: list[str], *, listed: bool) -> list[str]:
    """Return the names of entries that all are "index: name", or all are names (behind a dash where `listed`)."""
    indexed = [_INDEXED.fullmatch(entry) for entry in entries]
    if entries and all(indexed):
        names = {int(match["index"]): _read_scalar(path, match["name"]) for match in indexed if match}
        if sorted(names) != list(range(len(entries))):
            raise DatasetError(f"{path}: the classes in `names` are not numbered 0, 1, 2, ….", remedy=REMEDY)
        return [names[index] for index in range(len(names))]
    if listed:
        entries = [_strip_dash(path, entry) for entry in entries]
    return [_read_scalar(path, entry) for entry in entries]


def _strip_dash(path: Path, entry: str) -> str:
    match = _LISTED.fullmatch(entry)
    if match is None:
        raise _refuse(path, entry)
    return match["name"]


def _read_scalar(path: Path, text: str) -> str:
    text = text.strip()
    if _SINGLE_QUOTED.fullmatch(text):
        return text[1:-1].replace("''", "'")
    if _DOUBLE_QUOTED.fullmatch(text):
        return text[1:-1]
    if _PLAIN.fullmatch(text) and ": " not in text and not text.endswith(":"):
        return text
    raise _refuse(path, text)


def _refuse(path: Path, text: str) -> DatasetError:
    return DatasetError(f"{path}: edgekit cannot read {text[:60]!r} in `names`.", remedy=REMEDY)


def _check_names(path: Path, names: list[str]) -> list[str]:
    bad = [name for name in names if not name or not name.isprintable()]
    if bad or not names:
        raise DatasetError(f"{path} holds {f'the name {bad[0]!r}' if bad else 'no names'}.", remedy=REMEDY)
    return names


def read_text(path: Path) -> str:
    """Return the text of a small file.

    Raises:
        DatasetError: If it is no file, too large or no UTF-8.
        IoFault: If it cannot be read.
    """
    try:
        if not path.is_file():
            raise DatasetError(f"There is no file {path}.")
        if path.stat().st_size > LARGEST_BYTES:
            raise DatasetError(f"{path} has more than {LARGEST_BYTES:,} bytes; expected a short text.")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path} is not UTF-8 at byte {error.start}.", remedy="Save it as UTF-8."
        ) from error
    except OSError as error:
        raise IoFault(f"{path} cannot be read: {error.strerror}.") from error
