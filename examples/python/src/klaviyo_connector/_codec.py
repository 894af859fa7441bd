"""Between the classes of `types` and the values that wasmtime takes and gives, by their annotations.

A dataclass is a record, or the case of a variant where it is in a union with others; an `Enum` is an enum; `None` in a
union makes an option. Names are the contract's with `_` for `-`.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any

from wasmtime.component import Record, Variant

from .errors import BY_CODE, Detail, InvalidInput, KlaviyoError

def lower(value: object, hint: Any, name: str) -> Any:
    """An argument as wasmtime takes it. What does not fit is refused by the name of its field, such as
    `contacts[3].email`. The value itself is not shown: it may be somebody's email."""
    if hint is str:
        return _text(value, name)
    if isinstance(hint, types.UnionType):
        cases = _cases(hint)
        if value is None and len(cases) < len(typing.get_args(hint)):
            return None
        if len(cases) == 1:
            return lower(value, cases[0], name)
        given: Any = type(value)
        if given not in cases:
            raise _mismatch(value, " or ".join(case.__name__ for case in cases), name)
        ((field, of),) = _hints(given).items()
        return Variant(_kebab(given.__name__), lower(getattr(value, field), of, f"{name}.{field}"))
    if typing.get_origin(hint) in (Sequence, Iterable):
        (item,) = typing.get_args(hint)
        if isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
            raise _mismatch(value, f"a list of {_name(item)}", name)
        return [lower(each, item, f"{name}[{index}]") for index, each in enumerate(value)]
    if issubclass(hint, Enum):
        if not isinstance(value, hint):
            raise _mismatch(value, hint.__name__, name)
        return value.value
    if not isinstance(value, hint):
        raise _mismatch(value, hint.__name__, name)
    return record(
        **{
            _kebab(field): lower(getattr(value, field), of, f"{name}.{field}")
            for field, of in _hints(hint).items()
        }
    )


def _cases(union: types.UnionType) -> list[Any]:
    return [case for case in typing.get_args(union) if case is not types.NoneType]


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, "str", name)
    # Not a subclass of it, whose methods could say something else.
    text = str.__str__(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        sentence = "it has half of a surrogate pair, which is no text"
        detail = Detail(code="invalid", title="Invalid input.", detail=sentence, pointer=name)
        raise InvalidInput(f"{name}: {sentence}", code="invalid-input", details=(detail,)) from None
    return text


def _mismatch(value: object, expected: str, name: str) -> TypeError:
    return TypeError(f"{name}: expected {expected}, got {type(value).__name__}")


def _name(hint: Any) -> str:
    return " or ".join(case.__name__ for case in typing.get_args(hint) or (hint,))


def record(**values: Any) -> Record:
    """A record of wasmtime's."""
    made = Record()
    made.__dict__.update(values)
    return made


def lift(value: Any, hint: Any) -> Any:
    """What wasmtime gave, as a value of this type."""
    return _lifter(hint)(value)


@cache
def _lifter(hint: Any) -> Callable[[Any], Any]:
    if hint in (str, int, bool):
        return lambda value: value
    if hint is KlaviyoError:
        return error
    if isinstance(hint, types.UnionType):
        cases = _cases(hint)
        if len(cases) == 1:
            some = _lifter(cases[0])
            return lambda value: None if value is None else some(value)
        if str in cases:
            return _open(next(case for case in cases if case is not str))
        return _union(cases)
    if typing.get_origin(hint) in (tuple, list):
        kind, item = typing.get_origin(hint), _lifter(typing.get_args(hint)[0])
        return lambda values: kind(map(item, values))
    if issubclass(hint, Enum):
        return lambda value: hint(value)
    members = [(field, _kebab(field), _lifter(of)) for field, of in _hints(hint).items()]
    return lambda value: hint(**{field: of(getattr(value, kebab)) for field, kebab, of in members})


def _open(known: type[Enum]) -> Callable[[Any], Any]:
    """A variant of words, the last of which is for any other."""
    return lambda value: value.payload if value.tag == "other" else known(value.tag)


def _union(cases: Sequence[type]) -> Callable[[Any], Any]:
    """A variant. Where the contents of its cases are of different types, wasmtime gives them without the case."""
    lifters = {}
    for case in cases:
        ((field, of),) = _hints(case).items()
        lifters[str if of is str else Record] = lambda value, case=case, field=field, of=_lifter(of): case(
            **{field: of(value)}
        )
    return lambda value: lifters[type(value)](value)


def error(value: Any) -> KlaviyoError:
    """The contract's error. A code without a class of its own is a `KlaviyoError`."""
    return BY_CODE.get(value.code, KlaviyoError)(
        value.message,
        code=value.code,
        status=value.status,
        retry_after=getattr(value, "retry-after"),
        details=lift(value.details, tuple[Detail, ...]),
        duplicate=value.duplicate,
        request_id=getattr(value, "request-id"),
        body=value.body,
        done=value.done,
    )


def result(value: Any, hint: Any) -> Any:
    """What a function returned, or the error that it failed with, raised. Where a value cannot be taken for an error,
    wasmtime gives either without the case."""
    if isinstance(value, Variant):
        failed, value = value.tag == "err", value.payload
    else:
        failed = isinstance(value, Record)
    if failed:
        raise error(value)
    return lift(value, hint)


@cache
def _hints(of: type) -> dict[str, Any]:
    return typing.get_type_hints(of)


@cache
def _kebab(name: str) -> str:
    """`phone_number` and `PhoneNumber` are `phone-number`."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.lstrip("-").replace("_", "-")
