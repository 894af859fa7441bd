"""What people did."""

from __future__ import annotations

from dataclasses import dataclass

from .open import HasProperties, Properties, PropertiesJson, Time
from .profiles import Identifier


@dataclass(frozen=True)
class NewEvent:
    """An event to track."""

    metric: str
    """The name of the metric, such as ``Placed Order``: 1 to 127 characters. Klaviyo makes the metric with its first event."""
    profile: Identifier
    """Who did it. Klaviyo makes a profile if none has this identifier."""
    unique_id: str
    """What tells this event from all others of the same metric and person, such as an order number: 1 to 255 characters.
    Klaviyo keeps one event for one unique id, so that tracking it again is safe."""
    time: Time | None = None
    """When it happened: from 1990 to a year from now. ``None``: when Klaviyo gets it."""
    value: str | None = None
    """The monetary value, as a decimal number such as ``29.99``: a text, so that no digit is lost."""
    value_currency: str | None = None
    """ISO 4217, such as ``INR``."""
    properties: Properties | None = None
    """At most 400 properties, 10 levels in each, 4,000 elements in a list, and 100,000 bytes
    in a text, 4,900,000 in all."""


@dataclass(frozen=True)
class Event(HasProperties):
    """An event that Klaviyo has."""

    id: str
    """Klaviyo's id of the event."""
    metric_id: str | None
    """Klaviyo's id of the metric: 6 characters."""
    metric: str | None
    """The name of the metric."""
    profile_id: str | None
    """Klaviyo's id of the person who did it."""
    time: str | None
    """When it happened: RFC 3339, as Klaviyo wrote it."""
    value: str | None
    """The monetary value, as Klaviyo wrote the number."""
    properties_json: PropertiesJson
    """The properties, the value among them: the text of a JSON object. ``properties`` is the same as a ``dict``."""
    uuid: str | None
    """Klaviyo's other id of it, as a UUID."""


@dataclass(frozen=True)
class Period:
    """Which part of a history is wanted."""

    since: Time | None = None
    """Only events at or after this time."""
    until: Time | None = None
    """Only events before this time."""
    limit: int | None = None
    """The most events, newest first. ``None``: 200, which is one page."""


@dataclass(frozen=True)
class Timeline:
    """A person's events."""

    profile_id: str
    """Klaviyo's id of the profile."""
    events: tuple[Event, ...]
    """Newest first."""
    more: bool
    """Whether there are more in the period than the limit."""


@dataclass(frozen=True)
class Metric:
    """A kind of event. Times are as Klaviyo wrote them."""

    id: str
    """Klaviyo's id of the metric: 6 characters."""
    name: str
    """Such as ``Placed Order``."""
    created: str | None
    """When the metric was made."""
    updated: str | None
    """When the metric last changed."""
    integration: str | None
    """The name of the integration that makes the events, such as ``Shopify`` or ``API``."""
