"""What became of contacts, and changes of profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Detail, KlaviyoError
from .open import Channel, FieldName, Properties
from .profiles import NewProfile, Profile


@dataclass(frozen=True)
class Created:
    """The profile is new."""

    profile: Profile
    """The profile as it is now."""


@dataclass(frozen=True)
class Existing:
    """A profile with one of the identifiers existed already, and was not changed."""

    id: str
    """Klaviyo's id of it."""


Creation = Created | Existing
"""What ``create`` did."""


@dataclass(frozen=True)
class Upserted:
    """What ``upsert`` did."""

    profile: Profile
    """The profile as it is now."""
    created: bool
    """Whether it is new."""


@dataclass(frozen=True)
class Permission:
    """Consent to marketing that a person gives together with an opt-in. Only for people who gave it to you."""

    channels: Sequence[Channel]
    """One or more. The contact has the address of each."""
    custom_source: str | None = None
    """What Klaviyo keeps as the source of the consent, such as ``WhatsApp bot``."""


@dataclass(frozen=True)
class Permitted:
    """What became of the consent on one channel of a ``Permission``."""

    channel: Channel
    """The channel that it is about."""
    refused: Detail | None
    """Why Klaviyo refuses the consent on this channel. ``None``: Klaviyo accepted it, and works on it."""
    state: str | None
    """The consent right after the call, in Klaviyo's words. It may still be the earlier one."""
    can_receive: bool | None
    """Whether Klaviyo would send marketing on this channel right after the call."""


@dataclass(frozen=True)
class Receipt:
    """What ``opt_in`` did."""

    profile_id: str
    """Klaviyo's id of the profile."""
    profile_name: str | None
    """The first name that Klaviyo has, else the one that was given."""
    list_id: str
    """The list's id, as it was given."""
    created: bool
    """Whether this call created the profile."""
    warnings: tuple[str, ...]
    """What was not taken as given, one sentence each."""
    consent: tuple[Permitted, ...]
    """One for each channel of the ``Permission``, in its order. Empty: none was given."""


@dataclass(frozen=True)
class Enrolled:
    """The contact is on the list."""

    receipt: Receipt
    """What was done, as of ``opt_in``."""


@dataclass(frozen=True)
class Refused:
    """The contact or the identifier cannot work as it is, or Klaviyo refuses it: nothing was given or taken."""

    reason: Detail
    """With the code ``invalid-input`` the connector's, which names the field, else Klaviyo's."""


@dataclass(frozen=True)
class Pending:
    """The call was stopped before the contact was on the list and had its consent. Repeat it."""


Enrollment = Enrolled | Refused | Pending
"""What became of one contact of ``opt_in_many``."""


@dataclass(frozen=True)
class Enrollments:
    """What became of ``opt_in_many``. Look at ``stopped`` also after success."""

    outcomes: tuple[Enrollment, ...]
    """One for each contact, in the order given."""
    stopped: KlaviyoError | None
    """Why some are ``Pending``. ``None``: no contact is."""


@dataclass(frozen=True)
class Revocation:
    """What became of the consent on one channel of an ``opt_out``."""

    channel: Channel
    """The channel that it is about."""
    was_subscribed: bool
    """Whether the person was subscribed there right before. Without ``refused``, this was taken."""
    refused: Detail | None
    """Why the consent stays as it was. ``None``: Klaviyo works on it, or there is no address for this channel."""


@dataclass(frozen=True)
class Removal:
    """What became of a person's membership of a list in an ``opt_out``."""

    list: str
    """Its id. The person was on it."""
    refused: Detail | None
    """Why Klaviyo leaves the person there. ``None``: the person is off the list."""


@dataclass(frozen=True)
class Taken:
    """What ``opt_out`` took from a person."""

    profile_id: str | None
    """``None``: there was no profile."""
    consent: tuple[Revocation, ...]
    """One for each channel of the call, in its order. Empty: it names none, or was stopped before."""
    lists: tuple[Removal, ...]
    """One for each list of the call that the person was on, but for those that it was stopped before."""


@dataclass(frozen=True)
class Departed:
    """All channels and lists were dealt with."""

    taken: Taken
    """What the person had, and has no more."""


@dataclass(frozen=True)
class PendingDeparture:
    """The call was stopped before all was dealt with. Repeat it, and keep what was taken: it will be gone then."""

    CASE = "pending"

    taken: Taken
    """What was taken before the call was stopped."""


Departure = Departed | Refused | PendingDeparture
"""What became of one person of ``opt_out``."""


@dataclass(frozen=True)
class Departures:
    """What became of ``opt_out``. Look at ``stopped`` and ``missing_lists`` also after success."""

    outcomes: tuple[Departure, ...]
    """One for each person, in the order given."""
    missing_lists: tuple[str, ...]
    """The lists that the account does not have."""
    warnings: tuple[str, ...]
    """What Klaviyo took only in part, one sentence each."""
    stopped: KlaviyoError | None
    """Why some are ``PendingDeparture``. ``None``: nobody is."""


@dataclass(frozen=True)
class Set:
    """Sets the fields that are not ``None``; the other fields and custom properties stay as they are."""

    profile: NewProfile
    """The fields to set. No identifier is needed."""


@dataclass(frozen=True)
class Clear:
    """Clears a field. Not ``properties``: see ``Unset``."""

    field: FieldName
    """Its name in ``NewProfile``, such as ``title``, ``phone_number``, ``location`` or ``location.city``."""


@dataclass(frozen=True)
class Append:
    """Adds values to custom properties that are lists. Repeated after a failure, it may add them twice."""

    properties: Properties
    """Such as ``{"tags": ["vip", "new"]}``."""


@dataclass(frozen=True)
class Unappend:
    """Takes values out of custom properties that are lists."""

    properties: Properties
    """As for ``Append``."""


@dataclass(frozen=True)
class Unset:
    """Removes a custom property."""

    property: str
    """Its name."""


Change = Set | Clear | Append | Unappend | Unset
"""One change of a profile, for ``update``."""
