"""What changed since the last look."""

from __future__ import annotations

from dataclasses import dataclass

from .events import Event
from .profiles import Member, Profile


@dataclass(frozen=True)
class Since:
    """Where a first page begins: at what changed at or after a time."""

    time: str
    """RFC 3339."""
    look_back: int | None = None
    """How long after its own time an item may become visible, in seconds, at most 86,400. ``None``: 600. A longer one
    makes longer cursors."""


@dataclass(frozen=True)
class Cursor:
    """Where an earlier page of the same function, and the same list or segment, ended."""

    value: str
    """The ``cursor`` of that page: opaque. It can be used again."""


Position = Since | Cursor


@dataclass(frozen=True)
class ListMembers:
    """The members of a list."""

    CASE = "list"

    id: str


@dataclass(frozen=True)
class SegmentMembers:
    """The members of a segment."""

    CASE = "segment"

    id: str


Group = ListMembers | SegmentMembers


@dataclass(frozen=True)
class ProfilePage:
    """Profiles that were created or changed."""

    profiles: tuple[Profile, ...]
    """As they are now, in the order of ``updated``. May be empty though there is ``more``."""
    cursor: str
    """Where the next page begins. Keep it."""
    more: bool
    """Whether there is more to read now."""


@dataclass(frozen=True)
class JoinedPage:
    """People who joined."""

    members: tuple[Member, ...]
    """In the order of ``joined``. May be empty though there is ``more``."""
    cursor: str
    """Where the next page begins. Keep it."""
    more: bool
    """Whether there is more to read now."""


@dataclass(frozen=True)
class EventPage:
    """Events that happened."""

    events: tuple[Event, ...]
    """In the order of ``time``. May be empty though there is ``more``."""
    cursor: str
    """Where the next page begins. Keep it."""
    more: bool
    """Whether there is more to read now."""
