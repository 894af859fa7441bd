"""What in a value JSON cannot have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from typing import Any

from .errors import found

_TAKEN = "take dict, list, str, int, float, bool and None"

# Python's own writer stops at about 1,000.
_LEVELS = 200


def offence(value: Any, name: str) -> tuple[str, str]:
    """The place of the first such thing, such as `profile.properties.tags[2]`, and a sentence. Names are shown, and values
    are not."""
    root, waiting = name, [(value, name, 0)]
    while waiting:
        value, name, level = waiting.pop()
        if level > _LEVELS:
            # Not the place, which is as long as it is deep.
            return root, f"it has more than {_LEVELS} levels; Klaviyo takes 10"
        if sentence := _sentence(value):
            return name, sentence
        waiting += reversed([(each, place, level + 1) for each, place in _within(value, name)])
    return root, f"it cannot be written as JSON; {_TAKEN}"


def _within(value: Any, name: str) -> Iterator[tuple[Any, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield each, f"{name}.{key}" if isinstance(key, str) and key.isidentifier() else f"{name}[…]"
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield each, f"{name}[{index}]"


def _sentence(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"JSON has no {value}; {_TAKEN}"
    if isinstance(value, date):
        return f"JSON has no {found(value)}; write it as a text, such as by isoformat()"
    if isinstance(value, str):
        broken = any("\ud800" <= character <= "\udfff" for character in value)
        return "it has half of a surrogate pair, which is no text" if broken else None
    if isinstance(value, Mapping):
        wrong = next((key for key in value if not isinstance(key, str | int | float | None)), None)
        return None if wrong is None else f"the name of a property is a str, and this one is a {found(wrong)}"
    if value is None or isinstance(value, int | float | list | tuple):
        return None
    listed = isinstance(value, Set | Sequence) and not isinstance(value, bytes | bytearray)
    more = "; take a list" if listed else f"; {_TAKEN}"
    return f"JSON has no {'class' if isinstance(value, type) else found(value)}{more}"
