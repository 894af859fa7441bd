"""The time of one call."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .limits import Limits
from .usage import Usage


class Clock:
    """How long a call still may take. `Limits.time` stands still while it waits for its turn; `timeout` does not.

    Times are those of `time.monotonic`."""

    def __init__(self, limits: Limits, timeout: float | None, begun: float, usage: Usage) -> None:
        """`timeout`: seconds of the whole call, which has `begun` then."""
        self._limits = limits
        self._timeout = timeout
        self._end = math.inf if timeout is None else begun + timeout
        self._usage = usage
        self._time = limits.time
        self._wait = limits.wait - (time.monotonic() - begun)
        # Since when the time runs: the call waits for its place at first.
        self._running: float | None = None

    @property
    def until(self) -> float:
        """When the call is over, unless it waits for a turn."""
        return min(self._of_time(), self._end)

    @property
    def limit(self) -> str:
        """What ends the call then, in words."""
        if self._end <= self._of_time():
            return f"the timeout of {self._timeout} s"
        return f"{self._limits.time} s, which is Limits.time"

    def _of_time(self) -> float:
        return (time.monotonic() if self._running is None else self._running) + self._time

    @contextmanager
    def waiting(self) -> Iterator[Turn]:
        """The call waits for its turn meanwhile."""
        begun = time.monotonic()
        if self._running is not None:
            self._time -= begun - self._running
            self._running = None
        try:
            until = begun + self._wait
            yield Turn(min(until, self._end), self._of_turn(until))
        finally:
            self._running = time.monotonic()
            self._wait -= self._running - begun
            self._usage.waited += self._running - begun

    def _of_turn(self, until: float) -> str:
        if self._end <= until:
            return f"the timeout of {self._timeout} s allows; make fewer calls at once, or allow more time"
        return f"the {self._limits.wait} s of Limits.wait allow; make fewer calls at once, or raise Limits.wait"


class Turn:
    """A turn that a call waits for: until when, and the end of a sentence where it would come later than that."""

    def __init__(self, until: float, allowed: str) -> None:
        self.until = until
        self.allowed = allowed
