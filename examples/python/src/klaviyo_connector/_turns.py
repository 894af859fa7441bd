"""How many calls of a client run at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from . import _fork
from ._cancel import Cancellation
from .usage import Usage


class Turns:
    """Calls get their places in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._begin()
        _fork.renew(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._free = self._places
        self._waiting: deque[threading.Condition] = deque()

    # The calls of the parent are not in the child.
    after_fork = _begin

    @contextmanager
    def turn(self, cancellation: Cancellation, usage: Usage) -> Iterator[None]:
        """Waits for a place, and has it meanwhile."""
        begun = time.monotonic()
        self._take(cancellation)
        usage.waited += time.monotonic() - begun
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self._wake()

    def _take(self, cancellation: Cancellation) -> None:
        turn = threading.Condition(self._lock)

        def wake() -> None:
            with self._lock:
                turn.notify()

        with cancellation.waking(wake), self._lock:
            self._waiting.append(turn)
            try:
                while self._waiting[0] is not turn or not self._free:
                    cancellation.check()
                    turn.wait()
                self._free -= 1
            finally:
                self._waiting.remove(turn)
                self._wake()

    def _wake(self) -> None:
        if self._waiting and self._free:
            self._waiting[0].notify()
