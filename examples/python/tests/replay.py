"""Replaying fixtures through the public functions: every case strictly, with nothing left over and nothing unexpected."""

from __future__ import annotations

import inspect
import types
import typing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import compare
import fixture
import pytest
from fixture import Exchange

from klaviyo_connector import (
    Bounds,
    Detail,
    HttpRequest,
    HttpResponse,
    Klaviyo,
    KlaviyoError,
    LimitExceeded,
    Limits,
    TransportFailure,
    Trapped,
    _names,
)
from klaviyo_connector._hints import member_name
from klaviyo_connector._spelling import Spelling
from klaviyo_connector.types.open import Words

KEY = "pk_canary_9d1f0c7e5b3a8642"
# A fixture has each request as often as it is sent by the component.
ONCE = Limits(attempts=1)

METHODS: dict[str, Callable[..., Any]] = {function: getattr(Klaviyo, name) for function, name in _names.METHODS.items()}


@contextmanager
def unspelled() -> Iterator[None]:
    """Fields are named as the contract does it, and as fixtures do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Spelling, "to_contract", staticmethod(lambda field: field))
        patch.setattr(Spelling, "detail", lambda _, detail, in_item: detail)
        patch.setattr(Spelling, "error", lambda _, error: error)
        patch.setattr(Spelling, "warning", lambda _, warning: warning)
        yield


class Script:
    """A transport that plays the exchanges of a fixture, in order."""

    def __init__(self, key: str, exchanges: list[Exchange]) -> None:
        self.key = key
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
        if key != self.key:
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
        self._component = component
        self._cases = 0

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
        self._cases += 1
        # An account of its own: 429 in one case would hold the next.
        script = Script(f"{KEY}{self._cases}", case.exchanges)
        try:
            with unspelled(), Klaviyo(script.key, transport=script, component=self._component, api="all", limits=ONCE) as klaviyo:
                returned = {"ok": result(method(klaviyo, **named), hints["return"])}
        except (LimitExceeded, Trapped) as error:
            return [f"the call was stopped: {error}"]
        except KlaviyoError as error:
            returned = {"err": failure(error)}
        return script.differences() + compare.returned(case.returns, returned)


@cache
def _hints(of: Any) -> dict[str, Any]:
    return typing.get_type_hints(of, include_extras=True)


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (types.UnionType, typing.Union)


def _cases(hint: Any) -> list[Any]:
    return [case for case in typing.get_args(hint) if case is not types.NoneType]


def _words(hint: Any) -> Words | None:
    """The words that a text is one of, if the contract has a variant for it."""
    words = hint.__metadata__[0] if typing.get_origin(hint) is typing.Annotated else None
    return words if isinstance(words, Words) else None


def _left_out(hint: Any) -> Any:
    """What a field is that a fixture leaves out: nothing, or the empty list."""
    return [] if typing.get_origin(hint) in (Sequence, Iterable) else None


def argument(value: Any, hint: Any) -> Any:
    """A value of a fixture as an argument."""
    if typing.get_origin(hint) is typing.Annotated and not _words(hint):
        kind = hint.__metadata__[0]
        return argument(value, kind if isinstance(kind, type) else str)
    if _is_union(hint):
        cases = _cases(hint)
        if value is None and len(cases) < len(typing.get_args(hint)):
            return None
        if len(cases) == 1:
            return argument(value, cases[0])
        ((name, content),) = value.items()
        (case,) = [case for case in cases if case_name(case) == name]
        fields = list(_hints(case).values())
        return case(argument(content, fields[0])) if len(fields) == 1 else argument(content, case)
    if words := _words(hint):
        if isinstance(value, str):
            fixture.require(value in words.known, f"no word: {value!r}")
            return value
        ((name, word),) = value.items()
        fixture.require(name == "other" and word not in words.known, f"no other word: {value!r}")
        return word
    if typing.get_origin(hint) is typing.Literal:
        fixture.require(value in typing.get_args(hint), f"no word: {value!r}")
        return value
    if typing.get_origin(hint) is not None:
        fixture.require(isinstance(value, list), f"no list: {value!r}")
        return [argument(each, typing.get_args(hint)[0]) for each in value]
    if hint not in (str, int):
        kinds = _hints(hint)
        names = {kebab(field): field for field in kinds}
        fixture.require(isinstance(value, dict) and value.keys() <= names.keys(), f"no {hint.__name__}: {value!r}")
        given = {field: value.get(name, _left_out(kinds[field])) for name, field in names.items()}
        return hint(**{field: argument(each, kinds[field]) for field, each in given.items()})
    fixture.require(type(value) is hint, f"no {hint.__name__}: {value!r}")
    return value


def result(value: Any, hint: Any) -> Any:
    """A result as a fixture has it."""
    if isinstance(value, KlaviyoError):
        return failure(value)
    if _is_union(hint):
        cases = _cases(hint)
        if value is None or len(cases) == 1:
            return None if value is None else result(value, cases[0])
        assert type(value) in cases
        case: Any = type(value)
        name = case_name(case)
        contents = [result(getattr(value, field), kind) for field, kind in _hints(case).items()]
        return {name: contents[0]} if len(contents) == 1 else name
    if words := _words(hint):
        return value if value in words.known else {"other": value}
    if typing.get_origin(hint) is typing.Annotated:
        return value
    if typing.get_origin(hint) in (list, tuple):
        return [result(each, typing.get_args(hint)[0]) for each in value]
    kinds = {} if hint in (str, int, bool, None, types.NoneType) else _hints(hint)
    return {member_name(hint, field): result(getattr(value, field), kind) for field, kind in kinds.items()} if kinds else value


def failure(error: KlaviyoError) -> Any:
    """An error as a fixture has it."""
    members: dict[str, Any] = {**vars(error), "details": result(error.details, tuple[Detail, ...])}
    # The host's, not the contract's.
    del members["usage"]
    return {kebab(name): value for name, value in members.items()}


def case_name(case: Any) -> str:
    """What the contract calls a case."""
    return getattr(case, "CASE", kebab(case.__name__))


def kebab(name: str) -> str:
    """`phone_number` and `PhoneNumber` are `phone-number`."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-").replace("_", "-")
