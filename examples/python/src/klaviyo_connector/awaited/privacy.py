"""The methods for `privacy`. To be awaited: written by `tests/awaited.py`."""

from __future__ import annotations

from collections.abc import Iterable

from .. import _functions
from .._functions import AsyncCaller
from ..types import BatchResult, Identifier


class Privacy(AsyncCaller):
    """Keeping people out of email, and deleting them."""

    async def suppress(self, emails: Iterable[str]) -> BatchResult:
        """Suppresses email addresses: Klaviyo sends them no marketing email, whatever their consent.

        One request per 100. Rate: 75 a second, 700 a minute. Scopes: `profiles:write`, `subscriptions:write`."""
        return await self._call(_functions.SUPPRESS, emails)

    async def unsuppress(self, emails: Iterable[str]) -> BatchResult:
        """Lifts suppressions that `suppress` or a user of the account made.

        One request per 100. Rate: 75 a second, 700 a minute. Scope: `subscriptions:write`."""
        return await self._call(_functions.UNSUPPRESS, emails)

    async def delete_profiles(self, by: Identifier) -> None:
        """Deletes the profiles with an identifier, and all that Klaviyo knows about them. THIS CANNOT BE UNDONE.

        Klaviyo deletes later. One request. Rate: 3 a second, 60 a minute. Scope: `data-privacy:write`. `InvalidInput`
        for an `ExternalId`: look the profile up, and use its id."""
        return await self._call(_functions.DELETE, by)
