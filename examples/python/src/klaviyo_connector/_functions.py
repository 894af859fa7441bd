"""The functions of the contract: what they take, by name, and what they return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .types import (
    Audience,
    ConsentOptions,
    Consents,
    Creation,
    Failure,
    Identifier,
    Job,
    NewProfile,
    Outcome,
    Profile,
    Receipt,
    Submission,
    Subscription,
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


LISTS: Function[list[Audience]] = Function("lists.all", {}, list[Audience])
FIND_LIST: Function[Audience | None] = Function("lists.find", {"name": str}, Audience | None)

LOOKUP: Function[Profile | None] = Function("contacts.lookup", {"by": Identifier}, Profile | None)
LOOKUP_MANY: Function[list[Profile | None]] = Function(
    "contacts.lookup-many", {"identifiers": Iterable[Identifier]}, list[Profile | None]
)
CREATE: Function[Creation] = Function("contacts.create", {"profile": NewProfile}, Creation)
UPSERT: Function[Upserted] = Function("contacts.upsert", {"profile": NewProfile}, Upserted)
SUBSCRIBE: Function[int] = Function("contacts.subscribe", {"list": str, "profiles": Iterable[str]}, int)
OPT_IN: Function[Receipt] = Function("contacts.opt-in", {"contact": NewProfile, "list": str}, Receipt)

GRANT: Function[Outcome] = Function(
    "consent.grant",
    {"subscriptions": Iterable[Subscription], "list": str | None, "options": ConsentOptions},
    Outcome,
)
REVOKE: Function[Outcome] = Function(
    "consent.revoke", {"unsubscriptions": Iterable[Unsubscription], "list": str | None}, Outcome
)
CONSENTS: Function[Consents | None] = Function("consent.status", {"by": Identifier}, Consents | None)

SUBMIT: Function[Submission] = Function(
    "bulk.submit", {"contacts": Iterable[NewProfile], "list": str | None}, Submission
)
STATUS: Function[Job] = Function("bulk.status", {"job": str}, Job)
FAILURES: Function[list[Failure]] = Function("bulk.failures", {"job": str}, list[Failure])
JOBS: Function[list[Job]] = Function("bulk.jobs", {"newer_than": str | None}, list[Job])

ALL: tuple[Function[Any], ...] = (
    *(LISTS, FIND_LIST),
    *(LOOKUP, LOOKUP_MANY, CREATE, UPSERT, SUBSCRIBE, OPT_IN),
    *(GRANT, REVOKE, CONSENTS),
    *(SUBMIT, STATUS, FAILURES, JOBS),
)
