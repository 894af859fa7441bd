"""Any other operation of Klaviyo's API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ApiMethod = Literal["get", "post", "patch", "delete"]
"""The request methods that Klaviyo's API uses."""


@dataclass(frozen=True)
class ApiParameter:
    """A query parameter, not encoded."""

    name: str
    """Such as ``page[size]``. Not empty."""
    value: str
    """Not encoded. May be empty."""


@dataclass(frozen=True)
class ApiRequest:
    """A request."""

    method: ApiMethod
    """``get``, ``post``, ``patch`` or ``delete``."""
    path: str
    """The path, not encoded, such as ``/api/campaigns``. What could be read in two ways is `InvalidInput`."""
    query: Sequence[ApiParameter] = ()
    """The query parameters, in the order given."""
    body: str | None = None
    """The text of a JSON document, which is sent as it is written. Not for ``get``."""
    revision: str | None = None
    """Such as ``2025-01-15``, or ``2025-01-15.pre``. ``None``: the connector's oldest revision."""


@dataclass(frozen=True)
class ApiResponse:
    """An answer with status 2xx."""

    status: int
    """The HTTP status: 200 to 299."""
    body: str
    """The text of Klaviyo's JSON document, as Klaviyo wrote it; empty when there is none."""
    next: tuple[ApiParameter, ...] | None
    """The ``query`` of the next page, when there is one: repeat the request with it."""
