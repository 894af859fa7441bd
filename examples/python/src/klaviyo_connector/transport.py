"""What a transport is: it sends one HTTP request after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from ._cancel import Cancellation

Kind = Literal["denied", "timeout", "connection", "too-large", "other"]


@dataclass(frozen=True)
class HttpRequest:
    """What to send. The headers have the key in them, and are not printed."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class HttpResponse:
    """What came back, whatever its status, with no content coding."""

    status: int
    headers: tuple[tuple[str, bytes], ...]
    body: bytes


class TransportFailure(Exception):
    """There is no response. The reason is a sentence for a person."""

    def __init__(self, kind: Kind, reason: str, *, unreachable: bool = False) -> None:
        """`unreachable`: no connection could be made, so that the request was not sent, and can be repeated."""
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.unreachable = unreachable


@dataclass(frozen=True)
class Bounds:
    """What a request may take. Sizes are in bytes."""

    until: float
    """By `time.monotonic`."""
    connect: float
    """Seconds."""
    header_bytes: int
    response_bytes: int
    cancellation: Cancellation = field(default_factory=Cancellation, repr=False)
    """Wakes who waits for an answer that nobody wants any more."""


class Transport(Protocol):
    """Sends one request, once. It follows no redirect, and calls may come from several threads at once."""

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        """Raises `TransportFailure` where there is no response."""

    def close(self) -> None:
        """No request follows."""
