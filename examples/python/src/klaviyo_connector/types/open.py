"""Words of which the contract knows some: any other is a plain string too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any


@dataclass(frozen=True)
class Words:
    """The words that the contract has cases for. Any other word is its case ``other``."""

    known: tuple[str, ...]


@dataclass(frozen=True)
class JsonObject:
    """A JSON object: a mapping, or the text of one."""


@dataclass(frozen=True)
class Moment:
    """A time: a datetime with its time zone, or RFC 3339."""


Properties = Annotated[Mapping[str, Any] | str, JsonObject()]
"""A JSON object: a mapping of what JSON has, or its text, which is sent as it is written."""

Time = Annotated[datetime | str, Moment()]
"""A time: a ``datetime`` with its time zone, or RFC 3339, such as ``2026-01-05T18:20:45Z``."""

Channel = Annotated[str, Words(("email", "sms", "whatsapp", "push"))]
"""Where messages go: ``email`` needs an email; ``sms`` and ``whatsapp`` need a phone number; ``push`` needs any of id, email
and phone number. Another name of Klaviyo's for a channel, such as ``rcs``, is passed on as it is."""

JobStatus = Annotated[str, Words(("queued", "processing", "complete", "cancelled"))]
"""Where Klaviyo is with a job. Another word is Klaviyo's, which this version does not know."""
