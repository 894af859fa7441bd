"""The method for `account`."""

from __future__ import annotations

from .. import _functions
from .._functions import Caller
from ..types import AccountDetails


class Account(Caller):
    """The account of the key."""

    def account_details(self) -> AccountDetails:
        """The account that the key belongs to.

        One request. Rate: 1 a second, 15 a minute. Scope: `accounts:read`."""
        return self._call(_functions.ACCOUNT)
