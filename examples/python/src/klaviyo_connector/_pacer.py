"""Keeps to Klaviyo's rates, so that 429 stays the exception."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import _fork
from ._cancel import Cancellation
from ._endpoint import Endpoint
from .pace import Pace

# The longest time, in seconds, for which one answer can hold the other calls of an account. The call that got a longer
# `Retry-After` fails with it.
_LONGEST_HOLD = 600.0

_DAY = 24 * 60 * 60

_WINDOW = re.compile(r"\s*(\d{1,19})\s*;w=(\d{1,9})\s*", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass
class _Window:
    """At most `limit` requests in any `length` of time.

    Klaviyo counts a request at some moment between its sending and its answer. The window counts it from before it is sent
    until `length` after its answer, so that Klaviyo never counts more."""

    length: int
    published: int
    limit: int
    in_flight: int = 0
    answered: deque[float] = field(default_factory=deque)

    def forget(self, now: float) -> None:
        while self.answered and self.answered[0] + self.length <= now:
            self.answered.popleft()

    def room(self, now: float) -> float | None:
        """When there may be room: `now`, later, or `None` where that depends on unanswered requests alone."""
        self.forget(now)
        excess = self.in_flight + len(self.answered) - self.limit
        if excess < 0:
            return now
        return self.answered[excess] + self.length if excess < len(self.answered) else None


class Pacer:
    """The pace of one account, shared by all of its calls in this process. Klaviyo counts for each endpoint, and so there
    is a lane for each."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._begin()
        _fork.renew(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}

    # The child has threads of its own only, and does not know what the parent sends from now on.
    after_fork = _begin

    def permit(self, endpoint: Endpoint, until: float, cancellation: Cancellation) -> Permit | None:
        """Waits for a turn at this endpoint; none if it would come after that time of `time.monotonic`."""
        with self._lock:
            lane = self._lanes.get(endpoint.name)
            if lane is None:
                lane = self._lanes[endpoint.name] = _Lane(self._pace, endpoint)
        return Permit(lane) if lane.enter(until, cancellation) else None

    def is_idle(self) -> bool:
        """Whether it knows nothing that a new one would not know."""
        with self._lock:
            return all(lane.is_idle() for lane in self._lanes.values())


class _Lane:
    """The requests to one endpoint. They pass one after the other, in the order of their arrival."""

    def __init__(self, pace: Pace, endpoint: Endpoint) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Condition] = deque()
        self._hold = 0.0
        rates = ((1, endpoint.burst), (60, endpoint.steady), (_DAY, endpoint.daily))
        self._windows = [
            _Window(length, limit * pace.factor, limit * pace.factor)
            for length, limit in rates
            if limit is not None and pace.factor is not None
        ]

    def enter(self, until: float, cancellation: Cancellation) -> bool:
        turn = threading.Condition(self._lock)

        def wake() -> None:
            with self._lock:
                turn.notify()

        with cancellation.waking(wake), self._lock:
            if self._hold >= until:
                return False
            self._waiting.append(turn)
            try:
                while True:
                    cancellation.check()
                    now, ready = time.monotonic(), until
                    if self._waiting[0] is turn:
                        room = self._room(now)
                        if room == now:
                            return True
                        # Fails at once if the wait is known to be too long.
                        ready = until if room is None else room
                        if room is not None and room >= until:
                            return False
                    if now >= until:
                        return False
                    turn.wait(min(ready, until) - now)
            finally:
                self._waiting.remove(turn)
                self._wake()

    def _room(self, now: float) -> float | None:
        """Counts a request in every window and returns `now`, or returns the earliest time at which there may be room in
        all: `None` if that depends on unanswered requests alone."""
        if self._hold > now:
            return self._hold
        rooms = [window.room(now) for window in self._windows]
        full = [room for room in rooms if room != now]
        if full:
            return max((room for room in full if room is not None), default=None)
        for window in self._windows:
            window.in_flight += 1
        return now

    def _wake(self) -> None:
        """Wakes who is next: something has changed."""
        if self._waiting:
            self._waiting[0].notify()

    def leave(self) -> None:
        with self._lock:
            now = time.monotonic()
            for window in self._windows:
                window.in_flight -= 1
                window.answered.append(now)
            self._wake()

    def learn(self, headers: Mapping[str, str]) -> None:
        with self._lock:
            for item in headers.get("ratelimit-limit", "").split(","):
                if found := _WINDOW.fullmatch(item):
                    for window in self._windows:
                        if window.length == int(found[2]):
                            window.limit = max(1, min(int(found[1]), window.published))
            # Other programs may use the same account's rates.
            reset = headers.get("ratelimit-reset", "").strip()
            if headers.get("ratelimit-remaining", "").strip() == "0" and _NUMBER.fullmatch(reset):
                # 0 seconds means less than one.
                self._hold_for(max(int(reset), 1))
            self._wake()

    def hold(self, pause: float) -> None:
        with self._lock:
            self._hold_for(pause)

    def _hold_for(self, pause: float) -> None:
        self._hold = max(self._hold, time.monotonic() + min(pause, _LONGEST_HOLD))

    def is_idle(self) -> bool:
        with self._lock:
            now = time.monotonic()
            for window in self._windows:
                window.forget(now)
            lowered = any(window.in_flight or window.answered or window.limit < window.published for window in self._windows)
            return not (lowered or self._waiting or self._hold > now)


class Permit:
    """A request that is sent and not yet answered, while this is open."""

    def __init__(self, lane: _Lane) -> None:
        self._lane = lane

    def __enter__(self) -> Permit:
        return self

    def __exit__(self, *_: object) -> None:
        self._lane.leave()

    def learn(self, headers: Mapping[str, str]) -> None:
        """Reads the rates in an answer. `Ratelimit-Limit: 75, 75;w=1, 700;w=60` has a limit for each window,
        `Ratelimit-Remaining` and `Ratelimit-Reset` (seconds) are about the window that is nearest to its limit."""
        self._lane.learn(headers)

    def hold(self, pause: float) -> None:
        """Holds all requests of this lane, after Klaviyo has answered 429."""
        self._lane.hold(pause)
