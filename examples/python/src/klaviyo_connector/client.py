"""The connector's functions."""

from __future__ import annotations

import json
import os
import time
import weakref
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal, TypeVar

from . import _codec, _egress, _functions
from ._functions import Function
from ._outbound_http import OutboundHttp
from ._sandbox import Sandbox, read
from ._secret import Secret
from .access import ApiAccess
from .errors import KlaviyoError, TooLarge
from .limits import Limits
from .transport import HttpTransport, Transport
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

# What one request of an import may hold at Klaviyo, and what is there beside the fields of contacts, at most.
_CONTACTS = 10_000
_AROUND = len('{"type":"profile","attributes":{"phone_number":,"external_id":,"first_name":,"last_name":,"properties":}},')
_AROUND_ALL = 1_000


class Klaviyo:
    """One Klaviyo account. Its functions may be called from any number of threads; each call has a sandbox of its own.

    Functions fail with `KlaviyoError`, which has a class for each thing that a caller does next, and with `TypeError`
    for an argument of another type. Nothing is repeated: after `RateLimited` and `Unavailable` that is the caller's to
    do, after `retry_after` seconds. Every function but `submit_import` is safe to repeat.
    """

    def __init__(
        self,
        key: str,
        *,
        endpoint: str | None = None,
        limits: Limits | None = None,
        transport: Transport | None = None,
        component: str | os.PathLike[str] | None = None,
        api: Literal["read", "all"] | ApiAccess | None = None,
    ) -> None:
        """`key`: the account's private key. `endpoint`: where requests go that are meant for `https://a.klaviyo.com`,
        such as a simulator; over `http://` the key is sent in clear. `transport`: another HTTP client.
        `component`: another file than the package's own. `api`: what `api.call` may ask for; without it, nothing."""
        try:
            self._key = Secret(key)
        finally:
            # Tracebacks may be printed with the variables of their frames.
            del key
        self._origin = _egress.KLAVIYO if endpoint is None else _egress.origin(endpoint)
        self._limits = Limits() if limits is None else limits
        if not isinstance(self._limits, Limits):
            raise TypeError(f"limits: expected Limits, got {type(limits).__name__}")
        self._api = ApiAccess.of(api)
        self._sandbox = Sandbox(read(component), self._limits)
        self._transport = HttpTransport(self._origin) if transport is None else transport
        self._close = weakref.finalize(self, _close, self._sandbox, self._transport)

    def __enter__(self) -> Klaviyo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the thread that watches the time, and closes connections. A call that is under way is answered what it has
        asked, and can ask no more."""
        self._close()

    def lists(self) -> list[Audience]:
        """All lists of the account."""
        return self._call(_functions.LISTS)

    def find_list(self, name: str) -> Audience | None:
        """The list with this id or exact name. It reads all lists: keep the id."""
        return self._call(_functions.FIND_LIST, name)

    def lookup(self, by: Identifier) -> Profile | None:
        """The profile with this identifier, such as `Email("priya@example.com")`."""
        return self._call(_functions.LOOKUP, by)

    def lookup_many(self, identifiers: Iterable[Identifier]) -> list[Profile | None]:
        """The profiles with these identifiers, in their order."""
        return self._call(_functions.LOOKUP_MANY, identifiers)

    def create(self, profile: NewProfile) -> Creation:
        """Creates a profile: `Created`, or `Existing` where one with an identifier of it is there already."""
        return self._call(_functions.CREATE, profile)

    def upsert(self, profile: NewProfile) -> Upserted:
        """Creates a profile, or updates the one that has the same identifiers."""
        return self._call(_functions.UPSERT, profile)

    def subscribe(self, list: str, profiles: Iterable[str]) -> int:
        """Adds profiles, by id, to a list, by id, and returns how many. This is membership, not consent."""
        return self._call(_functions.SUBSCRIBE, list, profiles)

    def opt_in(self, contact: NewProfile, list: str) -> Receipt:
        """Looks a contact up, creates it if there is none, and adds it to a list, by id. This is membership, not
        consent."""
        return self._call(_functions.OPT_IN, contact, list)

    def grant_consent(
        self,
        subscriptions: Iterable[Subscription],
        *,
        list: str | None = None,
        options: ConsentOptions = ConsentOptions(),
    ) -> Outcome:
        """Subscribes people to marketing, who gave you their consent. It lifts suppressions."""
        return self._call(_functions.GRANT, subscriptions, list, options)

    def revoke_consent(self, unsubscriptions: Iterable[Unsubscription], *, list: str | None = None) -> Outcome:
        """Unsubscribes people from marketing."""
        return self._call(_functions.REVOKE, unsubscriptions, list)

    def consents(self, by: Identifier) -> Consents | None:
        """A person's consent, channel by channel."""
        return self._call(_functions.CONSENTS, by)

    def submit_import(self, contacts: Iterable[NewProfile], *, list: str | None = None) -> Submission:
        """Imports contacts in bulk, and adds them to a list, by id, if one is given. This is membership, not consent.

        A second call is a second import: after a failure that leaves open whether the first was taken, `imports` tells.
        """
        return self._call(_functions.SUBMIT, contacts, list)

    def import_status(self, job: str) -> Job:
        """How an import is doing."""
        return self._call(_functions.STATUS, job)

    def import_failures(self, job: str) -> list[Failure]:
        """The contacts that an import could not import."""
        return self._call(_functions.FAILURES, job)

    def imports(self, *, newer_than: str | None = None) -> list[Job]:
        """The account's imports, newest first: those newer than the given one, or the newest 100."""
        return self._call(_functions.JOBS, newer_than)

    def _call(self, function: Function[T], *arguments: object) -> T:
        until = time.monotonic() + self._limits.time
        named = zip(arguments, function.parameters.items(), strict=True)
        lowered = [_codec.lower(value, hint, name) for value, (name, hint) in named]
        if function is _functions.SUBMIT:
            _check_size(lowered[0], self._limits.request_bytes)
        outbound = OutboundHttp(self._limits, self._key, self._origin, self._transport, until, function.name, self._api)
        try:
            value = self._sandbox.call(function.name, lowered, outbound.send, until)
        except KlaviyoError:
            if outbound.interrupted is None:
                raise
            # Raised below, where nothing of the call is attached to it.
        if outbound.interrupted is not None:
            raise outbound.interrupted
        returned: T = _codec.result(value, function.returns)
        return returned


def _close(sandbox: Sandbox, transport: Transport) -> None:
    sandbox.ticker.close()
    transport.close()


def _check_size(contacts: list[Any], limit: int) -> None:
    """wasmtime ends a call whose request is too large, and the ids of jobs that were taken before it would be lost. So
    a call of which a request could be is refused before anything is sent."""
    largest = sorted(map(_size, contacts), reverse=True)[:_CONTACTS]
    size = sum(largest) + _AROUND_ALL
    if size > limit:
        raise TooLarge(
            f"contacts: {len(largest)} of them may take {size} bytes of a request, and Limits.request_bytes allows "
            f"{limit}; nothing was sent: submit fewer in a call",
            code="too-large",
        )


def _size(contact: Any) -> int:
    """At most so many bytes of a request."""
    texts = [text for name, text in vars(contact).items() if text is not None and name != "properties"]
    return _AROUND + sum(len(json.dumps(text)) for text in texts) + len((contact.properties or "").encode())
