"""The functions of the contract: what they take, by name, and what they return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from ._spelling import Spelling
from .types import (
    AccountDetails,
    ApiRequest,
    ApiResponse,
    Audience,
    BatchResult,
    Change,
    Channel,
    ConsentOptions,
    Consents,
    Creation,
    Departures,
    Enrollments,
    EventPage,
    Failure,
    Group,
    Identifier,
    Job,
    JoinedPage,
    MemberPage,
    Metric,
    NewEvent,
    NewProfile,
    Outcome,
    Period,
    Permission,
    Position,
    Profile,
    ProfilePage,
    Receipt,
    Refusal,
    Segment,
    Submission,
    Subscription,
    Timeline,
    Unsubscription,
    Upserted,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Function(Generic[T]):
    """A function that returns a `T`: `interface.function`, as in `wit/`."""

    name: str
    parameters: Mapping[str, Any]
    returns: Any

    @cached_property
    def spelling(self) -> Spelling:
        """The names of what it takes, for errors and warnings."""
        return Spelling(self.parameters)


class Caller(Protocol):
    """What can call a function."""

    def _call(self, function: Function[T], *arguments: object) -> T: ...


class AsyncCaller(Protocol):
    """What can have a function called, and wait for it."""

    async def _call(self, function: Function[T], *arguments: object) -> T: ...


LOOKUP: Function[Profile | None] = Function("contacts.lookup", {"by": Identifier}, Profile | None)
LOOKUP_MANY: Function[list[Profile | None]] = Function(
    "contacts.lookup-many", {"identifiers": Iterable[Identifier]}, list[Profile | None]
)
CREATE: Function[Creation] = Function("contacts.create", {"profile": NewProfile}, Creation)
UPSERT: Function[Upserted] = Function("contacts.upsert", {"profile": NewProfile}, Upserted)
UPDATE: Function[Profile] = Function("contacts.update", {"id": str, "changes": Iterable[Change]}, Profile)
MERGE: Function[None] = Function("contacts.merge", {"into": str, "from_": str}, None)
SUBSCRIBE: Function[int] = Function("contacts.subscribe", {"list": str, "profiles": Iterable[str]}, int)
OPT_IN: Function[Receipt] = Function(
    "contacts.opt-in", {"contact": NewProfile, "list": str, "consent": Permission | None}, Receipt
)
OPT_IN_MANY: Function[Enrollments] = Function(
    "contacts.opt-in-many",
    {"contacts": Iterable[NewProfile], "list": str, "consent": Permission | None},
    Enrollments,
)
OPT_OUT: Function[Departures] = Function(
    "contacts.opt-out",
    {"people": Iterable[Identifier], "channels": Iterable[Channel], "lists": Iterable[str]},
    Departures,
)

LISTS: Function[list[Audience]] = Function("lists.all", {}, list[Audience])
FIND_LIST: Function[Audience | None] = Function("lists.find", {"name": str}, Audience | None)
CREATE_LIST: Function[Audience] = Function("lists.create", {"name": str}, Audience)
REMOVE: Function[int] = Function("lists.remove", {"list": str, "profiles": Iterable[str]}, int)
LIST_MEMBERS: Function[MemberPage] = Function("lists.members", {"list": str, "cursor": str | None}, MemberPage)
LISTS_OF: Function[list[Audience]] = Function("lists.of-profile", {"profile": str}, list[Audience])

SEGMENTS: Function[list[Segment]] = Function("segments.all", {}, list[Segment])
SEGMENT_MEMBERS: Function[MemberPage] = Function(
    "segments.members", {"segment": str, "cursor": str | None}, MemberPage
)
SEGMENTS_OF: Function[list[Segment]] = Function("segments.of-profile", {"profile": str}, list[Segment])

GRANT: Function[Outcome] = Function(
    "consent.grant",
    {"subscriptions": Iterable[Subscription], "list": str | None, "options": ConsentOptions},
    Outcome,
)
REVOKE: Function[Outcome] = Function(
    "consent.revoke", {"unsubscriptions": Iterable[Unsubscription], "list": str | None}, Outcome
)
CONSENTS: Function[Consents | None] = Function("consent.status", {"by": Identifier}, Consents | None)

CHECK: Function[list[Refusal]] = Function("bulk.check", {"contacts": Iterable[NewProfile]}, list[Refusal])
SUBMIT: Function[Submission] = Function(
    "bulk.submit", {"contacts": Iterable[NewProfile], "list": str | None}, Submission
)
STATUS: Function[Job] = Function("bulk.status", {"job": str}, Job)
FAILURES: Function[list[Failure]] = Function("bulk.failures", {"job": str}, list[Failure])
JOBS: Function[list[Job]] = Function("bulk.jobs", {"newer_than": str | None}, list[Job])

SUPPRESS: Function[BatchResult] = Function("privacy.suppress", {"emails": Iterable[str]}, BatchResult)
UNSUPPRESS: Function[BatchResult] = Function("privacy.unsuppress", {"emails": Iterable[str]}, BatchResult)
DELETE: Function[None] = Function("privacy.delete", {"by": Identifier}, None)

TRACK: Function[None] = Function("events.track", {"event": NewEvent}, None)
TRACK_MANY: Function[BatchResult] = Function("events.track-many", {"events": Iterable[NewEvent]}, BatchResult)
HISTORY: Function[Timeline | None] = Function(
    "events.history", {"by": Identifier, "period": Period}, Timeline | None
)
METRICS: Function[list[Metric]] = Function("events.metrics", {}, list[Metric])

CHANGED_PROFILES: Function[ProfilePage] = Function("changes.profiles", {"from_": Position}, ProfilePage)
JOINED_MEMBERS: Function[JoinedPage] = Function("changes.members", {"of": Group, "from_": Position}, JoinedPage)
NEW_EVENTS: Function[EventPage] = Function("changes.events", {"from_": Position}, EventPage)

ACCOUNT: Function[AccountDetails] = Function("account.get", {}, AccountDetails)

CALL_API: Function[ApiResponse] = Function("api.call", {"request": ApiRequest}, ApiResponse)

ALL: tuple[Function[Any], ...] = tuple(each for each in vars().copy().values() if isinstance(each, Function))
