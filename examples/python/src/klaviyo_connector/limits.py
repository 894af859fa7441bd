"""What one call may use."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .errors import ConfigurationError, found


@dataclass(frozen=True)
class Limits:
    """What the sandbox and its requests may use. Sizes are in bytes, times in seconds.

    A call that needs more fails with an error that names the field; the calls beside it and after it are not affected.
    """

    memory: int = 64 << 20
    """Linear memory of one call."""
    table_elements: int = 10_000
    """Elements of a table of one call."""
    stack: int = 512 << 10
    """The WebAssembly stack."""
    cpu: float = 10.0
    """Computing of one call, without what it waits, in steps of 10 ms. Reading and writing its values counts."""
    time: float = 60.0
    """A call, without what it waits for its turns: computing, all attempts of all requests, and the pauses between them."""
    wait: float = 3600.0
    """What a call waits for its turns in all: for its place among `concurrent_calls`, and for Klaviyo's rates before each
    request. A call whose turn is known to come later fails at once. An hour is enough for 9,000 opt-ins at once."""
    concurrent_calls: int = 512
    """How many calls of one client run at once. Others wait for their place."""
    requests: int = 1_100
    """Requests of one call."""
    request_bytes: int = 5_000_000
    """A request's body. The default is Klaviyo's own limit."""
    header_bytes: int = 16 << 10
    """A request's address and headers, and an answer's headers."""
    response_bytes: int = 10 << 20
    """An answer's body."""
    attempts: int = 4
    """The most attempts of one request, the first included."""
    connect: float = 5.0
    """Making a connection: the name, the address, TLS."""
    attempt: float = 20.0
    """One attempt, from its start to the last byte of the answer."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and isinstance(value, float):
                raise ConfigurationError(f"Limits.{field.name}: expected int, got {found(value)}")
            positive(f"Limits.{field.name}", value)


def positive(name: str, value: float) -> float:
    """The number, which is one that a limit can have."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigurationError(f"{name}: expected a number, got {found(value)}")
    if not 0 < value < 1 << 40:
        raise ConfigurationError(f"{name}: expected a number above 0, and below 2 to the 40th, got {value}")
    return value
