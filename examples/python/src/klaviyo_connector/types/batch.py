"""The results of calls with many items."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Detail, KlaviyoError


@dataclass(frozen=True)
class Refusal:
    """An item of a call that was left out of it, and why."""

    index: int
    """Its position in the argument, from 0."""
    reason: Detail
    """With the code ``invalid-input`` it is the connector's, else Klaviyo's."""


@dataclass(frozen=True)
class BatchResult:
    """What became of many items. Look at ``refused`` and ``stopped`` also after success."""

    accepted: int
    """How many Klaviyo accepted. It works on them later, and does not report the end."""
    refused: tuple[Refusal, ...]
    """The items that were not sent, or that Klaviyo refused."""
    warnings: tuple[str, ...]
    """What Klaviyo took only in part, one sentence each."""
    stopped: KlaviyoError | None
    """Why those from position ``stopped.done`` on were not sent. ``None``: all of them were sent or refused."""
