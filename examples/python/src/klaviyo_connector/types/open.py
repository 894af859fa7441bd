"""Texts that stand for more: words of which the contract knows some, JSON, times, names of fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any


@dataclass(frozen=True)
class Words:
    """The words that the contract has cases for. Any other word is its case ``other``."""

    known: tuple[str, ...]
    """The words of the contract's cases."""


@dataclass(frozen=True)
class JsonObject:
    """A JSON object: a mapping, or the text of one."""


@dataclass(frozen=True)
class Moment:
    """A time: a datetime with its time zone, or RFC 3339."""


@dataclass(frozen=True)
class Named:
    """A field with a name of its own in the contract."""

    name: str
    """The contract's."""


@dataclass(frozen=True)
class Field:
    """The name of a field."""


class HasProperties:
    """What comes back with properties."""

    properties_json: str
    """The text of a JSON object."""

    @property
    def properties(self) -> dict[str, Any]:
        """The properties as a ``dict``, made anew each time. Whole numbers are exact, however long; a number with a fraction
        is a ``float``: where each of its digits counts, see ``properties_json``. Raises `ValueError` where Python cannot
        read the text: whole numbers of more than 4,300 digits, or hundreds of levels."""
        try:
            read = json.loads(self.properties_json)
        except (ValueError, RecursionError) as error:
            raise ValueError("Python cannot read these properties as a dict; properties_json has their text") from error
        return dict(read)


PropertiesJson = Annotated[str, Named("properties")]
"""Properties, as the text of a JSON object."""

FieldName = Annotated[str, Field()]
"""The name of a field of ``NewProfile``, or of its location as ``location.city``."""

Properties = Annotated[Mapping[str, Any] | str, JsonObject()]
"""A JSON object: a mapping of what JSON has, or its text, which is sent as it is written."""

Time = Annotated[datetime | str, Moment()]
"""A time: a ``datetime`` with its time zone, or RFC 3339, such as ``2026-01-05T18:20:45Z``."""

Channel = Annotated[str, Words(("email", "sms", "whatsapp", "push"))]
"""Where messages go: ``email`` needs an email; ``sms`` and ``whatsapp`` need a phone number; ``push`` needs any of id, email
and phone number. Another name of Klaviyo's for a channel, such as ``rcs``, is passed on as it is."""

JobStatus = Annotated[str, Words(("queued", "processing", "complete", "cancelled"))]
"""Where Klaviyo is with a job. Another word is Klaviyo's, which this version does not know."""
