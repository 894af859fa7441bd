"""The private key, kept out of everything that is printed or stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from .errors import ConfigurationError, found


class Secret:
    """A private key. Printing it prints no part of it, and it cannot be pickled or copied."""

    __slots__ = ("_reveal",)

    _reveal: Callable[[], str]

    def __init__(self, key: str) -> None:
        problem = _problem(key)
        # Not in the variables of a traceback's frame; the closure keeps it out of `vars` and of dumps of objects.
        text = key.strip() if problem is None else ""
        del key
        if problem is not None:
            raise problem
        self._reveal = lambda: text

    def reveal(self) -> str:
        return self._reveal()

    def without(self, data: bytes) -> bytes:
        """The bytes with every copy of the key overwritten, also in the small letters that names of headers have."""
        key = self._reveal().encode()
        # Too much would look like a shorter one.
        if len(key) < 8:
            return data
        return data.replace(key, b"*" * len(key)).replace(key.lower(), b"*" * len(key))

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key cannot be pickled or copied")


def _problem(key: object) -> ConfigurationError | None:
    if not isinstance(key, str):
        return ConfigurationError(f"key: expected str, got {found(key)}")
    text = key.strip()
    if not text:
        return ConfigurationError(
            "key: there is none, and none in KLAVIYO_API_KEY; it is the account's private key (pk_…), and nothing else"
        )
    if not all("!" <= character <= "~" for character in text):
        return ConfigurationError(
            "key: it has characters that no key has, such as spaces; it is the account's private key (pk_…) alone"
        )
    return None
