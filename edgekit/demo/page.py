"""The demonstration's page: one HTML file beside its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from edgekit.demo.shown import DemoImage

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>edgekit: what was found</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; color: #222 }}
  .grid {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(500px, 1fr)); gap: 1.5rem }}
  figure {{ margin: 0 }}
  figure div {{ display: flex; gap: 4px }}
  img {{ width: calc(50% - 2px); display: block }}
  .reject {{ color: #b3261e; font-weight: 600 }}
  .accept {{ color: #1b6e34; font-weight: 600 }}
  small {{ color: #555 }}
</style>
<h1>What was found</h1>
<p>The network in <code>{bundle}</code> was trained by edgekit on generated images only, exported, verified, and run
on these {count} generated images, which it had not seen. Left: the frame. Right: red is what was found, green the
outline of what is really there. Regions below {min_area:,} px have no box and do not count.</p>
<p><small>Demo weights: train on your own images before you trust a verdict.</small></p>
<div class="grid">
{figures}
</div>
</html>
"""

_FIGURE = """<figure>
  <div><img src="images/{name}.png" alt="frame"><img src="{name}.overlay.png" alt="what was found"></div>
  <figcaption><span class="{verdict}">{verdict}</span>: {reason}{overlap}
  <br><small>{name}, {latency:.1f} ms on {backend}; {regions}</small></figcaption>
</figure>"""


def write_page(images: Sequence[DemoImage], *, bundle: str, min_area_px: int) -> str:
    """Return the page as HTML; pictures are named relative to it."""
    figures = "\n".join(_write_figure(image) for image in images)
    return _PAGE.format(bundle=escape(bundle), count=len(images), min_area=min_area_px, figures=figures)


def _write_figure(image: DemoImage) -> str:
    result = image.result
    regions = "; ".join(
        f"x {region.x1}–{region.x2}, y {region.y1}–{region.y2}, {region.area_px} px"
        for region in result.regions
    )
    return _FIGURE.format(
        name=escape(image.name),
        verdict=escape(result.verdict),
        reason=escape(result.reason),
        overlap="" if image.iou is None else f", IoU {image.iou:.2f}",
        latency=result.latency_ms,
        backend=escape(result.backend),
        regions=escape(regions or "no region"),
    )
