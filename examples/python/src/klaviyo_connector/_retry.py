"""When to send a request again."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime

from .transport import HttpResponse, TransportFailure

_FIRST, _LONGEST = 0.5, 30.0


def pauses() -> Iterator[float]:
    """The seconds between attempts where Klaviyo names none: half a second, doubling, up to 30. Each is lengthened by a
    random part of itself, so that many callers do not come back at once."""
    pause = _FIRST
    while True:
        yield pause * (1 + random.random())
        pause = min(pause * 2, _LONGEST)


def may_repeat(harmless: bool, outcome: HttpResponse | TransportFailure) -> bool:
    """Whether the same request may be sent again. A request without effect always may; one that may have taken effect only
    if a second one is `harmless`."""
    if isinstance(outcome, TransportFailure):
        return outcome.unreachable or (harmless and outcome.kind in ("connection", "timeout"))
    # Klaviyo refuses with 429 before there is an effect. A gateway answers the others; Klaviyo behind it may have carried
    # out the request.
    return outcome.status == 429 or (harmless and outcome.status in (502, 503, 504, 524))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds in the header `Retry-After` of an answer, which has a number or a date. None: there is no such header, or
    it cannot be read."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        # A number that is too large means a very long time.
        return float(value) if len(value) < 10 else float("inf")
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
    return max(date.timestamp() - time.time(), 0.0)
