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
    """Such as `POST`."""
    url: str
    """The whole address, the endpoint's or Klaviyo's. It may name a person."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Names in small letters, and values. The key is one of the values."""
    body: bytes = field(repr=False)
    """Empty: there is none."""


@dataclass(frozen=True)
class HttpResponse:
    """What came back, whatever its status, with no content coding."""

    status: int
    """The HTTP status."""
    headers: tuple[tuple[str, bytes], ...]
    """Names, and values as they came."""
    body: bytes
    """The whole body."""


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
    """The most bytes of an answer's headers."""
    response_bytes: int
    """The most bytes of an answer's body."""
    cancellation: Cancellation = field(default_factory=Cancellation, repr=False)
    """Wakes who waits for an answer that nobody wants any more."""


class Transport(Protocol):
    """Sends one request, once. It follows no redirect, and calls may come from several threads at once."""

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        """Raises `TransportFailure` where there is no response."""

    def close(self) -> None:
        """No request follows."""
