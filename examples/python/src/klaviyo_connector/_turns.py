"""How many calls of a client run at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from . import _fork
from ._cancel import Cancellation
from ._clock import Clock
from .errors import TimedOut


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
    def turn(self, clock: Clock, cancellation: Cancellation) -> Iterator[None]:
        """Waits for a place, and has it meanwhile."""
        with clock.waiting() as turn:
            has_place = self._take(turn.until, cancellation)
        if not has_place:
            sentence = f"nothing was sent: {self._places} calls of the client run, and the turn of this one comes later than"
            raise TimedOut(f"{sentence} {turn.allowed}", code="timeout")
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self._wake()

    def _take(self, until: float, cancellation: Cancellation) -> bool:
        with self._lock:
            if self._free and not self._waiting:
                cancellation.check()
                self._free -= 1
                return True
        turn = threading.Condition(self._lock)

        def wake() -> None:
            with self._lock:
                turn.notify()

        with cancellation.waking(wake), self._lock:
            self._waiting.append(turn)
            try:
                while self._waiting[0] is not turn or not self._free:
                    cancellation.check()
                    if (left := until - time.monotonic()) <= 0:
                        return False
                    turn.wait(left)
                self._free -= 1
                return True
            finally:
                self._waiting.remove(turn)
                self._wake()

    def _wake(self) -> None:
        if self._waiting and self._free:
            self._waiting[0].notify()
