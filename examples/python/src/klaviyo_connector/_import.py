"""The component's one import, `http.send`: what it is given, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Header = tuple[str, str]


@dataclass(frozen=True)
class Request:
    """`http.request`."""

    method: str
    url: str
    headers: Sequence[Header]
    auth: str
    body: bytes
    function: str

    @staticmethod
    def lifted(value: Mapping[str, Any]) -> Request:
        """As it was read."""
        return Request(
            method=value["method"][0],
            url=value["url"],
            headers=[(header["name"], header["value"]) for header in value["headers"]],
            auth=value["auth"],
            body=value["body"],
            function=value["function"],
        )


@dataclass(frozen=True)
class Response:
    """`http.response`."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    """UTF-8."""
    body: bytes

    def lowered(self) -> tuple[str, Any]:
        """As it is written."""
        headers = [{"name": name, "value": value} for name, value in self.headers]
        return "ok", {"status": self.status, "headers": headers, "body": self.body}


@dataclass(frozen=True)
class Failure:
    """`http.error`."""

    kind: Literal["denied", "timeout", "connection", "too-large", "other"]
    reason: bytes
    """UTF-8."""

    def lowered(self) -> tuple[str, Any]:
        """As it is written."""
        return "err", (self.kind, self.reason)


class Stop(Exception):
    """The call ends, instead of a return to the component."""


Send = Callable[[Request], Response | Failure]
