"""The requests of one call. Each is checked, authorized, sent at the account's pace and, where that does no harm, sent
again."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from . import _retry
from ._cancel import Cancellation
from ._check import API_CALL, check, denied
from ._clock import Clock, Turn
from ._endpoint import Endpoint
from ._import import Failure, Request, Response, Stop
from ._pacer import Pacer
from ._revision import RevisionNotes
from ._secret import Secret
from .access import ApiAccess
from .limits import Limits
from .observer import Attempt, Observer, tell
from .transport import Bounds, HttpRequest, HttpResponse, Transport, TransportFailure
from .usage import Usage

AGENT = "klaviyo-connector-python/0.1.0"

# Requests over `Limits.requests` that a component is told of before it is stopped.
_WARNINGS = 16

_log = logging.getLogger("klaviyo_connector")


@dataclass(frozen=True)
class OutboundSettings:
    """What the requests of a client have in common."""

    limits: Limits
    key: Secret
    origin: str
    transport: Transport
    api: ApiAccess | None
    pacer: Pacer
    revisions: RevisionNotes
    observer: Observer | None = None
    revision: str | None = None
    """The oldest that is asked for."""


class OutboundHttp:
    """Sends the requests of one call, and counts what they use."""

    def __init__(
        self, settings: OutboundSettings, called: str, clock: Clock, usage: Usage, cancellation: Cancellation
    ) -> None:
        """`called`: the function of the contract that the call is of."""
        self._settings = settings
        self._called = called
        self._clock = clock
        self._usage = usage
        self._cancellation = cancellation
        self.warnings: list[str] = []
        self.interrupted: BaseException | None = None

    def send(self, request: Request) -> Response | Failure:
        """What `http.send` returns. It raises `Stop` only."""
        self._usage.requests += 1
        if self._usage.requests > self._settings.limits.requests + _WARNINGS:
            raise Stop
        try:
            self._cancellation.check()
            if self._usage.requests > self._settings.limits.requests:
                limit = self._settings.limits.requests
                raise denied(f"the call has made the {limit} requests that Limits.requests allows")
            checked = check(request, self._called, self._settings.limits, self._settings.api)
            checked = self._raised(checked)
            return self._answered(checked, self._exchange(checked, request.auth))
        except TransportFailure as failure:
            if failure.kind == "denied":
                # A component that asks for something forbidden is worth an operator's attention.
                _log.warning("%s: refused: %s", self._called, self._clean(failure.reason.encode(errors="replace")).decode())
            return Failure(failure.kind, self._clean(failure.reason.encode(errors="replace")))
        except Exception as error:
            return Failure("other", f"the transport failed with {type(error).__name__}, which is a defect in it".encode())
        except BaseException as error:
            # Such as the interruption of the keyboard: raised again when the component is out of the way.
            self.interrupted = error.with_traceback(None)
            self.interrupted.__context__ = None
            raise Stop from None

    def _raised(self, request: HttpRequest) -> HttpRequest:
        """The request with its revision raised to the client's."""
        headers, own = dict(request.headers), self._settings.revision
        if own is None or headers.get("revision", "") >= own:
            return request
        return replace(request, headers=tuple({**headers, "revision": own}.items()))

    def _exchange(self, request: HttpRequest, scheme: str) -> HttpResponse:
        """Sends a request until it is answered, must not be sent again, or no time is left."""
        limits, pauses, attempt = self._settings.limits, _retry.pauses(), 0
        endpoint = Endpoint.of(request.method, request.url.partition("?")[0])
        harmless = endpoint.may_repeat(self._called == API_CALL)
        while True:
            attempt += 1
            queued = time.monotonic()
            with self._clock.waiting() as turn:
                permit = self._settings.pacer.permit(endpoint, turn.until, self._cancellation)
            begun = time.monotonic()
            paced = begun - queued
            if permit is None:
                self._tell(Attempt(self._called, request.method, endpoint.name, attempt, None, "no-turn", paced, 0, None))
                raise _no_turn(endpoint, turn)
            with permit:
                outcome = self._attempt(request, scheme)
                headers = _first_of_each(outcome)
                pause = max(next(pauses), _retry.retry_after(headers) or 0.0)
                if isinstance(outcome, HttpResponse):
                    permit.learn(outcome.status, headers)
                    if outcome.status == 429:
                        permit.hold(pause)
            over = (
                attempt >= limits.attempts
                or not _retry.may_repeat(harmless, outcome)
                or time.monotonic() + pause >= self._clock.until
            )
            status, failure = (
                (outcome.status, None)
                if isinstance(outcome, HttpResponse)
                else (None, "unreachable" if outcome.unreachable else outcome.kind)
            )
            took, again = time.monotonic() - begun, None if over else pause
            told = (self._called, request.method, endpoint.name, attempt, status, failure, paced, took, again)
            self._tell(Attempt(*told))
            if not over:
                self._usage.waited += pause
                self._cancellation.sleep(pause)
            elif isinstance(outcome, HttpResponse):
                return outcome
            else:
                raise _with_attempts(attempt, outcome)

    def _tell(self, attempt: Attempt) -> None:
        _log.debug(
            "%s: %s: attempt %d: %s after %.0f ms%s",
            attempt.function,
            attempt.endpoint,
            attempt.number,
            attempt.failure or attempt.status,
            attempt.took * 1e3,
            "" if attempt.repeat_in is None else f", again in {attempt.repeat_in:.1f} s",
        )
        tell(self._settings.observer, attempt)

    def _attempt(self, request: HttpRequest, scheme: str) -> HttpResponse | TransportFailure:
        settings = self._settings
        more = (
            ("user-agent", AGENT),
            ("authorization", f"{scheme} {settings.key.reveal()}"),
        )
        complete = HttpRequest(request.method, settings.origin + request.url, request.headers + more, request.body)
        self._usage.attempts += 1
        self._usage.sent_bytes += len(request.body)
        try:
            response = settings.transport.send(complete, self._bounds())
            _check_answer(response, settings.limits)
        except TransportFailure as failure:
            # Without its frames, which hold the headers.
            return failure.with_traceback(None)
        self._usage.received_bytes += len(response.body)
        return response

    def _bounds(self) -> Bounds:
        now = time.monotonic()
        # The component needs a moment to say what has happened.
        left = max(self._clock.until - now, 0)
        left -= min(left / 20, 0.1)
        limits = self._settings.limits
        until = now + min(limits.attempt, left)
        return Bounds(until, limits.connect, limits.header_bytes, limits.response_bytes, self._cancellation)

    def _answered(self, request: HttpRequest, response: HttpResponse) -> Response:
        """The answer as the component gets it. A server that sends the key back does not get it into the sandbox."""
        headers = [(name.encode(), value) for name, value in response.headers]
        texts = b"\n".join(map(b"\n".join, headers))
        if not texts.isascii() or self._settings.key.without(texts) != texts:
            headers = [(self._clean(name), self._clean(value)) for name, value in headers]
        asked = dict(request.headers).get("revision", "")
        served = next((value for name, value in headers if name.lower() == b"x-klaviyo-api-revision"), b"")
        if warning := self._settings.revisions.warning(asked, served.decode()):
            self.warnings.append(warning)
        return Response(response.status, headers, self._settings.key.without(bytes(response.body)))

    def _clean(self, text: bytes) -> bytes:
        """Without the key, and UTF-8."""
        text = self._settings.key.without(text)
        return text if text.isascii() else text.decode(errors="replace").encode()


def _check_answer(response: HttpResponse, limits: Limits) -> None:
    """The transport may be one that ignores its bounds."""
    if not isinstance(response.status, int) or not 0 <= response.status <= 0xFFFF:
        raise TransportFailure("other", "the transport returned a status that is none")
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in response.headers)
    if size > limits.header_bytes or len(response.body) > limits.response_bytes:
        allowed = "Limits.header_bytes or Limits.response_bytes"
        raise TransportFailure("too-large", f"the transport returned more than {allowed} allow")


def _first_of_each(outcome: HttpResponse | TransportFailure) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    if isinstance(outcome, HttpResponse):
        for name, value in outcome.headers:
            headers.setdefault(name.lower(), value.decode("latin-1"))
    return headers


def _no_turn(endpoint: Endpoint, turn: Turn) -> TransportFailure:
    daily = f" (at most {endpoint.daily} a day)" if endpoint.daily else ""
    return TransportFailure(
        "timeout",
        f"not sent: at Klaviyo's rates{daily} this account's turn to {endpoint.name} comes later than {turn.allowed}",
    )


def _with_attempts(attempts: int, failure: TransportFailure) -> TransportFailure:
    """Adds the number of attempts to the sentence."""
    if attempts < 2:
        return failure
    return TransportFailure(failure.kind, f"{failure.reason} (after {attempts} attempts)")
