"""How fast requests go out."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import ConfigurationError, found


@dataclass(frozen=True)
class Pace:
    """How fast an account's requests go out: `Pace.published()`, which is the default, `Pace.times(…)` or
    `Pace.unlimited()`."""

    factor: int | None = 1
    """How many times the published rates. `None`: no rates."""

    def __post_init__(self) -> None:
        given = self.factor
        if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
            shown = given if isinstance(given, int) else found(given)
            raise ConfigurationError(f"Pace.factor: expected a whole number, 1 or more, or None, got {shown}")

    @classmethod
    def published(cls) -> Pace:
        """The rates that Klaviyo publishes for each endpoint, and lower ones where its answers say so."""
        return cls(1)

    @classmethod
    def times(cls, factor: int) -> Pace:
        """This many times the published rates, for a simulator with higher ones."""
        return cls(factor)

    @classmethod
    def unlimited(cls) -> Pace:
        """No rates. The answers still count: 429 holds the account's other calls."""
        return cls(None)
