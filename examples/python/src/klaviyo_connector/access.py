"""What requests may ask for: those of `api.call`, which can ask Klaviyo for anything, and those of any function."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_to_bytes

from .errors import ConfigurationError, found

# Characters that stand for themselves, and encoded bytes.
_SEGMENT = re.compile(r"(?:[A-Za-z0-9\-._~:@!$&'()*+,=]|%[0-9A-Fa-f]{2})+")
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
# What separates, names a parent, or encodes another time.
_MEANINGFUL = {*range(0x20), 0x7F, *b"/\\.%;?#"}


@dataclass(frozen=True)
class ApiAccess:
    """What `api.call` may ask for."""

    allow: Literal["read", "all"]
    """`read`: `GET` of everything that the key may read. `all`: everything that the key may do."""
    below: Iterable[str] | None = None
    """The paths at and below which it may ask, compared by whole segments: `/api/events` is also `/api/events/1234`, and
    neither `/api/events-2` nor `/api/event-bulk-create-jobs`. None: everywhere below `/api`."""

    def __post_init__(self) -> None:
        if self.allow not in ("read", "all"):
            raise ConfigurationError(f'ApiAccess.allow: expected "read" or "all", got {_found(self.allow)}')
        if self.below is None:
            return
        if isinstance(self.below, str):
            raise ConfigurationError("ApiAccess.below: expected several paths, got str")
        paths = tuple(self.below)
        for path in paths:
            if not isinstance(path, str):
                raise ConfigurationError(f"ApiAccess.below: expected str, got {found(path)}")
            try:
                _segments(path)
            except ValueError as error:
                raise ConfigurationError(f"ApiAccess.below: {path!r}: {error}; write a path such as /api/events") from None
        # Read once: a generator has nothing the second time.
        object.__setattr__(self, "below", paths)

    @classmethod
    def of(cls, value: object) -> ApiAccess | None:
        """What the option `api` says."""
        if value is None or isinstance(value, ApiAccess):
            return value
        if value == "read" or value == "all":
            return cls(value)
        raise ConfigurationError(
            f'api: expected "read", "all", or an ApiAccess, got {_found(value)}; without it call_api may ask for nothing'
        )


def _found(value: object) -> str:
    return "another text" if isinstance(value, str) else found(value)


def refusal(access: ApiAccess | None, method: str, path: str) -> str | None:
    """Why `api.call` may not ask for this; none where it may."""
    if access is None:
        return "call_api may ask for nothing; the option api of Klaviyo would allow it"
    if access.allow == "read" and method != "GET":
        return f'call_api may only read, and this is a {method}; api="all" would allow it'
    try:
        asked = _segments(path)
    except ValueError as error:
        return f"call_api cannot ask for this path: {error}"
    if access.below is None or any(asked[: len(allowed)] == allowed for allowed in map(_segments, access.below)):
        return None
    return "call_api may not ask for this path; ApiAccess.below does not have it"


def ambiguity(path: str) -> str | None:
    """Why no function may ask for this path; none where it may."""
    try:
        _segments(path)
    except ValueError as error:
        return f"the request's path is refused: {error}"
    return None


def _segments(path: str) -> list[str]:
    """The segments of a path below `/api`, if every server reads the same ones. A slash at the end does not count.

    What could be read in two ways is refused: servers and what stands before them differ in when they decode, whether
    they join empty segments, and what they cut off behind a semicolon."""
    if not path.startswith("/"):
        raise ValueError("it does not begin with a slash")
    segments = path[1:].removesuffix("/").split("/")
    if segments[0] != "api":
        raise ValueError("it is not below /api")
    for segment in segments:
        if segment in ("", ".", ".."):
            raise ValueError("it has a segment that is empty or of dots")
        if not _is_unambiguous(segment):
            raise ValueError("it has a character that could be read in two ways")
    return segments


def _is_unambiguous(segment: str) -> bool:
    """Whether a segment has only characters that stand for themselves, and encoded UTF-8 that means nothing else."""
    if not _SEGMENT.fullmatch(segment):
        return False
    if "%" not in segment:
        return True
    if any(int(byte, 16) in _MEANINGFUL for byte in _ENCODED.findall(segment)):
        return False
    try:
        # Decoders that are not strict take a longer form of a dot or a slash for one.
        unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return False
    return True
