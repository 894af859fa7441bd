"""Consent: given, taken back, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Detail, KlaviyoError
from .batch import Refusal
from .open import Channel, Time


@dataclass(frozen=True)
class Subscription:
    """The consent of one person: one channel or more, in ``channels`` or in ``transactional``."""

    channels: Sequence[Channel] = ()
    """Of marketing."""
    id: str | None = None
    """Klaviyo's id of the profile, if it is known. Needed where there is neither a list nor a historical import."""
    email: str | None = None
    """Needed for the channel ``email``."""
    phone_number: str | None = None
    """Needed for ``sms`` and ``whatsapp``; with its country code behind ``+`` or ``00``."""
    transactional: Sequence[Channel] = ()
    """Of transactional messages, such as order confirmations: ``sms`` and ``whatsapp``."""
    consented_at: Time | None = None
    """When the consent was given. For historical imports only."""
    date_of_birth: str | None = None
    """Such as ``1990-12-31``. Klaviyo needs it for SMS in accounts that use age-gating."""


@dataclass(frozen=True)
class Unsubscription:
    """Consent that a person takes back: one channel or more, in ``channels`` or in ``transactional``."""

    channels: Sequence[Channel] = ()
    """Of marketing."""
    email: str | None = None
    """Needed for the channel ``email``."""
    phone_number: str | None = None
    """Needed for ``sms`` and ``whatsapp``; with its country code behind ``+`` or ``00``."""
    transactional: Sequence[Channel] = ()
    """Of transactional messages."""


@dataclass(frozen=True)
class Historical:
    """A historical import of consent."""

    now: Time
    """The present time, to compare each ``consented_at`` with."""


@dataclass(frozen=True)
class ConsentOptions:
    """About all subscriptions of a call."""

    custom_source: str | None = None
    """What Klaviyo keeps as the source of the consent, such as ``WhatsApp bot``."""
    historical_import: Historical | None = None
    """Given: the consent was collected before, elsewhere. Nobody is asked to confirm, and no flow is started."""


@dataclass(frozen=True)
class ChannelRefusal:
    """A channel that Klaviyo refuses for a person. Often the account has not set it up."""

    index: int
    """The position of the person in the argument."""
    channel: Channel
    """The channel that is refused."""
    reason: Detail
    """Klaviyo's reason."""


@dataclass(frozen=True)
class Outcome:
    """What became of ``grant_consent`` or ``revoke_consent``. Look at ``refused`` and ``stopped`` also after success."""

    accepted: int
    """How many people Klaviyo accepted, on one channel or more. It works on them later: see ``consents``."""
    refused: tuple[Refusal, ...]
    """The people whose consent is unchanged."""
    refused_channels: tuple[ChannelRefusal, ...]
    """The channels that Klaviyo refused, of people who are not in ``refused``."""
    warnings: tuple[str, ...]
    """What Klaviyo took only in part, one sentence each."""
    stopped: KlaviyoError | None
    """Why those from position ``stopped.done`` on were not sent. ``None``: all of them were."""


@dataclass(frozen=True)
class Suppression:
    """What stops marketing email in spite of consent."""

    reason: str
    """Klaviyo's word, such as ``HARD_BOUNCE`` or ``USER_SUPPRESSED``."""
    since: str | None
    """From when on: RFC 3339, as Klaviyo wrote it."""
    list: str | None
    """The list that it is for. ``None``: all email."""


@dataclass(frozen=True)
class ChannelConsent:
    """A person's consent on one channel. Times are RFC 3339, as Klaviyo wrote them."""

    channel: Channel
    """The channel that it is about."""
    state: str
    """Klaviyo's word: ``SUBSCRIBED``, ``UNSUBSCRIBED``, ``NEVER_SUBSCRIBED``."""
    can_receive: bool | None
    """Whether Klaviyo would send on this channel."""
    consented_at: str | None
    """When the consent was given: RFC 3339."""
    updated: str | None
    """When Klaviyo last changed it: RFC 3339."""
    method: str | None
    """How the consent was given, in Klaviyo's words."""
    custom_source: str | None
    """Email only."""
    suppressions: tuple[Suppression, ...]
    """Email only."""


@dataclass(frozen=True)
class Consents:
    """A person's consent."""

    profile_id: str
    """Klaviyo's id of the profile."""
    channels: tuple[ChannelConsent, ...]
    """To marketing."""
    transactional: tuple[ChannelConsent, ...]
    """To transactional messages."""
    conversational: tuple[ChannelConsent, ...]
    """To conversations that the person began."""
