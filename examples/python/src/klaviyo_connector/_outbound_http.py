"""Sends the requests of the component: checks them, adds the key, keeps the limits."""

from __future__ import annotations

import re
import time

from wasmtime import WasmtimeError

from . import _egress, access
from ._import import Failure, Request, Response
from ._revision import RevisionNotes
from ._secret import Secret
from .access import ApiAccess
from .limits import Limits
from .transport import Bounds, HttpRequest, HttpResponse, Kind, Transport, TransportFailure

# Requests over `Limits.requests` that a component is told of before it is stopped.
_WARNINGS = 16

# The function that asks for any path.
_API_CALL = "api.call"

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_VALUE = re.compile(r"[\t -~]*")

# Headers that only the host may set, or that change how a message is transferred.
_FORBIDDEN_HEADERS = {
    *("authorization", "host", "accept-encoding", "connection", "content-length", "cookie", "expect", "forwarded"),
    *("http2-settings", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "user-agent", "via"),
}


class OutboundHttp:
    """Sends the requests of one call."""

    def __init__(
        self,
        limits: Limits,
        key: Secret,
        origin: str,
        transport: Transport,
        until: float,
        called: str,
        api: ApiAccess | None,
        revisions: RevisionNotes,
    ) -> None:
        """`called`: the function of the contract that the call is of."""
        self._limits = limits
        self._key = key
        self._origin = origin
        self._transport = transport
        self._until = until
        self._called = called
        self._api = api
        self._revisions = revisions
        self._requests = 0
        self.warnings: list[str] = []
        self.interrupted: BaseException | None = None

    def send(self, request: Request) -> Response | Failure:
        """What `http.send` returns. An exception here would be a trap, and wasmtime would keep it where another thread
        finds it: so there is none, but wasmtime's own, for what is to stop the call."""
        self._requests += 1
        if self._requests > self._limits.requests + _WARNINGS:
            raise WasmtimeError("too many requests")
        try:
            checked = self._checked(request)
            return self._answered(checked, self._transport.send(checked, self._bounds()))
        except TransportFailure as failure:
            return self._failed(failure.kind, failure.reason)
        except Exception as error:
            return self._failed("other", f"the transport failed with {type(error).__name__}, which is a defect in it")
        except BaseException as error:
            # Such as the interruption of the keyboard: raised again when the component is out of the way.
            self.interrupted = error.with_traceback(None)
            self.interrupted.__context__ = None
            raise WasmtimeError("interrupted") from None

    def _checked(self, request: Request) -> HttpRequest:
        """What leaves the sandbox is not trusted: all of it is looked at before it is sent."""
        limits = self._limits
        if self._requests > limits.requests:
            raise _denied(f"the call has made the {limits.requests} requests that Limits.requests allows")
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
            raise _denied(f"requests go to {_egress.KLAVIYO} only, and this one would not")
        # The name of the function is the component's word.
        if request.function != self._called:
            other = f"{request.function[:40]!r}, and the call is of {self._called}"
            raise _denied(f"the request is for another function, {other}; this is a defect in the component")
        method = request.method.upper()
        path = target.partition("?")[0]
        is_api_call = request.function == _API_CALL
        if reason := access.refusal(self._api, method, path) if is_api_call else access.ambiguity(path):
            raise _denied(reason)
        if not _TOKEN.fullmatch(request.auth):
            raise _denied("the request's authorization scheme is not a single word")
        headers: dict[str, str] = {}
        for written, value in request.headers:
            name = written.lower()
            if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
                raise _denied("a header of the request has characters that no header may have")
            if name in _FORBIDDEN_HEADERS:
                raise _denied(f"the header {name} is the host's, and the component must not send one")
            if name in headers:
                raise _denied(f"the header {name} is there twice")
            headers[name] = value
        headers["user-agent"] = "klaviyo-connector-python/0.1.0"
        headers["authorization"] = f"{request.auth} {self._key.reveal()}"
        return HttpRequest(method, self._origin + target, tuple(headers.items()), request.body)

    def _bounds(self) -> Bounds:
        now = time.monotonic()
        # The component needs a moment to say what has happened.
        left = max(self._until - now, 0)
        left -= min(left / 20, 0.1)
        limits = self._limits
        until = now + min(limits.attempt, left)
        return Bounds(until, limits.connect, limits.header_bytes, limits.response_bytes)

    def _answered(self, request: HttpRequest, response: HttpResponse) -> Response:
        """The answer as the component gets it. A server that sends the key back does not get it into the sandbox."""
        if not isinstance(response.status, int) or not 0 <= response.status <= 0xFFFF:
            raise TransportFailure("other", "the transport returned a status that is none")
        size = sum(len(name) + len(value) + len(": \r\n") for name, value in response.headers)
        if size > self._limits.header_bytes or len(response.body) > self._limits.response_bytes:
            limits = "Limits.header_bytes or Limits.response_bytes"
            raise TransportFailure("too-large", f"the transport returned more than {limits} allow")
        headers = [(self._clean(name.encode()), self._clean(value)) for name, value in response.headers]
        asked = dict(request.headers).get("revision", "")
        named = (value for name, value in response.headers if name.lower() == "x-klaviyo-api-revision")
        served = self._clean(next(named, b""))
        if warning := self._revisions.warning(asked, served):
            self.warnings.append(warning)
        return Response(response.status, headers, self._key.without(bytes(response.body)))

    def _failed(self, kind: Kind, reason: str) -> Failure:
        return Failure(kind, self._clean(reason.encode(errors="replace")))

    def _clean(self, text: bytes) -> str:
        return self._key.without(text).decode(errors="replace")


def _denied(reason: str) -> TransportFailure:
    return TransportFailure("denied", reason)
