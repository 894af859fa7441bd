"""Between the classes of `types` and the values that wasmtime takes and gives, by their annotations.

A dataclass is a record. In a union with others it is a case of a variant, by its name or what its `CASE` says: its one
field is the content, several are a record, none is a case without content. An annotated text is a variant of words, the
last of which is for any other, or a text that may be given as what it stands for; a literal is an enum. `None` in a union makes an option. Names are the contract's with
`_` for `-`.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from wasmtime.component import Record, Variant

from .errors import BY_CODE, Detail, InvalidInput, KlaviyoError
from .types.open import JsonObject, Moment, Words


def lower(value: object, hint: Any, name: str) -> Any:
    """An argument as wasmtime takes it. What does not fit is refused by the name of its field, such as
    `contacts[3].email`. The value itself is not shown: it may be somebody's email."""
    if hint is str:
        return _text(value, name)
    if hint is int:
        return _number(value, name)
    if _is_union(hint):
        cases = _cases(hint)
        if value is None and len(cases) < len(typing.get_args(hint)):
            return None
        return lower(value, cases[0], name) if len(cases) == 1 else _lower_case(value, cases, name)
    match typing.get_origin(hint):
        case typing.Annotated:
            return _lower_annotated(value, hint.__metadata__[0], name)
        case typing.Literal:
            return _lower_enum(_text(value, name), typing.get_args(hint), name)
        case origin if origin in (Sequence, Iterable):
            (item,) = typing.get_args(hint)
            if isinstance(value, str) and typing.get_origin(item) is typing.Annotated:
                # One word, such as a channel.
                value = (value,)
            if isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
                raise _mismatch(value, f"a list of {_name(item)}", name)
            return [lower(each, item, f"{name}[{index}]") for index, each in enumerate(value)]
    if isinstance(value, Mapping):
        value = _record_of(value, hint, name)
    if not isinstance(value, hint):
        raise _mismatch(value, f"{hint.__name__}, or a mapping of its fields", name)
    return _lower_fields(value, hint, name)


def _lower_fields(value: object, of: type, name: str) -> Record:
    return record(
        **{
            _kebab(field): lower(getattr(value, field), hint, f"{name}.{field}")
            for field, hint in _hints(of).items()
        }
    )


def _lower_case(value: object, cases: Sequence[type], name: str) -> Any:
    """The case of a variant that a value is. wasmtime takes it without its name where the contents of the cases are of
    different types."""
    given: Any = type(value)
    if given not in cases:
        raise _mismatch(value, " or ".join(case.__name__ for case in cases), name)
    hints = _hints(given)
    if len(hints) == 1:
        ((field, of),) = hints.items()
        content = lower(getattr(value, field), of, f"{name}.{field}")
    else:
        content = _lower_fields(value, given, name) if hints else None
    kinds = [_content(case) for case in cases]
    return Variant(_case(given), content) if len(set(kinds)) < len(kinds) else content


def _lower_annotated(value: object, kind: Words | JsonObject | Moment, name: str) -> Variant | str:
    match kind:
        case Words():
            return _lower_word(_text(value, name), kind)
        case JsonObject():
            if isinstance(value, Mapping):
                return _json(value, name)
            if not isinstance(value, str):
                raise _mismatch(value, "a mapping, or the text of a JSON object as str", name)
        case Moment():
            if isinstance(value, datetime):
                if value.utcoffset() is None:
                    raise _invalid(name, "the datetime has no time zone; make it with one, such as timezone.utc")
                return value.isoformat()
            if not isinstance(value, str):
                raise _mismatch(value, "datetime with a time zone, or str of RFC 3339", name)
    return _text(value, name)


def _json(value: Mapping[Any, Any], name: str) -> str:
    try:
        return _text(json.dumps(dict(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")), name)
    except (TypeError, ValueError, RecursionError):
        pass
    # Not the reason: it may show a value.
    raise _invalid(name, "it has something that JSON has not; take dict, list, str, int, float, bool and None")


def _record_of(fields: Mapping[Any, Any], of: Any, name: str) -> object:
    """A record, by its fields."""
    known = _hints(of)
    for field in fields:
        if field not in known:
            shown = repr(field) if isinstance(field, str) and field.isidentifier() else "another"
            raise _invalid(name, f"it has no field {shown[:40]}; its fields are {', '.join(known)}")
    try:
        return of(**fields)
    except TypeError:
        raise _invalid(name, f"a field is missing that {of.__name__} needs") from None


def _lower_word(text: str, words: Words) -> Variant:
    return Variant(text) if text in words.known else Variant("other", text)


def _lower_enum(text: str, known: Sequence[str], name: str) -> str:
    if text not in known:
        raise _invalid(name, f"it is not one of {', '.join(known)}")
    return text


def _is_union(hint: Any) -> bool:
    # What is annotated makes a union of the older kind.
    return typing.get_origin(hint) in (types.UnionType, typing.Union)


def _cases(union: Any) -> list[Any]:
    return [case for case in typing.get_args(union) if case is not types.NoneType]


def _content(case: type) -> type:
    """What wasmtime makes of the content of a case: of none, of a text, of a record."""
    of = list(_hints(case).values())
    if not of:
        return types.NoneType
    return str if len(of) == 1 and (of[0] is str or typing.get_origin(of[0]) is typing.Annotated) else Record


def _number(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _mismatch(value, "int", name)
    if not 0 <= value < 1 << 32:
        raise _invalid(name, "it is not from 0 to 4294967295")
    return int(value)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, "str", name)
    # Not a subclass of it, whose methods could say something else.
    text = str.__str__(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _invalid(name, "it has half of a surrogate pair, which is no text") from None
    return text


def _invalid(name: str, sentence: str) -> InvalidInput:
    detail = Detail(code="invalid", title="Invalid input.", detail=sentence, pointer=name)
    return InvalidInput(f"{name}: {sentence}", code="invalid-input", details=(detail,))


def _mismatch(value: object, expected: str, name: str) -> TypeError:
    return TypeError(f"{name}: expected {expected}, got {type(value).__name__}")


def _name(hint: Any) -> str:
    hint = hint.__origin__ if typing.get_origin(hint) is typing.Annotated else hint
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
    if hint in (str, int, bool, None):
        return lambda value: value
    if hint is KlaviyoError:
        return error
    if _is_union(hint):
        cases = _cases(hint)
        if len(cases) == 1:
            some = _lifter(cases[0])
            return lambda value: None if value is None else some(value)
        return _union(cases)
    if typing.get_origin(hint) in (tuple, list):
        kind, item = typing.get_origin(hint), _lifter(typing.get_args(hint)[0])
        return lambda values: kind(map(item, values))
    if typing.get_origin(hint) is typing.Annotated:
        return lambda value: value.payload if value.tag == "other" else value.tag
    members = [(field, _kebab(field), _lifter(of)) for field, of in _hints(hint).items()]
    return lambda value: hint(**{field: of(getattr(value, kebab)) for field, kebab, of in members})


def _union(cases: Sequence[type]) -> Callable[[Any], Any]:
    """A variant. Where the contents of its cases are of different types, wasmtime gives them without the case."""
    by_name = {_case(case): (case, _hints(case)) for case in cases}
    by_content = {_content(case): name for name, (case, _) in by_name.items()}

    def lifted(value: Any) -> Any:
        if isinstance(value, Variant):
            name, value = value.tag, value.payload
        else:
            name = by_content[type(value)]
        case, hints = by_name[name]
        if len(hints) == 1:
            ((field, of),) = hints.items()
            return case(**{field: lift(value, of)})
        return lift(value, case) if hints else case()

    return lifted


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
    return typing.get_type_hints(of, include_extras=True)


def _case(of: type) -> str:
    """The contract's name for a case."""
    return getattr(of, "CASE", None) or _kebab(of.__name__)


@cache
def _kebab(name: str) -> str:
    """`phone_number` and `PhoneNumber` are `phone-number`."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.lstrip("-").replace("_", "-")
