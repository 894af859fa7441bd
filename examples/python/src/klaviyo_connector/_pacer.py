"""Keeps to Klaviyo's rates, so that 429 stays the exception."""

from __future__ import annotations

import math
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

# The longest round trip that is taken to be the same for all requests: a network that stands still for a while does not
# make it worthless.
_LONGEST_ROUND_TRIP = 0.5

_DAY = 24 * 60 * 60

_WINDOW = re.compile(r"\s*(\d{1,19})\s*;w=(\d{1,9})\s*", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass
class _Window:
    """At most `limit` requests in any `length` of time.

    Klaviyo counts a request at some moment between its sending and its answer. The window counts it from before it is sent
    until `length` after `_RoundTrip.latest_count`, so that Klaviyo never counts more."""

    length: int
    published: int
    limit: int
    in_flight: int = 0
    # When Klaviyo has counted the requests that have ended, at the latest. The earliest comes first.
    counted: deque[float] = field(default_factory=deque)
    # When it had no room for another request, the last time.
    full: float = -math.inf

    def count(self, at: float) -> None:
        """A request has ended."""
        self.in_flight -= 1
        place = len(self.counted)
        # It is among the last ones.
        while place and self.counted[place - 1] > at:
            place -= 1
        self.counted.insert(place, at)

    def forget(self, now: float) -> None:
        while self.counted and self.counted[0] + self.length <= now:
            self.counted.popleft()

    def note_full(self, now: float) -> None:
        if self.in_flight + len(self.counted) >= self.limit:
            self.full = now

    def was_full(self, since: float, now: float) -> bool:
        """Whether it has had no room at some time since then."""
        self.forget(now)
        self.note_full(now)
        return self.full >= since

    def room(self, now: float) -> float | None:
        """When there may be room: `now`, later, or `None` where that depends on unanswered requests alone."""
        self.forget(now)
        excess = self.in_flight + len(self.counted) - self.limit
        if excess < 0:
            return now
        return self.counted[excess] + self.length if excess < len(self.counted) else None


class _RoundTrip:
    """The least time from the sending of a request to its answer. It is the same part of every request's time, and moves
    all of Klaviyo's counts alike, which leaves the time between two of them as it is.

    It is wrong while the way to Klaviyo becomes shorter: counts then are closer together than their requests, by what the
    way is shorter, until an answer that comes sooner. Making a connection makes a way longer, so that the round trips of
    requests that were sent before the first success, and made connections, say nothing of those after it."""

    def __init__(self) -> None:
        self._first_success = math.inf
        self._least = math.inf

    def latest_count(self, sent: float, answered: float) -> float:
        """When Klaviyo has counted a request that it has carried out, at the latest."""
        if self._first_success == math.inf:
            self._first_success = answered
        if self._first_success <= sent:
            self._least = min(self._least, answered - sent, _LONGEST_ROUND_TRIP)
        return answered if self._least == math.inf else max(sent, answered - self._least)


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
        return None if (sent := lane.enter(until, cancellation)) is None else Permit(lane, sent)

    def is_idle(self) -> bool:
        """Whether a new one would keep to the rates as well."""
        with self._lock:
            return all(lane.is_idle() for lane in self._lanes.values())


class _Lane:
    """The requests to one endpoint. They pass one after the other, in the order of their arrival."""

    def __init__(self, pace: Pace, endpoint: Endpoint) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Condition] = deque()
        self._hold = 0.0
        self._round_trip = _RoundTrip()
        rates = ((1, endpoint.burst), (60, endpoint.steady), (_DAY, endpoint.daily))
        self._windows = [
            _Window(length, limit * pace.factor, limit * pace.factor)
            for length, limit in rates
            if limit is not None and pace.factor is not None
        ]

    def enter(self, until: float, cancellation: Cancellation) -> float | None:
        """Waits for a turn, and returns when it has come."""
        with self._lock:
            cancellation.check()
            now = time.monotonic()
            if not self._waiting and self._room(now) == now:
                return now
        turn = threading.Condition(self._lock)

        def wake() -> None:
            with self._lock:
                turn.notify()

        with cancellation.waking(wake), self._lock:
            if self._hold >= until:
                return None
            self._waiting.append(turn)
            try:
                while True:
                    cancellation.check()
                    now, ready = time.monotonic(), until
                    if self._waiting[0] is turn:
                        room = self._room(now)
                        if room == now:
                            return now
                        # Fails at once if the wait is known to be too long.
                        ready = until if room is None else room
                        if room is not None and room >= until:
                            return None
                    if now >= until:
                        return None
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
            window.note_full(now)
        return now

    def _wake(self) -> None:
        """Wakes who is next: something has changed."""
        if self._waiting:
            self._waiting[0].notify()

    def leave(self, counted: float | None) -> None:
        """`counted`: what `learn` returned."""
        with self._lock:
            at = time.monotonic() if counted is None else counted
            for window in self._windows:
                window.count(at)
            self._wake()

    def learn(self, sent: float, status: int, headers: Mapping[str, str]) -> float | None:
        """When Klaviyo has counted the request, at the latest; `None`: as far as is known, at its end."""
        with self._lock:
            now = time.monotonic()
            # What is refused is answered sooner.
            counted = self._round_trip.latest_count(sent, now) if 200 <= status < 300 else None
            for item in headers.get("ratelimit-limit", "").split(","):
                if found := _WINDOW.fullmatch(item):
                    for window in self._windows:
                        if window.length == int(found[2]):
                            window.limit = max(1, min(int(found[1]), window.published))
            text = headers.get("ratelimit-reset", "").strip()
            if headers.get("ratelimit-remaining", "").strip() == "0" and _NUMBER.fullmatch(text):
                # 0 seconds means less than one.
                reset = max(int(text), 1)
                # Other programs may use the same account's rates. What our own requests have used up, a window waits for.
                if not any(window.length >= reset and window.was_full(sent, now) for window in self._windows):
                    self._hold_for(reset)
            self._wake()
            return counted

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
            lowered = any(window.in_flight or window.counted or window.limit < window.published for window in self._windows)
            return not (lowered or self._waiting or self._hold > now)


class Permit:
    """A request that is sent and not yet answered, while this is open."""

    def __init__(self, lane: _Lane, sent: float) -> None:
        self._lane = lane
        self._sent = sent
        self._counted: float | None = None

    def __enter__(self) -> Permit:
        return self

    def __exit__(self, *_: object) -> None:
        self._lane.leave(self._counted)

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        """Reads an answer, which has just come. `Ratelimit-Limit: 75, 75;w=1, 700;w=60` has a limit for each window,
        `Ratelimit-Remaining` and `Ratelimit-Reset` (seconds) are about the window that is nearest to its limit."""
        self._counted = self._lane.learn(self._sent, status, headers)

    def hold(self, pause: float) -> None:
        """Holds all requests of this lane, after Klaviyo has answered 429."""
        self._lane.hold(pause)
