"""Benchmarks from the command line's side: which bundles, which peers, and what becomes of the figures.

The method is edgekit_benchmarks'; here peers are built, because they need models, torch, OpenVINO and OpenCV.
"""

from edgekit.benching.bench import BenchRequest, bench_bundles
from edgekit.benching.peer_names import PEERS, parse_peers
from edgekit.benching.report_file import require_writable, write_text

__all__ = ["PEERS", "BenchRequest", "bench_bundles", "parse_peers", "require_writable", "write_text"]
