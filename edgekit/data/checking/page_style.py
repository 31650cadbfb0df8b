"""The frame of the page: its styles and the order of its parts, for `str.format`."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}: data check</title>
<style>
  :root {{
    color-scheme: light dark; --ink: #222; --dim: #595959; --paper: #fff; --line: #ddd; --track: #ececec;
    --fill: #3b6ea5; --error: #b3261e; --warning: #8a5a00; --note: #3b6ea5;
  }}
  @media (prefers-color-scheme: dark) {{
    :root {{
      --ink: #e8e8e8; --dim: #a8a8a8; --paper: #181818; --line: #3a3a3a; --track: #2c2c2c;
      --fill: #7fb0e0; --error: #ff8a80; --warning: #e8b04a; --note: #7fb0e0;
    }}
  }}
  body {{
    font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem;
    color: var(--ink); background: var(--paper);
  }}
  h1 {{ margin-bottom: .25rem; overflow-wrap: anywhere }}
  h2 {{ margin: 2.5rem 0 .5rem }}
  p {{ margin: .5rem 0 }}
  small, .names {{ color: var(--dim) }}
  code {{ font: .9em ui-monospace, monospace; overflow-wrap: anywhere }}
  table {{ border-collapse: collapse; width: 100% }}
  th, td {{
    text-align: left; vertical-align: middle; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line);
  }}
  thead th {{ font-size: .875rem; font-weight: 600; color: var(--dim); vertical-align: bottom }}
  tbody th {{ font-weight: 600; white-space: nowrap }}
  .table {{ overflow-x: auto }}
  .number {{ text-align: right; font-variant-numeric: tabular-nums }}
  td.number {{ white-space: nowrap }}
  .wide {{ width: 65% }}
  .bar {{ width: 100%; height: .8rem; display: block }}
  .track {{ fill: var(--track) }}
  .fill {{ fill: var(--fill) }}
  .finding {{ border-left: 4px solid var(--note); padding: .1rem 0 .1rem .9rem; margin: .75rem 0 }}
  .finding.error {{ border-color: var(--error) }}
  .finding.warning {{ border-color: var(--warning) }}
  .severity {{ font-size: .875rem; font-weight: 600; color: var(--note) }}
  .error .severity {{ color: var(--error) }}
  .warning .severity {{ color: var(--warning) }}
  .names {{ font-size: .875rem }}
  .grid {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 1.25rem 1rem }}
  figure {{ margin: 0; min-width: 0 }}
  figure div {{ height: 240px; display: flex; align-items: center; justify-content: center; background: var(--track) }}
  figure img {{ max-width: 100%; max-height: 100%; width: auto; height: auto; display: block }}
  figcaption {{ font-size: .875rem; line-height: 1.35; margin-top: .3rem; overflow-wrap: anywhere }}
</style>
<main>
<h1>{name}</h1>
<p>{lead}</p>
<h2>What to know</h2>
{findings}
<h2>Figures</h2>
<table>
<tbody>
{figures}
</tbody>
</table>
{balance}
{kinds}
{typical}
{suspicious}
</main>
</html>
"""
