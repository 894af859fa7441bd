"""Reads what a function returned, as the classes of `types`.

How a type is read is made out once, from the component's type and the annotation: see `_lower` for what annotations mean.
"""

from __future__ import annotations

import dataclasses
import struct
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._abi import List, Number, Option, Record, Text, Type, Variant
from ._heap import Heap, Violation
from ._hints import cases_of, contract_name, hints, is_union, member_name
from ._spelling import Spelling
from .errors import BY_CODE, Detail, KlaviyoError
from .types.open import Words

Load = Callable[[Heap, int], Any]
"""Reads the value at an address."""

_OPTIONAL_TEXT = struct.Struct("<B3xII")


class Mismatch(Exception):
    """A type of the component is not the contract's."""


def result(of: Type, hint: Any, spelling: Spelling) -> Load:
    """Reads what a function returned, or the error that it failed with."""
    if not isinstance(of, Variant) or of.names != ["ok", "err"]:
        raise Mismatch("a function returns no result")
    ok, err = of.contents
    loads = _content(ok, hint, spelling), _content(err, KlaviyoError, spelling)
    return _by_case(of, loads)


def _content(of: Type | None, hint: Any, spelling: Spelling) -> Load:
    if of is None:
        if hint not in (None, types.NoneType):
            raise Mismatch(f"there is no {hint}")
        return lambda heap, at: None
    return _loader(of, hint, spelling)


def _by_case(of: Variant | Option, loads: Sequence[Load]) -> Load:
    """Reads the content of whichever case there is."""
    which, begin = of.which, of.begin
    return lambda heap, at: loads[which(heap, at)](heap, at + begin)


def _loader(of: Type, hint: Any, spelling: Spelling) -> Load:
    origin = typing.get_origin(hint)
    if hint is str and isinstance(of, Text):
        return of.load
    if hint in (int, bool) and isinstance(of, Number) and of.kind is hint:
        return of.load
    if hint is KlaviyoError and isinstance(of, Record):
        return lambda heap, at: error(of.load(heap, at), spelling)
    if is_union(hint):
        cases = cases_of(hint)
        if len(cases) > 1 and isinstance(of, Variant):
            return _variant(of, cases, spelling)
        if len(cases) == 1 and isinstance(of, Option):
            return _option(of, cases[0], spelling)
    elif origin in (tuple, list) and isinstance(of, List):
        places, load = of.places, _loader(of.item, typing.get_args(hint)[0], spelling)
        return lambda heap, at: origin([load(heap, place) for place in places(heap, *heap.read_sequence(at))])
    elif origin is typing.Annotated:
        if isinstance(of, Variant) and isinstance(hint.__metadata__[0], Words):
            return _words(of, hint.__metadata__[0])
        return _loader(of, hint.__origin__, spelling)
    elif isinstance(hint, type) and isinstance(of, Record):
        return _record(of, hint, spelling)
    raise Mismatch(f"there is a {type(of).__name__.lower()} for {hint}")


def _option(of: Option, hint: Any, spelling: Spelling) -> Load:
    some = _loader(of.of, hint, spelling)
    if not isinstance(of.of, Text):
        return _by_case(of, (lambda heap, at: None, some))

    def text(heap: Heap, at: int) -> str | None:
        # Most of what a record has. It is read at once.
        case, begin, length = _OPTIONAL_TEXT.unpack_from(heap.view, at)
        if case == 0:
            return None
        if case != 1:
            raise Violation(f"there is no case {case} of an option")
        return heap.text(begin, length)

    return text


def _words(of: Variant, words: Words) -> Load:
    if of.names != [*words.known, "other"] or not isinstance(other := of.contents[-1], Text):
        raise Mismatch(f"the words are {', '.join(of.names)}")

    def known(word: str) -> Load:
        return lambda heap, at: word

    return _by_case(of, [*map(known, words.known), other.load])


def _variant(of: Variant, cases: Sequence[Any], spelling: Spelling) -> Load:
    by_name = {contract_name(case): case for case in cases}
    if by_name.keys() != set(of.names):
        raise Mismatch(f"the cases are {', '.join(of.names)}")
    contents = zip(of.names, of.contents, strict=True)
    return _by_case(of, [_case(by_name[name], content, spelling) for name, content in contents])


def _case(case: Any, content: Type | None, spelling: Spelling) -> Load:
    members = hints(case)
    if not members:
        return lambda heap, at: case()
    if len(members) > 1:
        return _content(content, case, spelling)
    (only,) = members.values()
    load = _content(content, only, spelling)
    return lambda heap, at: case(load(heap, at))


def _record(of: Record, hint: Any, spelling: Spelling) -> Load:
    # In the order of the parameters, which a base class's annotations would come before.
    names = [field.name for field in dataclasses.fields(hint)]
    members = {member_name(hint, name): hints(hint)[name] for name in names}
    if members.keys() != of.members.keys():
        raise Mismatch(f"a {hint.__name__} has {', '.join(of.members)}")
    loads = []
    for name, kind in members.items():
        kept, begin = of.members[name]
        load = _loader(kept, kind, spelling)
        loads.append((_warnings(load, spelling) if name == "warnings" else load, begin))

    def made(heap: Heap, at: int) -> Any:
        return hint(*[load(heap, at + begin) for load, begin in loads])

    if hint is Detail:
        # What is in a result is about an item of what was given.
        return lambda heap, at: spelling.detail(made(heap, at), in_item=True)
    return made


def _warnings(load: Load, spelling: Spelling) -> Load:
    return lambda heap, at: tuple(map(spelling.warning, load(heap, at)))


def error(value: Mapping[str, Any], spelling: Spelling) -> KlaviyoError:
    """The contract's error. A code without a class of its own is a `KlaviyoError`."""
    code, _ = value["code"]
    details = (Detail(each["code"], each["title"], each["detail"], each["pointer"]) for each in value["details"])
    return spelling.error(
        BY_CODE.get(code, KlaviyoError)(
            value["message"],
            code=code,
            status=value["status"],
            retry_after=value["retry-after"],
            details=tuple(details),
            duplicate=value["duplicate"],
            request_id=value["request-id"],
            body=value["body"],
            done=value["done"],
        )
    )
