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
    """A call in all, once it has its place among `concurrent_calls`: waiting for Klaviyo's rates, computing, all attempts of
    all requests, and the pauses between them."""
    concurrent_calls: int = 64
    """How many calls of one client run at once. Others wait for their place as long as it takes."""
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
            value, kinds = getattr(self, field.name), (int, float) if field.type == "float" else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise ConfigurationError(f"Limits.{field.name}: expected {field.type}, got {found(value)}")
            if not 0 < value < 1 << 40:
                sentence = "expected a number above 0, and below 2 to the 40th"
                raise ConfigurationError(f"Limits.{field.name}: {sentence}, got {value}")
