"""How fast requests go out."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import ConfigurationError


@dataclass(frozen=True)
class Pace:
    """How fast an account's requests go out: `Pace.published()`, which is the default, `Pace.times(…)` or
    `Pace.unlimited()`."""

    factor: int | None = 1
    """How many times the published rates. `None`: no rates."""

    @classmethod
    def published(cls) -> Pace:
        """The rates that Klaviyo publishes for each endpoint, and lower ones where its answers say so."""
        return cls(1)

    @classmethod
    def times(cls, factor: int) -> Pace:
        """This many times the published rates, for a simulator with higher ones."""
        if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
            raise ConfigurationError("Pace.times: expected a whole number, 1 or more")
        return cls(factor)

    @classmethod
    def unlimited(cls) -> Pace:
        """No rates. The answers still count: 429 holds the account's other calls."""
        return cls(None)
