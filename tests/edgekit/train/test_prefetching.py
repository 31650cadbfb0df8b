"""The producer thread: order, errors in their place, and its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from edgekit.train.prefetching import AHEAD, prefetch


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before, "the producer outlived its consumer"


def count_to(number: int, *, then: BaseException | None = None) -> Iterator[int]:
    yield from range(number)
    if then is not None:
        raise then


@pytest.mark.parametrize("number", [0, 1, AHEAD, AHEAD + 1, 200])
def test_every_value_in_order(number: int) -> None:
    assert list(prefetch(count_to(number))) == list(range(number))


@pytest.mark.parametrize("before", [0, 1, AHEAD + 3])
def test_an_error_is_raised_after_the_values_before_it(before: int) -> None:
    error = ValueError("a damaged image")
    seen = []
    with pytest.raises(ValueError, match="damaged") as caught:
        for value in prefetch(count_to(before, then=error)):
            seen.append(value)
    assert seen == list(range(before))
    assert caught.value is error


def test_what_is_no_exception_of_the_program_is_passed_on_too() -> None:
    with pytest.raises(KeyboardInterrupt):
        list(prefetch(count_to(1, then=KeyboardInterrupt())))


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_a_consumer_that_stops_early_ends_the_thread(taken: int) -> None:
    values = prefetch(count_to(10**9))
    for _ in range(taken):
        next(values)
    values.close()
    assert list(values) == []


def test_the_source_is_at_most_a_few_values_ahead() -> None:
    made = []

    def make() -> Iterator[int]:
        for value in range(50):
            made.append(value)
            yield value

    for value in prefetch(make()):
        assert len(made) <= value + 1 + AHEAD + 1


def test_values_are_made_while_the_consumer_works() -> None:
    """The second value is made although nobody has asked for it."""
    ready = threading.Event()

    def make(announce: Callable[[], None]) -> Iterator[int]:
        yield 0
        announce()
        yield 1

    values = prefetch(make(ready.set))
    assert next(values) == 0
    assert ready.wait(timeout=30)
    assert list(values) == [1]
