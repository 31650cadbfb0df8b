"""The next batch is read while the network works on this one: for images that are decoded as they are drawn.

Images that are kept in memory are faster without: a batch of them is put together in a millisecond, and a second thread
took a quarter of the speed (cheapnet-s on NEU-Seg, two cores: 73 against 96 images per second).
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import Empty, Full, Queue
from typing import TypeVar

Value = TypeVar("Value")

AHEAD = 2
"""Batches that wait; more would only cost memory."""

POLL_S = 0.1


class _End:
    """The last thing a producer sends, with what stopped it."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetch(source: Iterator[Value]) -> Generator[Value, None, None]:
    """Yield what `source` yields, in order, made one or two values ahead by a thread.

    An error of the source is raised here, after the values before it. The thread ends with the generator.
    """
    queue: Queue[Value | _End] = Queue(AHEAD)
    stopped = threading.Event()

    def put(value: Value | _End) -> None:
        while not stopped.is_set():
            try:
                queue.put(value, timeout=POLL_S)
                return
            except Full:
                continue

    def produce() -> None:
        error = None
        try:
            for value in source:
                put(value)
                if stopped.is_set():
                    return
        except BaseException as caught:
            error = caught
        put(_End(error))

    producer = threading.Thread(target=produce, name="edgekit-batches", daemon=True)
    producer.start()
    try:
        while True:
            value = queue.get()
            if isinstance(value, _End):
                if value.error is not None:
                    raise value.error
                return
            yield value
    finally:
        stopped.set()
        _drain(queue)
        producer.join()


def _drain(queue: Queue[Value]) -> None:
    while True:
        try:
            queue.get_nowait()
        except Empty:
            return
