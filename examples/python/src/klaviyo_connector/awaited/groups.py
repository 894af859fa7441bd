"""The methods for `lists` and `segments`. To be awaited: written by `tests/awaited.py`."""

from __future__ import annotations

import builtins
from collections.abc import Iterable

from .. import _functions
from .._functions import AsyncCaller
from ..types import Audience, MemberPage, Segment


class Groups(AsyncCaller):
    """Lists and segments, and who is in them."""

    async def lists(self) -> builtins.list[Audience]:
        """All lists of the account.

        One request per page of 10. Rate: 75 a second, 700 a minute. Scope: `lists:read`. `Malformed`: also where the
        next page would not be Klaviyo's."""
        return await self._call(_functions.LISTS)

    async def find_list(self, name: str) -> Audience | None:
        """The list with this id or exact name. `None`: there is none. Names can change: keep the id.

        One or two requests. Rate: 75 a second, 700 a minute. Scope: `lists:read`. `Conflict`: several lists have the
        name. `InvalidInput`: the name is empty, or has more than 500 characters."""
        return await self._call(_functions.FIND_LIST, name)

    async def create_list(self, name: str) -> Audience:
        """Creates a list. Names need not be unique: look with `find_list` first.

        One request. Rate: 10 a second, 150 a minute, 150 a day. Scope: `lists:write`. A second call makes a second
        list, also after a failure that leaves open whether the first was made. `InvalidInput`: the name is empty, or
        has more than 500 characters."""
        return await self._call(_functions.CREATE_LIST, name)

    async def remove_from_list(self, list: str, profiles: Iterable[str]) -> int:
        """Takes profiles, by id, off a list, by id, and returns how many. Their consent stays.

        One request per 1,000. Rate: 10 a second, 150 a minute. Scopes: `lists:write`, `profiles:write`. `NotFound`:
        there is no such list. After a failure `done` says how many were taken off. `Rejected`: one of the ids is no
        profile."""
        return await self._call(_functions.REMOVE, list, profiles)

    async def list_members(self, list: str, *, cursor: str | None = None) -> MemberPage:
        """A page of a list's members, at most 100, those who joined first at the start. `cursor`: `next` of the page
        before.

        One request. Rate: 75 a second, 700 a minute. Scopes: `lists:read`, `profiles:read`. `NotFound`: there is no
        such list. `InvalidInput`: the cursor is not one of this list's."""
        return await self._call(_functions.LIST_MEMBERS, list, cursor)

    async def lists_of_profile(self, profile: str) -> builtins.list[Audience]:
        """The lists that a profile, by its id, is on.

        One request per page. Rate: 3 a second, 60 a minute. Scopes: `lists:read`, `profiles:read`. `NotFound`: there
        is no such profile."""
        return await self._call(_functions.LISTS_OF, profile)

    async def segments(self) -> builtins.list[Segment]:
        """All segments of the account.

        One request per page of 10. Rate: 75 a second, 700 a minute. Scope: `segments:read`. `Malformed`: also where
        the next page would not be Klaviyo's."""
        return await self._call(_functions.SEGMENTS)

    async def segment_members(self, segment: str, *, cursor: str | None = None) -> MemberPage:
        """A page of a segment's members, as `list_members`.

        One request. Rate: 75 a second, 700 a minute. Scopes: `segments:read`, `profiles:read`. `NotFound`: there is
        no such segment. `InvalidInput`: the cursor is not one of this segment's."""
        return await self._call(_functions.SEGMENT_MEMBERS, segment, cursor)

    async def segments_of_profile(self, profile: str) -> builtins.list[Segment]:
        """The segments that a profile, by its id, is in.

        One request per page. Rate: 3 a second, 60 a minute. Scopes: `segments:read`, `profiles:read`. `NotFound`:
        there is no such profile."""
        return await self._call(_functions.SEGMENTS_OF, profile)
