"""The rules of a verdict as a document that a person edits: what `edgekit rules` prints and takes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgekit_runtime.bundle.canonical_json import MAX_BYTES, JsonError, parse_json
from edgekit_runtime.bundle.contract_checks import find_length_faults
from edgekit_runtime.bundle.decoding import DecodingError, decode
from edgekit_runtime.bundle.manifest import Manifest
from edgekit_runtime.bundle.rule_checks import find_rule_faults
from edgekit_runtime.bundle.rules import VerdictRules
from edgekit_runtime.errors import IoFault, UsageProblem

SCHEMA = "edgekit.rules/1"

_SCALE = (
    "Give the width of a pixel on the part in millimetres, such as 0.317; leave it out where it is not known."
)
_REMEDY = "`edgekit rules BUNDLE` prints such a document: edit that."


@dataclass(frozen=True)
class RulesDocument:
    """What a plant says about a bundle: how large a pixel is, and when a part is rejected."""

    schema: str
    mm_per_pixel: float | None
    rules: VerdictRules


def make_rules_document(manifest: Manifest) -> RulesDocument:
    """Return what stands in a bundle's manifest."""
    return RulesDocument(SCHEMA, manifest.input.mm_per_pixel, manifest.rules)


def read_rules_document(path: Path) -> RulesDocument:
    """Read a document from a file.

    Raises:
        UsageProblem: If there is none, or it is no such document; the message names the place in it.
        IoFault: If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        document = decode(RulesDocument, parse_json(raw), "document")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageProblem(f"There is no file {path}.", remedy=_REMEDY) from error
    except OSError as error:
        raise IoFault(f"{path} cannot be read: {error.strerror}.") from error
    except JsonError as error:
        raise UsageProblem(f"{path} {error}.", remedy=_REMEDY) from error
    except DecodingError as error:
        raise UsageProblem(f"{path}: {error}.", remedy=_REMEDY) from error
    if document.schema != SCHEMA:
        raise UsageProblem(f"{path} has the schema {document.schema!r}, not {SCHEMA!r}.", remedy=_REMEDY)
    return document


def apply_rules(manifest: Manifest, document: RulesDocument) -> Manifest:
    """Return a manifest with other rules; what they did on images when they were chosen no longer holds.

    Raises:
        UsageProblem: If they do not fit the bundle.
    """
    scale = document.mm_per_pixel
    for fault in find_length_faults(scale):
        raise UsageProblem(f"The scale does not fit a bundle: {fault}.", remedy=_SCALE)
    same = document.rules == manifest.rules and scale == manifest.input.mm_per_pixel
    tuning = manifest.tuning if same else None
    changed = replace(
        manifest, input=replace(manifest.input, mm_per_pixel=scale), rules=document.rules, tuning=tuning
    )
    for fault in find_rule_faults(changed):
        raise UsageProblem(f"The rules do not fit the bundle: {fault}.", remedy=_REMEDY)
    return changed
