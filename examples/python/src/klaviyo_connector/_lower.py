"""Arguments, looked at and brought into the form in which `_abi` writes them, by the annotations of `types`.

A dataclass is a record. In a union with others it is a case of a variant, by its name or what its `CASE` says: its one
field is the content, several are a record, none is a case without content. An annotated text is a variant of words, the
last of which is for any other, or a text that may be given as what it stands for; a literal is an enum. `None` in a union
makes an option. Names are the contract's with `_` for `-`.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from . import _json
from ._hints import cases_of, contract_name, hints, is_union, member_name
from ._spelling import Spelling
from .errors import Detail, InvalidInput, found
from .types.open import Field, JsonObject, Moment, Words


def lower(value: object, hint: Any, name: str) -> Any:
    """An argument as it is written. What does not fit is refused by the name of its field, such as `contacts[3].email`. The
    value itself is not shown: it may be somebody's email."""
    if hint is str:
        return _text(value, name).encode()
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


def _lower_fields(value: object, of: type, name: str) -> dict[str, Any]:
    return {
        member_name(of, field): lower(getattr(value, field), hint, f"{name}.{field}")
        for field, hint in hints(of).items()
    }


def _lower_case(value: object, cases: Sequence[type], name: str) -> tuple[str, Any]:
    """The case of a variant that a value is."""
    given: Any = type(value)
    if given not in cases:
        raise _mismatch(value, " or ".join(case.__name__ for case in cases), name)
    members = hints(given)
    if len(members) == 1:
        ((field, of),) = members.items()
        content = lower(getattr(value, field), of, f"{name}.{field}")
    else:
        content = _lower_fields(value, given, name) if members else None
    return contract_name(given), content


def _lower_annotated(
    value: object, kind: Words | JsonObject | Moment | Field, name: str
) -> tuple[str, bytes | None] | bytes:
    match kind:
        case Field():
            return Spelling.to_contract(_text(value, name)).encode()
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
                return value.isoformat().encode()
            if not isinstance(value, str):
                raise _mismatch(value, "datetime with a time zone, or str of RFC 3339", name)
    return _text(value, name).encode()


def _json_text(value: Mapping[Any, Any], name: str) -> bytes:
    try:
        return json.dumps(dict(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
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


def _lower_word(text: str, words: Words) -> tuple[str, bytes | None]:
    return (text, None) if text in words.known else ("other", text.encode())


def _lower_enum(text: str, known: Sequence[str], name: str) -> tuple[str, None]:
    if text not in known:
        raise _invalid(name, f"it is not one of {', '.join(known)}")
    return text, None


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
