"""The frame of the report: its styles and the order of its parts, for `str.format`."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{
    color-scheme: light dark; --ink: #1d1d1f; --dim: #5b5b60; --paper: #fff; --line: #d9d9de; --track: #f3f3f6;
    --c0: #1b5fae; --c1: #b85000; --c2: #23763a; --c3: #7b3fc4; --c4: #b3203f; --c5: #006f7c; --c6: #66666c;
    --warn: #8a5a00;
  }}
  @media screen and (prefers-color-scheme: dark) {{
    :root {{
      --ink: #e9e9ec; --dim: #a6a6ad; --paper: #17171a; --line: #3a3a40; --track: #222226;
      --c0: #7db4f5; --c1: #f5a55c; --c2: #7fcf93; --c3: #c3a0f5; --c4: #f58ea3; --c5: #6fd0dc; --c6: #b0b0b8;
      --warn: #e8b04a;
    }}
  }}
  body {{
    font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
    color: var(--ink); background: var(--paper);
  }}
  h1 {{ margin: 0 0 .25rem; overflow-wrap: anywhere }}
  h2 {{ margin: 3rem 0 .25rem; padding-top: 1rem; border-top: 2px solid var(--line); overflow-wrap: anywhere }}
  h3 {{ margin: 1.75rem 0 .4rem; font-size: 1.05rem }}
  p {{ margin: .4rem 0 }}
  small, .dim {{ color: var(--dim) }}
  .warn {{ color: var(--warn) }}
  code {{ font: .875em ui-monospace, monospace; overflow-wrap: anywhere }}
  .table {{ overflow-x: auto }}
  table {{ border-collapse: collapse; width: 100%; font-size: .9375rem }}
  th, td {{ text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line) }}
  thead th {{ font-size: .8125rem; font-weight: 600; color: var(--dim); vertical-align: bottom }}
  tbody th {{ font-weight: 600 }}
  .number {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }}
  .key {{ width: 14rem }}
  .headline {{ display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1rem 0 }}
  .headline div {{ line-height: 1.25 }}
  .headline b {{ display: block; font-size: 1.6rem; font-variant-numeric: tabular-nums }}
  .chart {{ display: block; width: 100%; height: auto; margin: .5rem 0 }}
  .chart text {{ font: 13px system-ui, sans-serif; fill: var(--dim) }}
  .chart text.strong {{ fill: var(--ink); font-weight: 600 }}
  .grid {{ stroke: var(--line); stroke-width: 1 }}
  .one {{ stroke: var(--ink); stroke-width: 1.5 }}
  .series {{ fill: none; stroke-width: 2; stroke-linejoin: round }}
  .series.c0 {{ stroke-width: 3 }}
  .interval {{ stroke-width: 4; stroke-linecap: round }}
  .dot {{ stroke: var(--paper); stroke-width: 1.5 }}
  .series.c0, .interval.c0 {{ stroke: var(--c0) }} .part.c0, .dot.c0 {{ fill: var(--c0) }}
  .series.c1, .interval.c1 {{ stroke: var(--c1) }} .part.c1, .dot.c1 {{ fill: var(--c1) }}
  .series.c2, .interval.c2 {{ stroke: var(--c2) }} .part.c2, .dot.c2 {{ fill: var(--c2) }}
  .series.c3, .interval.c3 {{ stroke: var(--c3) }} .part.c3, .dot.c3 {{ fill: var(--c3) }}
  .series.c4, .interval.c4 {{ stroke: var(--c4) }} .part.c4, .dot.c4 {{ fill: var(--c4) }}
  .series.c5, .interval.c5 {{ stroke: var(--c5) }} .part.c5, .dot.c5 {{ fill: var(--c5) }}
  .series.c6, .interval.c6 {{ stroke: var(--c6) }} .part.c6, .dot.c6 {{ fill: var(--c6) }}
  .legend {{
    list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: .3rem 0; padding: 0; font-size: .875rem
  }}
  .legend svg {{ vertical-align: -2px }}
  @media print {{
    body {{ max-width: none; margin: 0; font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact }}
    .chart, .headline, tr {{ break-inside: avoid }}
    h2, h3 {{ break-after: avoid }}
  }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{lead}</p>
<p class="dim"><code>{command}</code></p>
{runs}
{scaling}
<h2>Environment</h2>
<div class="table"><table><tbody>
{environment}
</tbody></table></div>
<h2>Method</h2>
<p>{method}</p>
</main>
</body>
</html>
"""

METHOD = (
    "Latency is the wall time of one call, from the frame in memory to its regions, in a tight loop after a warm-up "
    "that ended when the time had settled. Subject and peers ran in one process, in rounds whose order was drawn anew "
    "each time, on the same frames in turn. No sample is left out. A percentile is given where the samples carry it at "
    "99 % confidence (64 for p90, 662 for p99, 6,636 for p99.9: the rule of MLPerf's early stopping). A ratio is the "
    "median over the rounds of a peer's time over the subject's, with a 95 % bootstrap interval over rounds; above 1 "
    "the subject is faster. A peer whose masks differ from the subject's, or whose regions are not those of its mask, "
    "gets no figure. Peers ran with the fastest of the settings that were tried. At a pace, frames are due on an "
    "absolute schedule and latency counts from when a frame was due."
)
