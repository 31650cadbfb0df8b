"""`edgekit build`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from edgekit.cli.options import any_path, backend_option, device_option, quiet_option
from edgekit.reporting import Reporter
from edgekit_runtime import Bundle, prepare_regions
from edgekit_runtime.backends import BackendOptions, open_backend, parse_device
from edgekit_runtime.errors import IoFault
from edgekit_runtime.state_folder import VARIABLE


@click.command()
@click.argument("bundle", type=any_path)
@device_option
@backend_option
@quiet_option
def build(*, bundle: Path, device: str, backend: str, reporter: Reporter) -> None:
    """Make what a backend needs for a BUNDLE on this machine, so that no later start waits for it.

    For `fused` these are compiled kernels, in the state folder (EDGEKIT_STATE); `onnxruntime` needs nothing. The
    compiled labelling of regions is made in any case, where Numba is installed.
    """
    opened = Bundle.open(bundle)
    prepare_regions()
    started = time.perf_counter()
    with open_backend(backend, opened, BackendOptions(parse_device(device))) as runner:
        seconds = time.perf_counter() - started
        for note in runner.notes:
            reporter.note(f"note: {note}")
        if runner.name == "fused":
            _require_cache(bundle)
        click.echo(f"{bundle} is ready for the backend {runner.name}; opening it took {seconds:.1f} s.")


def _require_cache(bundle: Path) -> None:
    from edgekit_runtime.jit import find_cache

    cache = find_cache()
    if cache.path is None or not cache.writable:
        raise IoFault(
            f"{bundle}: compiled kernels cannot be kept: {cache.reason}.",
            remedy=f"Set {VARIABLE} to a folder that this user alone can write to. "
            "Without one each start compiles anew.",
        )
