"""The methods for `changes`. To be awaited: written by `tests/awaited.py`."""

from __future__ import annotations

from .. import _functions
from .._functions import AsyncCaller
from ..types import EventPage, Group, JoinedPage, Position, ProfilePage


class Changes(AsyncCaller):
    """What changed since the last look: first `Since` a time, then from the `Cursor` of the page before.

    Nothing is missed that becomes visible within the look-back, and nothing is told twice by cursors that are used one
    after the other. What was deleted or merged, and who left, cannot be seen."""

    async def changed_profiles(self, from_: Position) -> ProfilePage:
        """A page of the profiles that were created or changed since.

        One request, of at most 100 profiles. Rate: 75 a second, 700 a minute. Scope: `profiles:read`. `InvalidInput`:
        the time is none, the look-back is too long, or the cursor is not one of this function's. `Malformed`: also
        where the next page would not be Klaviyo's."""
        return await self._call(_functions.CHANGED_PROFILES, from_)

    async def joined_members(self, of: Group, from_: Position) -> JoinedPage:
        """A page of the people who joined a list or a segment since, such as `joined_members(ListId("Y6nRLr"),
        Since("2026-11-01T00:00:00Z"))`.

        One request, of at most 100 members. Rate: 75 a second, 700 a minute. Scopes: `lists:read` or `segments:read`,
        and `profiles:read`. `InvalidInput`: as in `changed_profiles`, or the cursor is one of another group.
        `NotFound`: there is no such list or segment. `Malformed`: also where the next page would not be Klaviyo's."""
        return await self._call(_functions.JOINED_MEMBERS, of, from_)

    async def new_events(self, from_: Position) -> EventPage:
        """A page of the events that happened since, of all people and metrics.

        One request, of at most 200 events. Rate: 350 a second, 3500 a minute. Scopes: `events:read`, `metrics:read`.
        `InvalidInput`: as in `changed_profiles`. `Malformed`: also where the next page would not be Klaviyo's."""
        return await self._call(_functions.NEW_EVENTS, from_)
