"""The rules about the rules of the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgekit_runtime.bundle.manifest import Manifest
from edgekit_runtime.bundle.rules import ClassRule, Zone

MAX_ZONES = 1024
"""More than the selvedges and holders of any part; bounds what blanking a mask costs."""


def find_rule_faults(manifest: Manifest) -> Iterator[str]:
    """Yield what is wrong with the rules of the verdict, in words."""
    rules = manifest.rules
    defects = [label for label in manifest.model.classes if label != manifest.model.normal_class]
    for label in rules.classes:
        if label not in defects:
            yield f"rules.classes names {label!r}, which is no defect of the bundle ({', '.join(defects)})"
    named = [("rules.others", rules.others)]
    named += [(f"rules.classes[{label!r}]", rule) for label, rule in rules.classes.items()]
    for where, rule in named:
        yield from _find_class_rule_faults(where, rule, manifest.input.mm_per_pixel)
    if len(rules.zones) > MAX_ZONES:
        yield f"rules.zones has {len(rules.zones)} zones, at most {MAX_ZONES} are allowed"
    for index, zone in enumerate(rules.zones):
        yield from _find_zone_faults(f"rules.zones[{index}]", zone)
    if manifest.input.fit != "tile" and _cover_all(rules.zones, manifest.input.height, manifest.input.width):
        yield "rules.zones cover the whole frame: every frame would be accepted"


def _find_class_rule_faults(where: str, rule: ClassRule, mm_per_pixel: float | None) -> Iterator[str]:
    if rule.min_area_px < 0:
        yield f"{where}.min_area_px is {rule.min_area_px}, and must be 0 or more"
    if rule.max_regions < 0:
        yield f"{where}.max_regions is {rule.max_regions}, and must be 0 or more"
    for what, value in (("min_area_mm2", rule.min_area_mm2), ("window_mm", rule.window_mm)):
        if value is None:
            continue
        if value <= 0:
            yield f"{where}.{what} is {value}, and must be positive"
        if mm_per_pixel is None:
            yield f"{where}.{what} needs input.mm_per_pixel, which is not known"


def _find_zone_faults(where: str, zone: Zone) -> Iterator[str]:
    if not 0 <= zone.x1 < zone.x2:
        yield f"{where} has the columns {zone.x1} to {zone.x2}"
    if (zone.y1 is None) != (zone.y2 is None):
        yield f"{where} has one of y1 and y2, and must have both or neither"
    if zone.y1 is not None and zone.y2 is not None and not 0 <= zone.y1 < zone.y2:
        yield f"{where} has the rows {zone.y1} to {zone.y2}"


def _cover_all(zones: Sequence[Zone], height: int, width: int) -> bool:
    """Tell whether the zones over all rows leave no column; a frame of another size than the graph's may have some."""
    reached = 0
    for zone in sorted(zones, key=lambda one: one.x1):
        whole = zone.y1 is None or (zone.y1 == 0 and zone.y2 is not None and zone.y2 >= height)
        if whole and zone.x1 <= reached:
            reached = max(reached, zone.x2)
    return reached >= width
