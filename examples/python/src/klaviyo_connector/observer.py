"""What an observer of a client hears, for metrics. It has no key, and nothing that tells who a person is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .transport import Kind
from .usage import Usage


@dataclass(frozen=True)
class Attempt:
    """An attempt at a request, when it has ended."""

    function: str
    """The function that was called, by its name in the contract, such as ``contacts.opt-in``."""
    method: str
    """The request method, such as ``POST``."""
    endpoint: str
    """The name of Klaviyo's endpoint, such as ``add to list``."""
    number: int
    """Which attempt at the request this is; the first is 1."""
    status: int | None
    """The HTTP status. ``None``: there was no answer."""
    failure: Literal["no-turn", "unreachable"] | Kind | None
    """Why there was no answer. ``no-turn``: its turn at Klaviyo's rates comes after the end of the call, and it was not
    sent. ``unreachable``: there was no connection, and it was not sent."""
    paced: float
    """Seconds that it waited for its turn at Klaviyo's rates."""
    took: float
    """Seconds from its sending to its end."""
    repeat_in: float | None
    """Seconds after which the request is sent again. ``None``: it is not."""


@dataclass(frozen=True)
class Call:
    """A call, when it has ended."""

    function: str
    """The function that was called, by its name in the contract, such as ``contacts.opt-in``."""
    error: str | None
    """The ``code`` of the error that it failed with, such as ``rate-limited``; ``cancelled``; or ``other``, also for what is no
    `KlaviyoError`, such as a `TypeError`. ``None``: it succeeded."""
    took: float
    """Seconds from its beginning to its end, all that it waited included."""
    usage: Usage
    """What it used: requests, attempts, bytes, and the seconds that it waited."""


Observer = Callable[[Attempt | Call], None]
"""Hears of each attempt and of each call, on the thread that makes it, which waits for it: let it return at once. What it
raises is logged, and changes nothing."""

_log = logging.getLogger("klaviyo_connector")


def tell(observer: Observer | None, told: Attempt | Call) -> None:
    """Has the observer hear of it, if there is one."""
    if observer is None:
        return
    try:
        observer(told)
    except Exception:
        _log.exception("the observer failed")
