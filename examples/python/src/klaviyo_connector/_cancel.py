"""Cancelling a call from another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Cancelled(BaseException):
    """The call was cancelled. Nobody waits for its result."""


class Cancellation:
    """Whether a call is cancelled. What waits on its behalf is woken."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        """When the call began."""
        self._lock = threading.Lock()
        self._cancelled = False
        self._wakes: list[Callable[[], None]] = []

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            wakes = list(self._wakes)
        for wake in wakes:
            wake()

    def check(self) -> None:
        """Raises `Cancelled` if it is."""
        if self._cancelled:
            raise Cancelled

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Has `wake` called when it is cancelled meanwhile. Raises `Cancelled` if it is already."""
        with self._lock:
            self._wakes.append(wake)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._wakes.remove(wake)

    def sleep(self, seconds: float) -> None:
        """Sleeps, and raises `Cancelled` if it is meanwhile."""
        if seconds <= 0:
            return
        woken = threading.Event()
        with self.waking(woken.set):
            woken.wait(seconds)
            self.check()


current: ContextVar[Cancellation | None] = ContextVar("klaviyo_cancellation", default=None)
"""What cancels the call that this thread is to make."""
