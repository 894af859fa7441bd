"""The method for `api`. To be awaited: written by `tests/awaited.py`."""

from __future__ import annotations

from .. import _functions
from .._functions import AsyncCaller
from ..types import ApiRequest, ApiResponse


class Api(AsyncCaller):
    """What the contract has no function for."""

    async def call_api(self, request: ApiRequest) -> ApiResponse:
        """Sends a request, where the parameter `api` of `Klaviyo` allows it; otherwise it is `Denied`.

        One request. Rate: its endpoint's; of one that the package does not know, 10 a second, 150 a minute. Scopes: those
        that Klaviyo's documentation names. `get` is safe to repeat; what another method does twice, it says too. `InvalidInput`: the path could be read in two ways, a parameter has no name, the body is no
        JSON, or the revision is no date. `Malformed`: also a link to the next page that leads elsewhere."""
        return await self._call(_functions.CALL_API, request)
