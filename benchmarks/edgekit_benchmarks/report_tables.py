"""Tables of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from edgekit_benchmarks.axes import format_number
from edgekit_benchmarks.machine import Environment


def describe_environment_facts(environment: Environment) -> dict[str, str]:
    """Return the environment in words."""

    def say(value: object) -> str:
        return "not known" if value is None else str(value)

    caches = ", ".join(f"{name} {size >> 10:,} KiB" for name, size in environment.caches.items())
    frequency = None if environment.frequency_mhz is None else f"{environment.frequency_mhz:,.0f} MHz"
    memory = None if environment.memory_bytes is None else f"{environment.memory_bytes / 2**30:.1f} GiB"
    facts = {
        "processor": f"{environment.cpu} ({environment.machine})",
        "cores": f"{environment.cores_usable}, threads per core {say(environment.threads_per_core)}",
        "governor, frequency": f"{say(environment.governor)}, {say(frequency)}",
        "caches": caches or "not known",
        "memory": say(memory),
        "load before, after": f"{say(environment.load_before)}, {say(environment.load_after)}",
        "system": f"{environment.os}, kernel {environment.kernel}",
        "Python, NumPy": f"{environment.python}, {environment.numpy}",
        "packages": ", ".join(f"{name} {found}" for name, found in environment.packages.items() if found),
    }
    if environment.jetson is not None:
        facts["board"] = ", ".join(f"{key} {say(value)}" for key, value in environment.jetson.items())
    if environment.roofline is not None:
        roofline = environment.roofline
        flops = "" if roofline.fma_gflop_s is None else f", {format_number(roofline.fma_gflop_s)} GFLOP/s"
        facts[f"measured, {roofline.threads} threads"] = (
            f"copies {format_number(roofline.copy_gb_s)} GB/s{flops}"
        )
    return facts


def wrap_facts(facts: Mapping[str, str]) -> str:
    """Return a table of named facts."""
    return f'<div class="table"><table><tbody>{render_facts(facts)}</tbody></table></div>'


def render_facts(facts: Mapping[str, str]) -> str:
    """Return the rows of such a table, escaped."""
    return "\n".join(
        f'<tr><th scope="row" class="key">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in facts.items()
    )


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of figures, escaped; the first cell of a row names it."""
    head = "".join(
        f'<th scope="col"{" class=" + chr(34) + "number" + chr(34) if index else ""}>{escape(name)}</th>'
        for index, name in enumerate(header)
    )
    body = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'
