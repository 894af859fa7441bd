"""What leaves the sandbox is not trusted: all of a request is looked at before it is sent."""

from __future__ import annotations

import re

from . import _egress, access
from ._import import Request
from .access import ApiAccess
from .limits import Limits
from .transport import HttpRequest, TransportFailure

# The function that asks for any path.
API_CALL = "api.call"

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_VALUE = re.compile(r"[\t -~]*")

# Headers that only the host may set, or that change how a message is transferred.
_FORBIDDEN_HEADERS = {
    *("authorization", "host", "accept-encoding", "connection", "content-length", "cookie", "expect", "forwarded"),
    *("http2-settings", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "user-agent", "via"),
}


def check(request: Request, called: str, limits: Limits, api: ApiAccess | None) -> HttpRequest:
    """The request as it may be sent, to a path of Klaviyo's, without the key. `called`: the function of the contract that
    the call is of. Raises `TransportFailure` where it may not."""
    lines = sum(len(name) + len(value) + len(": \r\n") for name, value in request.headers)
    size = len(request.url) + len(request.auth) + lines
    if size > limits.header_bytes:
        limit = f"Limits.header_bytes allows {limits.header_bytes}"
        raise TransportFailure("too-large", f"the request's address and headers have {size} bytes, and {limit}")
    if len(request.body) > limits.request_bytes:
        limit = f"Limits.request_bytes allows {limits.request_bytes}"
        raise TransportFailure("too-large", f"the request's body has {len(request.body)} bytes, and {limit}")
    target = _egress.target(request.url)
    if target is None:
        raise denied(f"requests go to {_egress.KLAVIYO} only, and this one would not")
    # The name of the function is the component's word.
    if request.function != called:
        other = f"{request.function[:40]!r}, and the call is of {called}"
        raise denied(f"the request is for another function, {other}; this is a defect in the component")
    method = request.method.upper()
    path = target.partition("?")[0]
    if reason := access.refusal(api, method, path) if called == API_CALL else access.ambiguity(path):
        raise denied(reason)
    if not _TOKEN.fullmatch(request.auth):
        raise denied("the request's authorization scheme is not a single word")
    headers: dict[str, str] = {}
    for written, value in request.headers:
        name = written.lower()
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise denied("a header of the request has characters that no header may have")
        if name in _FORBIDDEN_HEADERS:
            raise denied(f"the header {name} is set by this package, and the component must not send one")
        if name in headers:
            raise denied(f"the header {name} is there twice")
        headers[name] = value
    return HttpRequest(method, target, tuple(headers.items()), request.body)


def denied(reason: str) -> TransportFailure:
    """It is not sent."""
    return TransportFailure("denied", reason)
