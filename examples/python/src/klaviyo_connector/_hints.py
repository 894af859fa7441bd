"""What the annotations of `types` say of the contract's types."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from .types.open import Named


@cache
def hints(of: type) -> dict[str, Any]:
    """The fields of a record, with their types."""
    return typing.get_type_hints(of, include_extras=True)


def is_union(hint: Any) -> bool:
    """Whether it is a variant or an option."""
    # What is annotated makes a union of the older kind.
    return typing.get_origin(hint) in (types.UnionType, typing.Union)


def cases_of(union: Any) -> list[Any]:
    """The cases of a variant, or what an option may have."""
    return [case for case in typing.get_args(union) if case is not types.NoneType]


def item_of(hint: Any) -> Any:
    """The type of a list's items; none where it is no list."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) in (Sequence, Iterable) else None


@cache
def contract_name(of: type | str) -> str:
    """The contract's name of a field or of a case: `phone_number` and `PhoneNumber` are `phone-number`."""
    if isinstance(of, type):
        return getattr(of, "CASE", None) or contract_name(of.__name__)
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in of)
    return words.lstrip("-").replace("_", "-")


@cache
def member_name(of: type, field: str) -> str:
    """The contract's name of a record's field."""
    hint = hints(of)[field]
    named = typing.get_origin(hint) is typing.Annotated and isinstance(hint.__metadata__[0], Named)
    return str(hint.__metadata__[0].name) if named else contract_name(field)
