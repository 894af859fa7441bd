"""Between the classes of `types` and the values that wasmtime takes and gives, by their annotations.

A dataclass is a record. In a union with others it is a case of a variant, by its name or what its `CASE` says: its one
field is the content, several are a record, none is a case without content. An annotated text is a variant of words, the
last of which is for any other, or a text that may be given as what it stands for; a literal is an enum. `None` in a union
makes an option. Names are the contract's with `_` for `-`.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from wasmtime.component import Record, Variant

from . import _json
from ._hints import cases_of, contract_name, hints, is_union, member_name
from ._spelling import Spelling
from .errors import BY_CODE, Detail, InvalidInput, KlaviyoError, found
from .types.open import Field, JsonObject, Moment, Words


def lower(value: object, hint: Any, name: str) -> Any:
    """An argument as wasmtime takes it. What does not fit is refused by the name of its field, such as
    `contacts[3].email`. The value itself is not shown: it may be somebody's email."""
    if hint is str:
        return _text(value, name)
    if hint is int:
        return _number(value, name)
    if is_union(hint):
        cases = cases_of(hint)
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
            member_name(of, field): lower(getattr(value, field), hint, f"{name}.{field}")
            for field, hint in hints(of).items()
        }
    )


def _lower_case(value: object, cases: Sequence[type], name: str) -> Any:
    """The case of a variant that a value is. wasmtime takes it without its name where the contents of the cases are of
    different types."""
    given: Any = type(value)
    if given not in cases:
        raise _mismatch(value, " or ".join(case.__name__ for case in cases), name)
    members = hints(given)
    if len(members) == 1:
        ((field, of),) = members.items()
        content = lower(getattr(value, field), of, f"{name}.{field}")
    else:
        content = _lower_fields(value, given, name) if members else None
    kinds = [_content(case) for case in cases]
    return Variant(contract_name(given), content) if len(set(kinds)) < len(kinds) else content


def _lower_annotated(value: object, kind: Words | JsonObject | Moment | Field, name: str) -> Variant | str:
    match kind:
        case Field():
            return Spelling.to_contract(_text(value, name))
        case Words():
            return _lower_word(_text(value, name), kind)
        case JsonObject():
            if isinstance(value, Mapping):
                return _json_text(value, name)
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


def _json_text(value: Mapping[Any, Any], name: str) -> str:
    try:
        text = json.dumps(dict(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
        return text
    except (TypeError, ValueError, RecursionError):
        pass
    # Not the reason: it may show a value.
    raise _invalid(*_json.offence(value, name))


def _record_of(fields: Mapping[Any, Any], of: Any, name: str) -> object:
    """A record, by its fields."""
    known = hints(of)
    for field in fields:
        if field not in known:
            shown = repr(field) if isinstance(field, str) and field.isidentifier() else "another"
            raise _invalid(name, f"it has no field {shown[:40]}; its fields are {', '.join(known)}")
    try:
        return of(**fields)
    except TypeError:
        given_anyway = {each.name for each in dataclasses.fields(of) if each.default is not dataclasses.MISSING}
        missing = ", ".join(field for field in known if field not in fields and field not in given_anyway)
        raise _invalid(name, f"it has no {missing}, which {of.__name__} needs") from None


def _lower_word(text: str, words: Words) -> Variant:
    return Variant(text) if text in words.known else Variant("other", text)


def _lower_enum(text: str, known: Sequence[str], name: str) -> str:
    if text not in known:
        raise _invalid(name, f"it is not one of {', '.join(known)}")
    return text


def _content(case: type) -> type:
    """What wasmtime makes of the content of a case: of none, of a text, of a record."""
    of = list(hints(case).values())
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
    return TypeError(f"{name}: expected {expected}, got {found(value)}")


def _name(hint: Any) -> str:
    hint = hint.__origin__ if typing.get_origin(hint) is typing.Annotated else hint
    return " or ".join(case.__name__ for case in typing.get_args(hint) or (hint,))


def record(**values: Any) -> Record:
    """A record of wasmtime's."""
    made = Record()
    made.__dict__.update(values)
    return made


def lift(value: Any, hint: Any, spelling: Spelling) -> Any:
    """What wasmtime gave, as a value of this type."""
    return _lifter(hint, spelling)(value)


@cache
def _lifter(hint: Any, spelling: Spelling) -> Callable[[Any], Any]:
    if hint in (str, int, bool, None):
        return lambda value: value
    if hint is KlaviyoError:
        return lambda value: error(value, spelling)
    if is_union(hint):
        cases = cases_of(hint)
        if len(cases) == 1:
            some = _lifter(cases[0], spelling)
            return lambda value: None if value is None else some(value)
        return _union(cases, spelling)
    if typing.get_origin(hint) in (tuple, list):
        kind, item = typing.get_origin(hint), _lifter(typing.get_args(hint)[0], spelling)
        return lambda values: kind(map(item, values))
    if typing.get_origin(hint) is typing.Annotated:
        if not isinstance(hint.__metadata__[0], Words):
            return lambda value: value
        return lambda value: value.payload if value.tag == "other" else value.tag
    members = [(field, member_name(hint, field), _lifter(of, spelling)) for field, of in hints(hint).items()]

    def made(value: Any) -> Any:
        return hint(**{field: of(getattr(value, name)) for field, name, of in members})

    if hint is Detail:
        # What is in a result is about an item of what was given.
        return lambda value: spelling.detail(made(value), in_item=True)
    if any(field == "warnings" for field, _, _ in members):
        members = [
            (field, name, (lambda values: tuple(map(spelling.warning, values))) if field == "warnings" else of)
            for field, name, of in members
        ]
    return made


def _union(cases: Sequence[type], spelling: Spelling) -> Callable[[Any], Any]:
    """A variant. Where the contents of its cases are of different types, wasmtime gives them without the case."""
    by_name = {contract_name(case): (case, hints(case)) for case in cases}
    by_content = {_content(case): name for name, (case, _) in by_name.items()}

    def lifted(value: Any) -> Any:
        if isinstance(value, Variant):
            name, value = value.tag, value.payload
        else:
            name = by_content[type(value)]
        case, members = by_name[name]
        if len(members) == 1:
            ((field, of),) = members.items()
            return case(**{field: lift(value, of, spelling)})
        return lift(value, case, spelling) if members else case()

    return lifted


def error(value: Any, spelling: Spelling) -> KlaviyoError:
    """The contract's error. A code without a class of its own is a `KlaviyoError`."""
    details = (Detail(each.code, each.title, each.detail, each.pointer) for each in value.details)
    return spelling.error(
        BY_CODE.get(value.code, KlaviyoError)(
            value.message,
            code=value.code,
            status=value.status,
            retry_after=getattr(value, "retry-after"),
            details=tuple(details),
            duplicate=value.duplicate,
            request_id=getattr(value, "request-id"),
            body=value.body,
            done=value.done,
        )
    )


def result(value: Any, hint: Any, spelling: Spelling) -> Any:
    """What a function returned, or the error that it failed with, raised. Where a value cannot be taken for an error,
    wasmtime gives either without the case."""
    if isinstance(value, Variant):
        failed, value = value.tag == "err", value.payload
    else:
        failed = isinstance(value, Record)
    if failed:
        raise error(value, spelling)
    return lift(value, hint, spelling)
