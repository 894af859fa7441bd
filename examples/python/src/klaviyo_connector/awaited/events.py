"""The methods for `events`. To be awaited: written by `tests/awaited.py`."""

from __future__ import annotations

from collections.abc import Iterable

from .. import _functions
from .._functions import AsyncCaller
from ..types import BatchResult, Identifier, Metric, NewEvent, Period, Timeline


class Events(AsyncCaller):
    """What people did."""

    async def track(self, event: NewEvent) -> None:
        """Tracks an event. It appears in `history` after a while.

        One request. Rate: 350 a second, 3500 a minute. Scope: `events:write`."""
        return await self._call(_functions.TRACK, event)

    async def track_many(self, events: Iterable[NewEvent]) -> BatchResult:
        """Tracks many events. Those that cannot work are refused, and so is a second one with the same unique id.

        One request per 1,000. Rate: 10 a second, 150 a minute. Scope: `events:write`."""
        return await self._call(_functions.TRACK_MANY, events)

    async def history(self, by: Identifier, period: Period = Period()) -> Timeline | None:
        """A person's events, newest first, with the names of their metrics; 200 at most, unless the period has
        another limit. `None`: there is no such profile.

        One request per page of 200, and one before unless `by` is an `Id`. Rate: 75 a second, 700 a minute, of its
        slowest request. Scopes: `events:read`, `metrics:read`, `profiles:read`. `InvalidInput`: the limit is 0, or a
        time is none."""
        return await self._call(_functions.HISTORY, by, period)

    async def metrics(self) -> list[Metric]:
        """All metrics of the account.

        One request per page of 200. Rate: 10 a second, 150 a minute. Scope: `metrics:read`. `Malformed`: also where
        the next page would not be Klaviyo's."""
        return await self._call(_functions.METRICS)
