"""The frame of a page that stands alone, its styles, and how it is written; for charts as inline SVG and tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from edgekit_runtime.errors import IoFault

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{
    color-scheme: light dark; --ink: #1d1d1f; --dim: #5b5b60; --paper: #fff; --line: #d9d9de;
    --c0: #1b5fae; --c1: #b85000; --c2: #23763a; --c3: #7b3fc4; --c4: #b3203f; --c5: #006f7c; --c6: #66666c;
  }}
  @media screen and (prefers-color-scheme: dark) {{
    :root {{
      --ink: #e9e9ec; --dim: #a6a6ad; --paper: #17171a; --line: #3a3a40;
      --c0: #7db4f5; --c1: #f5a55c; --c2: #7fcf93; --c3: #c3a0f5; --c4: #f58ea3; --c5: #6fd0dc; --c6: #b0b0b8;
    }}
  }}
  body {{
    font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
    color: var(--ink); background: var(--paper);
  }}
  h1 {{ margin: 0 0 .25rem; overflow-wrap: anywhere }}
  h2 {{ margin: 2.25rem 0 .4rem }}
  p, ul {{ margin: .4rem 0 }}
  code {{ font: .875em ui-monospace, monospace; overflow-wrap: anywhere }}
  .table {{ overflow-x: auto }}
  table {{ border-collapse: collapse; width: 100%; font-size: .9375rem }}
  th, td {{ text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line) }}
  thead th {{ font-size: .8125rem; font-weight: 600; color: var(--dim); vertical-align: bottom }}
  tbody th {{ font-weight: 600; white-space: nowrap }}
  .number {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }}
  .chart {{ display: block; width: 100%; height: auto; margin: .5rem 0 }}
  .chart text {{
    font: 13px system-ui, sans-serif; fill: var(--dim); paint-order: stroke; stroke: var(--paper); stroke-width: 3px
  }}
  .chart text.strong {{ fill: var(--ink); font-weight: 600 }}
  .grid {{ stroke: var(--line); stroke-width: 1 }}
  .limit {{ stroke: var(--c4); stroke-width: 1.5; stroke-dasharray: 6 4 }}
  .steps {{ fill: none; stroke: var(--c0); stroke-width: 2 }}
  .interval {{ stroke: var(--c1); stroke-width: 3; stroke-linecap: round }}
  .dot {{ stroke: var(--paper); stroke-width: 1.5 }}
  .hollow {{ fill: var(--paper); stroke: var(--ink); stroke-width: 2 }}
  .legend {{ list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; padding: 0; font-size: .875rem }}
  .c0 {{ fill: var(--c0) }} .c1 {{ fill: var(--c1) }} .c2 {{ fill: var(--c2) }} .c3 {{ fill: var(--c3) }}
  .c4 {{ fill: var(--c4) }} .c5 {{ fill: var(--c5) }} .c6 {{ fill: var(--c6) }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


def write_page(path: Path, title: str, content: Sequence[str]) -> None:
    """Write a page, under a temporary name first.

    Args:
        path: Such as trade-off.html.
        title: As text.
        content: HTML, in its order.

    Raises:
        IoFault: If the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        text = _PAGE.format(title=escape(title), content="\n".join(content))
        # A file name need not be text: what UTF-8 cannot say is spelled out.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise IoFault(f"{path} cannot be written: {error.strerror or error}.") from error


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """Return a table of text cells, the first of each row its heading; `numbers` are columns of numbers."""

    def mark(index: int) -> str:
        return ' class="number"' if index in numbers else ""

    heads = "".join(f'<th scope="col"{mark(index)}>{escape(cell)}</th>' for index, cell in enumerate(header))
    body = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{mark(index)}>{escape(cell)}</td>" for index, cell in enumerate(row[1:], 1))
        + "</tr>"
        for row in rows
    )
    return f'<div class="table"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'


def wrap_chart(parts: Sequence[str], width: float, height: float, words: str) -> str:
    """Return an inline SVG that says in words what it shows."""
    return (
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(words)}">'
        f"{''.join(parts)}</svg>"
    )
