"""The values of the contract, as the project's ``wit/`` folder documents them.

A field that the contract calls ``phone-number`` is ``phone_number`` here, and a variant is a union of classes that are
named as its cases. What the contract calls an option is ``None`` where there is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .errors import Detail, KlaviyoError


@dataclass(frozen=True)
class Email:
    """Identifies a profile by its email."""

    value: str


@dataclass(frozen=True)
class PhoneNumber:
    """Identifies a profile by its phone number, with its country code."""

    value: str


@dataclass(frozen=True)
class ExternalId:
    """Identifies a profile by the caller's own id."""

    value: str


@dataclass(frozen=True)
class Id:
    """Identifies a profile by Klaviyo's id."""

    value: str


Identifier = Email | PhoneNumber | ExternalId | Id


@dataclass(frozen=True)
class Profile:
    """A person as Klaviyo knows them."""

    id: str
    email: str | None
    phone_number: str | None
    """E.164, such as ``+919820000001``."""
    external_id: str | None
    first_name: str | None
    last_name: str | None
    created: str | None
    """RFC 3339, as Klaviyo wrote it."""
    updated: str | None
    """RFC 3339, as Klaviyo wrote it."""
    properties: str
    """The custom properties: the text of a JSON object, ``{}`` when there are none."""
    warnings: tuple[str, ...]
    """What Klaviyo accepted only in part, one sentence each."""


@dataclass(frozen=True)
class NewProfile:
    """A person to create, update or opt in: at least one of ``email``, ``phone_number`` and ``external_id``."""

    email: str | None = None
    phone_number: str | None = None
    external_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    properties: str | None = None
    """Custom properties: the text of a JSON object, as ``json.dumps`` writes it."""


@dataclass(frozen=True)
class Created:
    """The profile is new."""

    profile: Profile


@dataclass(frozen=True)
class Existing:
    """A profile with one of the identifiers existed already, and was not changed."""

    id: str


Creation = Created | Existing


@dataclass(frozen=True)
class Upserted:
    """What ``upsert`` did."""

    profile: Profile
    created: bool


@dataclass(frozen=True)
class Receipt:
    """What ``opt_in`` did."""

    profile_id: str
    profile_name: str | None
    list_id: str
    created: bool
    """Whether this call created the profile."""
    warnings: tuple[str, ...]
    """What was not taken as given, one sentence each."""


@dataclass(frozen=True)
class Audience:
    """A list that profiles can be members of."""

    id: str
    name: str
    created: str | None
    updated: str | None
    opt_in: str | None
    """``single_opt_in`` or ``double_opt_in``."""


@dataclass(frozen=True)
class Refusal:
    """An item of a call that was left out of it, and why."""

    index: int
    """Its position in the argument, from 0."""
    reason: Detail


class Channel(str, Enum):
    """Where marketing messages go."""

    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    PUSH = "push"


@dataclass(frozen=True)
class Subscription:
    """The consent of one person."""

    channels: Sequence[Channel]
    id: str | None = None
    email: str | None = None
    phone_number: str | None = None
    consented_at: str | None = None
    """When the consent was given, RFC 3339. For historical imports only."""
    date_of_birth: str | None = None


@dataclass(frozen=True)
class Unsubscription:
    """Consent that a person takes back."""

    channels: Sequence[Channel]
    email: str | None = None
    phone_number: str | None = None


@dataclass(frozen=True)
class Historical:
    """A historical import of consent."""

    now: str
    """The present time, RFC 3339."""


@dataclass(frozen=True)
class ConsentOptions:
    """About all subscriptions of a call."""

    custom_source: str | None = None
    historical_import: Historical | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of ``grant_consent`` or ``revoke_consent``. Look at ``refused`` and ``stopped`` also after success."""

    accepted: int
    refused: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    stopped: KlaviyoError | None
    """Why those from position ``stopped.done`` on were not sent. ``None``: all of them were."""


@dataclass(frozen=True)
class Suppression:
    """What stops marketing email in spite of consent."""

    reason: str
    since: str | None
    list: str | None


@dataclass(frozen=True)
class ChannelConsent:
    """A person's consent on one channel."""

    channel: Channel
    state: str
    """Klaviyo's word: ``SUBSCRIBED``, ``UNSUBSCRIBED``, ``NEVER_SUBSCRIBED``."""
    can_receive: bool | None
    consented_at: str | None
    updated: str | None
    method: str | None
    custom_source: str | None
    suppressions: tuple[Suppression, ...]


@dataclass(frozen=True)
class Consents:
    """A person's consent."""

    profile_id: str
    channels: tuple[ChannelConsent, ...]


@dataclass(frozen=True)
class Submitted:
    """A job that Klaviyo took."""

    job: str
    rows: tuple[int, ...]
    """The contacts in it, each as its position in the argument."""


@dataclass(frozen=True)
class Submission:
    """What became of ``submit_import``. Look at ``refused`` and ``stopped`` also after success."""

    jobs: tuple[Submitted, ...]
    refused: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    stopped: KlaviyoError | None
    """Why the contacts from position ``stopped.done`` on were not submitted. ``None``: all of them were."""


class JobStatus(str, Enum):
    """Where Klaviyo is with a job."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Job:
    """An import job."""

    id: str
    status: JobStatus | str
    """A plain string is a word of Klaviyo's that this version does not know."""
    total: int
    completed: int
    failed: int
    created: str | None
    started: str | None
    finished: str | None
    expires: str | None


@dataclass(frozen=True)
class Failure:
    """A contact that a job could not import."""

    row: int | None
    """Its position in the job: ``Submitted.rows[row]`` is its position in the argument."""
    reason: Detail
    payload: str | None
    """The contact as it was sent: the text of a JSON object."""
