"""The methods for `bulk`. To be awaited: written by `tests/awaited.py`."""

from __future__ import annotations

import builtins
from collections.abc import Iterable

from .. import _functions
from .._functions import AsyncCaller
from ..types import Contact, Failure, Job, Refusal, Submission


class Bulk(AsyncCaller):
    """Imports of many contacts, on which Klaviyo works later."""

    async def check_import(self, contacts: Iterable[Contact]) -> builtins.list[Refusal]:
        """The contacts that `submit_import` would refuse before it sends anything. Empty: all are fit.

        No request."""
        return await self._call(_functions.CHECK, contacts)

    async def submit_import(self, contacts: Iterable[Contact], *, list: str | None = None) -> Submission:
        """Imports contacts in bulk, and adds them to a list, by id, if one is given. This is membership, not consent.

        One request per 10,000 contacts. Rate: 10 a second, 150 a minute. Scopes: `lists:write`, `profiles:write`.
        `TooLarge`: submit fewer in a call. A second call is a second import: after a failure that leaves open whether
        the first was taken, `imports` tells. `InvalidInput`: the list is empty. `NotFound`: there is no such list.
        `Rejected`: Klaviyo refuses the request and names no contact in it."""
        return await self._call(_functions.SUBMIT, contacts, list)

    async def import_status(self, job: str) -> Job:
        """How an import is doing. A new one takes minutes.

        One request. Rate: 10 a second, 150 a minute. Scopes: `lists:read`, `profiles:read`. `NotFound`: there is no
        such job, or it has expired."""
        return await self._call(_functions.STATUS, job)

    async def import_failures(self, job: str) -> builtins.list[Failure]:
        """The contacts that an import could not import.

        One request per page of 100. Rate: 10 a second, 150 a minute. Scope: `profiles:read`. `NotFound`: there is no
        such job, or it has expired. `Malformed`: also where the next page would not be Klaviyo's."""
        return await self._call(_functions.FAILURES, job)

    async def imports(self, *, newer_than: str | None = None) -> builtins.list[Job]:
        """The account's imports, newest first: those newer than the given one, or the newest 100.

        One request per page of 100. Rate: 10 a second, 150 a minute. Scopes: `lists:read`, `profiles:read`.
        `Malformed`: also where the next page would not be Klaviyo's."""
        return await self._call(_functions.JOBS, newer_than)
