"""What differs between what a fixture says and what happened, in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import fixture


@dataclass(frozen=True)
class Sent:
    """A request as the component made it."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    auth: str
    body: bytes


def request(expected: dict[str, Any], sent: Sent) -> list[str]:
    differences = []

    def differs(what: str, one: object, other: object) -> None:
        differences.append(f"{what}: expected {one!r}, got {other!r}")

    if expected["method"] != sent.method:
        differs("method", expected["method"], sent.method)
    if expected["auth"] != sent.auth:
        differs("auth", expected["auth"], sent.auth)
    if not same_url(expected["url"], sent.url):
        differs("url", expected["url"], sent.url)
    for name, value in expected.get("headers", {}).items():
        got = [each for own, each in sent.headers if own.lower() == name.lower()]
        if got != [value]:
            differs(f"header {name}", [value], got)
    for name, _ in sent.headers:
        if name.lower() in ("authorization", "host"):
            differences.append(f"header {name}: it is the host's, and was sent")
    differences += raw_url(sent.url)
    text = sent.body.decode(errors="replace")
    if "json" in expected:
        try:
            differences += values("body", expected["json"], fixture.parse(sent.body), _is_none)
        except ValueError as error:
            differences.append(f"body: it is not JSON ({error}): {text!r}")
    elif text != expected.get("body", ""):
        differs("body", expected.get("body", ""), text)
    return differences


def same_url(expected: str, got: str) -> bool:
    one, other = _Parts.of(expected), _Parts.of(got)
    if (one.origin, one.query) != (other.origin, other.query):
        return False
    # An expected path with escapes means them: a slash in an id is not a slash between segments.
    return one.segments == other.segments if one.escapes else "/".join(one.segments) == "/".join(other.segments)


@dataclass(frozen=True)
class _Parts:
    origin: str
    escapes: bool
    segments: list[str]
    query: list[tuple[str, str]]

    @classmethod
    def of(cls, url: str) -> _Parts:
        rest, _, query = url.partition("?")
        scheme, mark, rest = rest.partition("://") if "://" in rest else ("", "", rest)
        host, _, path = rest.partition("/")
        path = path.removesuffix("/")
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        return cls(
            origin=f"{scheme}://{host}",
            escapes="%" in path,
            segments=[unquote(segment) for segment in path.split("/")],
            query=sorted((unquote(name), unquote(value)) for name, _, value in pairs),
        )


def raw_url(url: str) -> list[str]:
    """What is wrong with a URL as it was sent, byte for byte."""
    head, _, query = url.partition("?")
    if not re.fullmatch(r"(?:[A-Za-z0-9\-._~=&]|%[0-9A-Fa-f]{2})*", query):
        return [f"url: something in the query must be percent-encoded: {url}"]
    path = re.fullmatch(r"https?://[a-z0-9.\-]+((?:/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*)+)", head)
    dots = {".", "..", "%2e", ".%2e", "%2e.", "%2e%2e"}
    if path is None or dots & {segment.lower() for segment in path[1].split("/")}:
        return [f"url: it is not in its normal form: {url}"]
    return []


def returned(expected: tuple[str, Any], got: dict[str, Any]) -> list[str]:
    case, value = expected
    kind = "err" if case == "err" else "ok"
    if kind not in got:
        return [f"returned: expected {kind}, got {got}"]
    return values(kind, value, got[kind], _is_none_or_empty if case == "ok" else lambda _: True)


def _is_none(value: Any) -> bool:
    return value is None


def _is_none_or_empty(value: Any) -> bool:
    """What a field may be that a record has got since a fixture was written."""
    return value is None or value == []


def values(place: str, expected: Any, got: Any, may_be_more: Callable[[Any], bool]) -> list[str]:
    """Compares two values.

    An expected member that is missing is null; one that is not expected is such that it `may_be_more`.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        differences = []
        for name, value in expected.items():
            differences += values(f"{place}.{name}", value, got.get(name), may_be_more)
        more = {name: value for name, value in got.items() if name not in expected and not may_be_more(value)}
        differences += [f"{place}.{name}: unexpected {value!r}" for name, value in more.items()]
        return differences
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return [f"{place}: expected {len(expected)} elements, got {len(got)}"]
        return [
            difference
            for index, (one, other) in enumerate(zip(expected, got))
            for difference in values(f"{place}[{index}]", one, other, may_be_more)
        ]
    # In Python `1 == True`.
    if type(expected) is type(got) and expected == got:
        return []
    return [f"{place}: expected {expected!r}, got {got!r}"]
