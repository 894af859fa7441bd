"""The package's names for what the contract names: fields in errors and warnings are spelled as the caller writes them.

The connector names a field by a path such as `contacts/3/phone-number`, from an argument or from an item of one. Here it is
`contacts[3].phone_number`, by the types of the function's arguments."""

from __future__ import annotations

import os
import re
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ._hints import cases_of, contract_name, hints, is_union, item_of
from ._names import METHODS
from .errors import Detail, KlaviyoError

# The codes of the reasons that are the connector's own. Klaviyo's are passed on as Klaviyo wrote them.
_OWN = "invalid-input"

# A name of a function, with all that could make it another word.
_WORD = re.compile(r"[A-Za-z0-9_.-]*[a-z0-9]")

# So much of Klaviyo's words tells where in a sentence they are: the connector may repeat no more than their beginning.
_TELLING = 40

# Names in a path. Only a component that is not the connector has more.
_DEEPEST = 64


class Spelling:
    """The names of one function's arguments."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._words = {contract_name(name): name for hint in parameters.values() for name in _fields(hint)}

    @staticmethod
    def to_contract(field: str) -> str:
        """A field that the caller names, such as `phone_number`, as the contract names it. One that there is not is refused
        by the connector."""
        return field.replace("_", "-")

    def path(self, pointer: str | None, *, in_item: bool) -> str | None:
        """A field, as the caller names it. `in_item`: of the item of a list that was given. A pointer into a request's
        body is Klaviyo's, and stays."""
        if pointer is None or pointer.startswith("/") or pointer.count("/") > _DEEPEST:
            return pointer
        segments = pointer.split("/")
        for name, hint in self._parameters.items():
            if not in_item and contract_name(name.rstrip("_")) == segments[0]:
                return name + _walk(hint, segments[1:])
        for name, hint in self._parameters.items():
            item = item_of(hint)
            if in_item and is_union(item):
                # An identifier; or what the profile has, whatever it was named by.
                continue
            if _has(item or hint, segments[0]):
                path = _walk(item or hint, segments)
                return f"{name}{path}" if item is None and not in_item else path.lstrip(".")
        return _walk(None, segments).lstrip(".")

    def detail(self, detail: Detail, *, in_item: bool) -> Detail:
        """An entry of an error's `details`, or an item's reason."""
        if detail.code != _OWN:
            return detail
        path = self.path(detail.pointer, in_item=in_item)
        return Detail(detail.code, detail.title, self._sentence(detail.detail), path)

    def error(self, error: KlaviyoError) -> KlaviyoError:
        """The error of a call. Its sentence is written anew where it has one of the connector's own reasons."""
        details = tuple(self.detail(each, in_item=False) for each in error.details)
        message = error.message
        for old, new in zip(error.details, details, strict=True):
            message = message.replace(_reason(old), _reason(new), 1) if old != new else message
        klaviyos = next((each.detail or each.title for each in details if each.code != _OWN), "")
        before, repeated, behind = _around(klaviyos, message)
        message = _spelled(before, error) + repeated + _spelled(behind, error)
        error.details, error.message, error.args = details, message, (message,)
        return error

    def warning(self, warning: str) -> str:
        """A sentence, perhaps behind the names of fields: `first-name, phone-number: …`."""
        names, colon, sentence = warning.partition(": ")
        return ", ".join(self._words.get(name, name) for name in names.split(", ")) + colon + sentence

    def _sentence(self, sentence: str) -> str:
        """One of the connector's own, which names fields and shows no value."""
        return " ".join(map(self._word, sentence.split(" ")))

    def _word(self, written: str) -> str:
        word = written.rstrip(",;.")
        return self._words.get(word, word) + written[len(word) :]


def _around(words: str, sentence: str) -> tuple[str, str, str]:
    """What is before the words that a sentence repeats, perhaps not to their end, the words, and what is behind them."""
    begin = sentence.find(words[:_TELLING]) if words else -1
    if begin < 0:
        return sentence, "", ""
    end = begin + len(os.path.commonprefix((words, sentence[begin:])))
    return sentence[:begin], sentence[begin:end], sentence[end:]


def _spelled(words: str, error: KlaviyoError) -> str:
    """The connector's own words, with this package's names of functions and of what an error has."""
    for name in vars(error):
        words = words.replace(f"`{contract_name(name)}`", f"`{name}`")
    return _WORD.sub(lambda found: METHODS.get(found[0], found[0]), words)


def _reason(detail: Detail) -> str:
    return detail.detail if detail.pointer is None else f"{detail.pointer}: {detail.detail}"


@cache
def _known(hint: Any) -> tuple[str, ...]:
    return tuple(hints(hint)) if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__") else ()


def _fields(hint: Any) -> Iterator[str]:
    """The names of all fields within a type."""
    if inner := item_of(hint):
        yield from _fields(inner)
    elif is_union(hint):
        for case in cases_of(hint):
            # A case without a record of its own is named as a field is: `phone-number` for `PhoneNumber`.
            yield contract_name(case).replace("-", "_") if isinstance(case, type) else ""
            yield from _fields(case)
    else:
        for name in _known(hint):
            yield name
            yield from _fields(hints(hint)[name])


def _has(hint: Any, segment: str) -> bool:
    """Whether a type has a field, or a case, of this name of the contract."""
    if is_union(hint):
        cases = cases_of(hint)
        return any(_has(case, segment) or (len(cases) > 1 and contract_name(case) == segment) for case in cases)
    return any(contract_name(name) == segment for name in _known(hint))


def _walk(hint: Any, segments: list[str]) -> str:
    """The path from a value of this type; of none, where no type is known."""
    if not segments:
        return ""
    segment, rest = segments[0], segments[1:]
    if item := item_of(hint):
        return f"[{segment}]" + _walk(item, rest) if segment.isdigit() else _walk(item, segments)
    if is_union(hint):
        cases = cases_of(hint)
        if len(cases) == 1:
            return _walk(cases[0], segments)
        for case in cases:
            if contract_name(case) == segment and _known(case):
                # What has one field is named by it.
                (name, *more) = _known(case)
                return _walk(case, rest) if more else f".{name}" + _walk(hints(case)[name], rest)
        # A field of what one of the cases has: which, the caller knows.
        return _walk(next((case for case in cases if _has(case, segment)), None), segments)
    for name in _known(hint):
        if contract_name(name) == segment:
            return f".{name}" + _walk(hints(hint)[name], rest)
    # Below `properties` the names are the caller's own.
    own = segment.replace("~1", "/").replace("~0", "~")
    if typing.get_origin(hint) is not typing.Annotated:
        own = own.replace("-", "_")
    shown = f"[{own}]" if own.isdigit() else f".{own}" if own.isidentifier() else f'["{own}"]'
    return shown + _walk(hint, rest)
