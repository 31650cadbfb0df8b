"""Whom a bundle can be measured against, by name."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit_runtime.errors import UsageProblem
from edgekit_runtime.near_names import suggest
from edgekit_runtime.optional import import_optional

PEERS: Mapping[str, Mapping[str, str]] = {
    "onnxruntime": {"onnxruntime": "cpu", "cv2": "peers"},
    "openvino": {"openvino": "peers", "cv2": "peers"},
    "torch": {"torch": "train", "safetensors": "train", "cv2": "peers"},
}
"""Peer → package that it needs → the extra that installs it. All of them take their regions from OpenCV."""


def parse_peers(text: str) -> tuple[str, ...]:
    """Read "onnxruntime,openvino" and return the names, each once; "" for none.

    Raises:
        UsageProblem: Naming the nearest peer.
    """
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    for name in names:
        if name not in PEERS:
            raise UsageProblem(
                f"There is no peer {name!r}. {suggest(name, PEERS)}",
                remedy=f"Write --against {','.join(PEERS)}, or some of them.",
            )
    return tuple(dict.fromkeys(names))


def require_peers(names: tuple[str, ...]) -> None:
    """Import what the peers need, before anything is measured.

    Raises:
        MissingDependency: If a package is not installed; the remedy names the extra.
    """
    for name in names:
        for package, extra in PEERS[name].items():
            import_optional(package, extra=extra)
