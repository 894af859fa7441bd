"""What calls use: requests, attempts, bytes and time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Usage:
    """What one call used, or the calls of a `with klaviyo.usage() as usage:` so far."""

    requests: int = 0
    """Requests that the connector made."""
    attempts: int = 0
    """How often requests were sent: more than `requests` if some were repeated, fewer if some were refused."""
    sent_bytes: int = 0
    """Bytes of the bodies that were sent, every attempt counted."""
    received_bytes: int = 0
    """Bytes of the bodies that came back, every attempt counted."""
    waited: float = 0.0
    """Seconds that calls waited: for a place among `Limits.concurrent_calls`, for Klaviyo's rates, and between
    attempts."""

    def add(self, other: Usage) -> None:
        """Makes it the sum of both."""
        self.requests += other.requests
        self.attempts += other.attempts
        self.sent_bytes += other.sent_bytes
        self.received_bytes += other.received_bytes
        self.waited += other.waited


class Meter:
    """Adds up what the calls of one client use, for whoever has asked for it."""

    def __init__(self) -> None:
        self._asked: ContextVar[tuple[Usage, ...]] = ContextVar("klaviyo_usage", default=())

    @contextmanager
    def usage(self) -> Iterator[Usage]:
        """What is used meanwhile, in this thread or task and those that it begins."""
        usage = Usage()
        token = self._asked.set((*self._asked.get(), usage))
        try:
            yield usage
        finally:
            self._asked.reset(token)

    def add(self, used: Usage) -> None:
        """Adds what a call used."""
        with _lock:
            for usage in self._asked.get():
                usage.add(used)


_lock = threading.Lock()
