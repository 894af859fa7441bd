"""The methods for `consent`. To be awaited: written by `tests/awaited.py`."""

from __future__ import annotations

from collections.abc import Iterable

from .. import _functions
from .._functions import AsyncCaller
from ..types import ConsentOptions, Consents, Identifier, Outcome, Subscription, Unsubscription


class Consent(AsyncCaller):
    """Consent to messages."""

    async def grant_consent(
        self,
        subscriptions: Iterable[Subscription],
        *,
        list: str | None = None,
        options: ConsentOptions = ConsentOptions(),
    ) -> Outcome:
        """Subscribes people, who gave you their consent, and adds them to a list, by id, if one is given. It lifts
        suppressions.

        One request per 1,000. Rate: 75 a second, 700 a minute. Scopes: `lists:write`, `profiles:write`,
        `subscriptions:write`. `NotFound`: there is no such list. `InvalidInput`: the list is empty, or `now` is no
        time. `Rejected`: Klaviyo refuses the request and names nobody in it."""
        return await self._call(_functions.GRANT, subscriptions, list, options)

    async def revoke_consent(self, unsubscriptions: Iterable[Unsubscription], *, list: str | None = None) -> Outcome:
        """Unsubscribes people. With a list, by id, from that list; but who is not on it is unsubscribed from
        everything.

        One request per 100. Rate: 75 a second, 700 a minute. Scopes: `lists:write`, `profiles:write`,
        `subscriptions:write`."""
        return await self._call(_functions.REVOKE, unsubscriptions, list)

    async def consents(self, by: Identifier) -> Consents | None:
        """A person's consent, channel by channel. `None`: there is no such profile.

        One request. Rate: 75 a second, 700 a minute. Scope: `profiles:read`."""
        return await self._call(_functions.CONSENTS, by)
