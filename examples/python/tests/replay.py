"""Replaying fixtures through the public functions: every case strictly, with nothing left over and nothing unexpected."""

from __future__ import annotations

import inspect
import types
import typing
from collections import deque
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import compare
import fixture
from fixture import Exchange

from klaviyo_connector import (
    Bounds,
    Created,
    Existing,
    HttpRequest,
    HttpResponse,
    Job,
    JobStatus,
    Klaviyo,
    KlaviyoError,
    LimitExceeded,
    TransportFailure,
    Trapped,
)

KEY = "pk_canary_9d1f0c7e5b3a8642"

METHODS: dict[str, Callable[..., Any]] = {
    "lists.all": Klaviyo.lists,
    "lists.find": Klaviyo.find_list,
    "contacts.lookup": Klaviyo.lookup,
    "contacts.lookup-many": Klaviyo.lookup_many,
    "contacts.create": Klaviyo.create,
    "contacts.upsert": Klaviyo.upsert,
    "contacts.subscribe": Klaviyo.subscribe,
    "contacts.opt-in": Klaviyo.opt_in,
    "consent.grant": Klaviyo.grant_consent,
    "consent.revoke": Klaviyo.revoke_consent,
    "consent.status": Klaviyo.consents,
    "bulk.submit": Klaviyo.submit_import,
    "bulk.status": Klaviyo.import_status,
    "bulk.failures": Klaviyo.import_failures,
    "bulk.jobs": Klaviyo.imports,
}


class Script:
    """A transport that plays the exchanges of a fixture, in order."""

    def __init__(self) -> None:
        self.play([])

    def play(self, exchanges: list[Exchange]) -> None:
        self._left = deque(exchanges)
        self._played = 0
        self._differences: list[str] = []

    def differences(self) -> list[str]:
        never = [f"never sent: {each.request['method']} {each.request['url']}" for each in self._left]
        return self._differences + never

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        if not self._left:
            self._differences.append(f"not expected: {request.method} {request.url}")
            raise TransportFailure("other", "the fixture expects no further request")
        exchange = self._left.popleft()
        # The host's part of the headers is taken off: the rest is what the component sent.
        headers = list(request.headers)
        (authorization,) = [value for name, value in headers if name == "authorization"]
        headers.remove(("authorization", authorization))
        scheme, _, key = authorization.rpartition(" ")
        if key != KEY:
            self._differences.append(f"request {self._played} has another key")
        sent = compare.Sent(request.method, request.url, headers, scheme, request.body)
        found = compare.request(exchange.request, sent)
        self._differences += [f"request {self._played} {difference}" for difference in found]
        self._played += 1
        if isinstance(exchange.answer, TransportFailure):
            raise exchange.answer
        return exchange.answer

    def close(self) -> None:
        pass


class Replayer:
    """The connector, with a script for its transport."""

    def __init__(self, component: Path | None) -> None:
        self._script = Script()
        self.klaviyo = Klaviyo(KEY, transport=self._script, component=component)

    def case(self, text: str) -> list[str]:
        """What differs."""
        try:
            case = fixture.read(text)
            method = METHODS[case.function]
            parameters = list(inspect.signature(method).parameters)[1:]
            hints = _hints(method)
            # Arguments that are left out at the end are null.
            left_out = [None] * (len(parameters) - len(case.arguments))
            given = zip(parameters, case.arguments + left_out, strict=True)
            named = {name: argument(value, hints[name]) for name, value in given}
        except (ValueError, KeyError, TypeError) as error:
            return [f"it cannot be replayed: {error!r}"]
        self._script.play(case.exchanges)
        try:
            returned = {"ok": result(method(self.klaviyo, **named))}
        except (LimitExceeded, Trapped) as error:
            return [f"the call was stopped: {error}"]
        except KlaviyoError as error:
            returned = {"err": result(error)}
        return self._script.differences() + compare.returned(case.returns, returned)


@cache
def _hints(of: Any) -> dict[str, Any]:
    return typing.get_type_hints(of)


def _left_out(hint: Any) -> Any:
    """What a field is that a fixture leaves out: nothing, or the empty list."""
    return None if isinstance(hint, types.UnionType) or typing.get_origin(hint) is None else []


def argument(value: Any, hint: Any) -> Any:
    """A value of a fixture as an argument."""
    if isinstance(hint, types.UnionType):
        cases = [case for case in typing.get_args(hint) if case is not types.NoneType]
        if value is None and len(cases) < len(typing.get_args(hint)):
            return None
        if len(cases) == 1:
            return argument(value, cases[0])
        ((name, content),) = value.items()
        (case,) = [case for case in cases if kebab(case.__name__) == name]
        return case(argument(content, str))
    if typing.get_origin(hint) is not None:
        fixture.require(isinstance(value, list), f"no list: {value!r}")
        return [argument(each, typing.get_args(hint)[0]) for each in value]
    if issubclass(hint, Enum):
        return hint(value)
    if kinds := _hints(hint) if hint is not str else {}:
        names = {kebab(field): field for field in kinds}
        fixture.require(isinstance(value, dict) and value.keys() <= names.keys(), f"no {hint.__name__}: {value!r}")
        given = {field: value.get(name, _left_out(kinds[field])) for name, field in names.items()}
        return hint(**{field: argument(each, kinds[field]) for field, each in given.items()})
    fixture.require(type(value) is hint, f"no {hint.__name__}: {value!r}")
    return value


def result(value: Any) -> Any:
    """A result as a fixture has it."""
    match value:
        case Created(profile):
            return {"created": result(profile)}
        case Existing(id):
            return {"existing": id}
        case KlaviyoError():
            return {kebab(name): result(each) for name, each in vars(value).items()}
        case Enum():
            return value.value
        case list() | tuple():
            return [result(each) for each in value]
        case Job():
            status = value.status.value if isinstance(value.status, JobStatus) else {"other": value.status}
            return {kebab(field.name): result(getattr(value, field.name)) for field in fields(value)} | {"status": status}
    if is_dataclass(value):
        return {kebab(field.name): result(getattr(value, field.name)) for field in fields(value)}
    return value


def kebab(name: str) -> str:
    """`phone_number` and `PhoneNumber` are `phone-number`."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-").replace("_", "-")
