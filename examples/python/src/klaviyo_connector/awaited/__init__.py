"""The contract's functions as methods, a class for each interface or two. To be awaited: written by `tests/awaited.py`."""

from .account import Account
from .api import Api
from .bulk import Bulk
from .changes import Changes
from .consent import Consent
from .contacts import Contacts
from .events import Events
from .groups import Groups
from .privacy import Privacy


class AsyncFunctions(Contacts, Groups, Consent, Bulk, Events, Changes, Privacy, Account, Api):
    """All functions of the contract, to be awaited. Whoever inherits from it calls them."""


__all__ = ["AsyncFunctions"]
