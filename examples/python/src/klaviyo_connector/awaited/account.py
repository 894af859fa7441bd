"""The method for `account`. To be awaited: written by `tests/awaited.py`."""

from __future__ import annotations

from .. import _functions
from .._functions import AsyncCaller
from ..types import AccountDetails


class Account(AsyncCaller):
    """The account of the key."""

    async def account_details(self) -> AccountDetails:
        """The account that the key belongs to.

        One request. Rate: 1 a second, 15 a minute. Scope: `accounts:read`."""
        return await self._call(_functions.ACCOUNT)
