"""Klaviyo's endpoints: their rates, and whether a request may be sent twice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Endpoint:
    """One endpoint, with Klaviyo's published rates for one account, as `klaviyo-host` has them."""

    name: str
    """In logs. It contains no personal data, which addresses do."""
    method: str
    path: str
    """`{}` is any segment."""
    burst: int
    """The most requests in a second."""
    steady: int
    """The most requests in a minute."""
    repeatable: bool
    """Whether a request that may have taken effect can be sent again without a second effect."""
    daily: int | None = None
    """The most requests in a day. `None`: as many as the other two allow."""

    @classmethod
    def of(cls, method: str, path: str) -> Endpoint:
        """The endpoint of a request. One that is not in the table has Klaviyo's medium rates."""
        known, another_read, another_write = _table()
        unknown = another_read if method == "GET" else another_write
        # A slash at its end does not count.
        given = path.removesuffix("/").split("/")
        fitting = (each for form, each in known.get((method, len(given)), ()) if _matches(form, given))
        return next(fitting, unknown)

    def may_repeat(self, through_api: bool) -> bool:
        """The same. The body of a request of `api.call` is the caller's, so only its reads are repeated."""
        return self.repeatable and (not through_api or self.method == "GET")


def _matches(form: list[str], given: list[str]) -> bool:
    """Whether a path is of this form, segment by segment."""
    return all(bool(each) if segment == "{}" else segment == each for segment, each in zip(form, given, strict=True))


@cache
def _table() -> tuple[dict[tuple[str, int], list[tuple[list[str], Endpoint]]], Endpoint, Endpoint]:
    """The endpoints, by their methods and how many segments their paths have."""
    text = (resources.files(__package__) / "endpoints.json").read_text(encoding="utf-8")
    table = json.loads(text)
    endpoints: dict[tuple[str, int], list[tuple[list[str], Endpoint]]] = {}
    for endpoint in (Endpoint(**each) for each in table["endpoints"]):
        form = endpoint.path.split("/")
        endpoints.setdefault((endpoint.method, len(form)), []).append((form, endpoint))
    return endpoints, Endpoint(**table["another_read"]), Endpoint(**table["another_write"])
