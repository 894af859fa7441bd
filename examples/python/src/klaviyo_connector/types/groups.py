"""Lists and segments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Audience:
    """A list that profiles can be members of. Times are RFC 3339, as Klaviyo wrote them."""

    id: str
    """6 characters, such as ``Y6nRLr``. Names can change, ids do not."""
    name: str
    """Not necessarily unique."""
    created: str | None
    """When the list was made: RFC 3339."""
    updated: str | None
    """When the list last changed: RFC 3339."""
    opt_in: str | None
    """``single_opt_in`` or ``double_opt_in``: how people who give consent through this list join it."""


@dataclass(frozen=True)
class Segment:
    """A group of people that Klaviyo keeps by conditions. Times are RFC 3339, as Klaviyo wrote them."""

    id: str
    """6 characters, such as ``XyZ123``. Names can change, ids do not."""
    name: str
    """Not necessarily unique."""
    created: str | None
    """When the segment was made: RFC 3339."""
    updated: str | None
    """When the segment last changed: RFC 3339."""
    active: bool | None
    """Whether Klaviyo keeps its members up to date."""
    processing: bool | None
    """Whether Klaviyo is working its members out: they are not complete meanwhile."""
