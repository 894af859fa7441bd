"""The contract's functions as methods, a class for each interface or two."""

from .account import Account
from .api import Api
from .bulk import Bulk
from .changes import Changes
from .consent import Consent
from .contacts import Contacts
from .events import Events
from .groups import Groups
from .privacy import Privacy


class Functions(Contacts, Groups, Consent, Bulk, Events, Changes, Privacy, Account, Api):
    """All functions of the contract. Whoever inherits from it calls them."""


__all__ = ["Functions"]
