"""The methods for `contacts`. To be awaited: written by `tests/awaited.py`."""

from __future__ import annotations

from collections.abc import Iterable

from .. import _functions
from .._functions import AsyncCaller
from ..types import (
    Change,
    Channel,
    Contact,
    Creation,
    Departures,
    Enrollments,
    Identifier,
    Permission,
    Profile,
    Receipt,
    Upserted,
)


class Contacts(AsyncCaller):
    """Profiles, and their membership of lists. Membership is not consent: only a `Permission` gives consent."""

    async def lookup(self, by: Identifier) -> Profile | None:
        """The profile with this identifier, such as `Email("priya@example.com")`. `None`: there is none.

        One request. Rate: 75 a second, 700 a minute. Scope: `profiles:read`."""
        return await self._call(_functions.LOOKUP, by)

    async def lookup_many(self, identifiers: Iterable[Identifier]) -> list[Profile | None]:
        """The profiles with these identifiers, in their order.

        One request per 100 of one kind. Rate: 75 a second, 700 a minute. Scope: `profiles:read`. `TooLarge`: ask for
        fewer. `InvalidInput` names the first identifier that cannot work."""
        return await self._call(_functions.LOOKUP_MANY, identifiers)

    async def create(self, profile: Contact) -> Creation:
        """Creates a profile: `Created`, or `Existing` where one with an identifier of it is there already.

        One request. Rate: 75 a second, 700 a minute. Scope: `profiles:write`. `Conflict`: Klaviyo does not name the
        profile that exists."""
        return await self._call(_functions.CREATE, profile)

    async def upsert(self, profile: Contact) -> Upserted:
        """Creates a profile, or updates the one that has the same identifiers.

        One request. Rate: 75 a second, 700 a minute. Scope: `profiles:write`. `Conflict`: its identifiers belong to
        several profiles."""
        return await self._call(_functions.UPSERT, profile)

    async def update(self, id: str, changes: Iterable[Change]) -> Profile:
        """Changes the profile with an id, all changes together, and returns it as it is then: `update(id,
        [Set(NewProfile(title="Owner")), Clear("locale"), Unset("shoe_size")])`.

        One request. Rate: 75 a second, 700 a minute. Scope: `profiles:write`. `InvalidInput`: two changes of the same
        field, or none. `NotFound`: there is no such profile. `Conflict`: an identifier belongs to another profile,
        which `duplicate` names."""
        return await self._call(_functions.UPDATE, id, changes)

    async def merge(self, *, into: str, from_: str) -> None:
        """Merges the profile `from_` into the profile `into`, by id, and deletes `from_`. THIS CANNOT BE UNDONE.

        Where both have a value, that of `into` stays. Klaviyo merges some minutes later. One request. Rate: 10 a
        second, 150 a minute. Scope: `profiles:write`. `NotFound`: there is no such profile, perhaps since they are
        merged already. `InvalidInput`: both ids are the same."""
        return await self._call(_functions.MERGE, into, from_)

    async def subscribe(self, list: str, profiles: Iterable[str]) -> int:
        """Adds profiles, by id, to a list, by id, and returns how many. This is membership, not consent.

        One request per 1,000. Rate: 10 a second, 150 a minute. Scopes: `lists:write`, `profiles:write`. `NotFound`:
        there is no such list. After a failure `done` says how many were added. `Rejected`: one of the ids is no
        profile."""
        return await self._call(_functions.SUBSCRIBE, list, profiles)

    async def opt_in(self, contact: Contact, list: str, consent: Permission | None = None) -> Receipt:
        """Looks a contact up, creates it if there is none, and adds it to a list, by id. With `consent` the person is
        subscribed to marketing too, which lifts suppressions; without, this is membership alone.

        Two or three requests, and two or more for the consent. Rate: 10 a second, 150 a minute, of its slowest
        request. Scopes: `profiles:read`, `profiles:write`, `lists:write`; with `consent` also `subscriptions:write`.
        `NotFound`: there is no such list."""
        return await self._call(_functions.OPT_IN, contact, list, consent)

    async def opt_in_many(
        self, contacts: Iterable[Contact], list: str, consent: Permission | None = None
    ) -> Enrollments:
        """What `opt_in` does, for many contacts in fewer requests. An outcome for each: `Enrolled`, `Refused` or
        `Pending`.

        Requests as in `lookup_many`, one for each new profile, one per 1,000 for the list. Rate: 10 a second, 150 a
        minute, of its slowest request. Scopes: as in `opt_in`: `profiles:read`, `profiles:write`, `lists:write`, and
        `subscriptions:write` with `consent`. `InvalidInput`: the list is empty, or the permission names no channel.
        `NotFound`: there is no such list."""
        return await self._call(_functions.OPT_IN_MANY, contacts, list, consent)

    async def opt_out(
        self, people: Iterable[Identifier], channels: Iterable[Channel] = (), lists: Iterable[str] = ()
    ) -> Departures:
        """Takes back what an opt-in gave: revokes the consent of people to marketing on the channels, takes them off
        the lists, by id, and says what each had: `Departed`, `Refused` or `PendingDeparture`. Somebody without a
        profile who is named by an email or a number is unsubscribed too.

        Requests as in `lookup_many`, one per 100 people on each list and one to unsubscribe them, one per 1,000 who
        are on a list. Safe to repeat. Rate: 3 a second, 60 a minute, of its slowest request. Scopes: `profiles:read`,
        `profiles:write`, `lists:read`, `lists:write`, `subscriptions:write`. `InvalidInput`: there is neither a
        channel nor a list, or one that cannot be."""
        return await self._call(_functions.OPT_OUT, people, channels, lists)
