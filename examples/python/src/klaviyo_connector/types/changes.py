"""What changed since the last look."""

from __future__ import annotations

from dataclasses import dataclass

from .events import Event
from .open import Time
from .profiles import Member, Profile


@dataclass(frozen=True)
class Since:
    """Where a first page begins: at what changed at or after a time."""

    time: Time
    """The time to begin at: a ``datetime`` with its time zone, or RFC 3339."""
    look_back: int | None = None
    """How long after its own time an item may become visible: seconds, at most 86,400. ``None``: 600. A longer look-back
    makes longer cursors."""


@dataclass(frozen=True)
class Cursor:
    """Where the next page begins, as an earlier page of the same function, and of the same list or segment, told it."""

    value: str
    """The ``cursor`` of that page: opaque. It can be used again."""


Position = Since | Cursor
"""Where a page begins: at a time, or behind the page before."""


@dataclass(frozen=True)
class ListId:
    """The members of a list, by its id."""

    CASE = "list"

    value: str
    """The id: 6 characters, such as ``Y6nRLr``."""


@dataclass(frozen=True)
class SegmentId:
    """The members of a segment, by its id."""

    CASE = "segment"

    value: str
    """The id: 6 characters, such as ``XyZ123``."""


Group = ListId | SegmentId
"""A list or a segment, whose new members are wanted."""


@dataclass(frozen=True)
class ProfilePage:
    """Profiles that were created or changed."""

    items: tuple[Profile, ...]
    """As they are now, in the order of ``updated``. May be empty though ``more`` is true."""
    cursor: str
    """Where the next page begins. Keep it once the items are dealt with."""
    more: bool
    """Whether there is more to read now. If not, wait a while before the next page."""


@dataclass(frozen=True)
class JoinedPage:
    """People who joined a list or a segment."""

    items: tuple[Member, ...]
    """In the order of ``joined``. May be empty though ``more`` is true."""
    cursor: str
    """Where the next page begins. Keep it once the items are dealt with."""
    more: bool
    """Whether there is more to read now. If not, wait a while before the next page."""


@dataclass(frozen=True)
class EventPage:
    """Events that happened."""

    items: tuple[Event, ...]
    """In the order of ``time``, with the names of their metrics. May be empty though ``more`` is true."""
    cursor: str
    """Where the next page begins. Keep it once the items are dealt with."""
    more: bool
    """Whether there is more to read now. If not, wait a while before the next page."""
