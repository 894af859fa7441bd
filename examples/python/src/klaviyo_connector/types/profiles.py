"""People: what they are looked up by, and what Klaviyo knows about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from .open import HasProperties, Properties, PropertiesJson


@dataclass(frozen=True)
class Email:
    """Identifies a profile by its email: one ``@``, at most 100 characters."""

    value: str
    """Such as ``priya@example.com``; white space around it is taken off."""


@dataclass(frozen=True)
class PhoneNumber:
    """Identifies a profile by its phone number, with its country code behind ``+`` or ``00``."""

    value: str
    """Such as ``+91 98200 00001``: it is written to E.164."""


@dataclass(frozen=True)
class ExternalId:
    """Identifies a profile by the caller's own id: 1 to 255 characters."""

    value: str
    """The caller's own id."""


@dataclass(frozen=True)
class Id:
    """Identifies a profile by Klaviyo's id."""

    value: str
    """26 characters, such as ``01GMTZY2TEKN4KFRP30JZ59KGB``."""


Identifier = Email | PhoneNumber | ExternalId | Id
"""What a profile is looked up by. Checked before anything is sent."""


@dataclass(frozen=True)
class Location:
    """A postal address, and where it is. A field that is ``None`` is not sent."""

    address1: str | None = None
    """Street and number."""
    address2: str | None = None
    """Flat, floor, building."""
    city: str | None = None
    """The name of the city."""
    region: str | None = None
    """State, province or region."""
    country: str | None = None
    """The name of the country."""
    zip: str | None = None
    """The postal code."""
    latitude: str | None = None
    """Degrees from -90 to 90, as a decimal number such as ``19.0760``: a text, so that no digit is lost."""
    longitude: str | None = None
    """Degrees from -180 to 180, as ``latitude``."""
    timezone: str | None = None
    """A name of the IANA database, such as ``Asia/Kolkata``."""
    ip: str | None = None
    """The IP address that the person was last seen at."""


@dataclass(frozen=True)
class Profile(HasProperties):
    """A person as Klaviyo knows them. Times are RFC 3339, as Klaviyo wrote them."""

    id: str
    """26 characters, opaque, permanent until profiles are merged."""
    email: str | None
    """Where Klaviyo has one."""
    phone_number: str | None
    """E.164, such as ``+919820000001``."""
    external_id: str | None
    """The caller's own id for this person."""
    first_name: str | None
    """The given name."""
    last_name: str | None
    """The family name."""
    organization: str | None
    """The company or the part of it that the person works for."""
    title: str | None
    """The job title."""
    locale: str | None
    """The language tag, such as ``en-IN``."""
    image: str | None
    """The URL of a picture."""
    location: Location | None
    """``None``: Klaviyo has no part of it."""
    created: str | None
    """When Klaviyo made the profile: RFC 3339."""
    updated: str | None
    """When the profile last changed: RFC 3339."""
    last_event_date: str | None
    """The time of the newest event that changed the profile."""
    properties_json: PropertiesJson
    """The custom properties: the text of a JSON object, ``{}`` when there are none. ``properties`` is the same as a
    ``dict``."""
    warnings: tuple[str, ...]
    """What Klaviyo accepted only in part, one sentence each."""


@dataclass(frozen=True)
class NewProfile:
    """A person to create, change or opt in: at least one of ``email``, ``phone_number`` and ``external_id``, but none is
    needed to ``Set`` fields. A field that is ``None`` is not sent. At most 100 KB."""

    email: str | None = None
    """Exactly one ``@``, at most 100 characters."""
    phone_number: str | None = None
    """With its country code behind ``+`` or ``00``; written to E.164."""
    external_id: str | None = None
    """The caller's own id for this person: 1 to 255 characters."""
    first_name: str | None = None
    """The given name."""
    last_name: str | None = None
    """The family name."""
    organization: str | None = None
    """The company or the part of it that the person works for."""
    title: str | None = None
    """The job title."""
    locale: str | None = None
    """The language tag, such as ``en-IN``. Klaviyo refuses what is none."""
    image: str | None = None
    """The URL of a picture."""
    location: Location | None = None
    """A postal address, and where it is."""
    properties: Properties | None = None
    """Custom properties."""


Contact = Annotated[NewProfile | Mapping[str, Any], NewProfile]
"""A ``NewProfile``, or a mapping of its fields, such as ``{"email": "priya@example.com", "first_name": "Priya"}``."""


@dataclass(frozen=True)
class Member:
    """A member of a list or of a segment."""

    profile: Profile
    """The profile of the member, as it is now."""
    joined: str | None
    """When the profile became a member: RFC 3339, as Klaviyo wrote it."""


@dataclass(frozen=True)
class MemberPage:
    """A page of members."""

    members: tuple[Member, ...]
    """At most 100."""
    next: str | None
    """The ``cursor`` of the next page of the same list or segment. ``None``: this is the last page."""
