"""The account of the key."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AccountDetails:
    """A Klaviyo account."""

    id: str
    """6 characters. It is the public API key too."""
    organization: str | None
    """The name of the company."""
    sender_name: str | None
    """The name that email is sent from."""
    sender_email: str | None
    """The address that email is sent from."""
    website: str | None
    """The address of the company's site."""
    industry: str | None
    """What the company does, in Klaviyo's words."""
    timezone: str | None
    """A name of the IANA database, such as ``Asia/Kolkata``."""
    currency: str | None
    """ISO 4217, such as ``INR``."""
    locale: str | None
    """Such as ``en-IN``."""
    test: bool | None
    """Whether it is a test account."""
