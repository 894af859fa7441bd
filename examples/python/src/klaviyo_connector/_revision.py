"""Revisions of Klaviyo's API that answer in place of those that were asked for."""

from __future__ import annotations

import re
import threading

from . import _fork

# The most pairs of revisions that a client warns of. Klaviyo has about eight revisions at a time.
_PAIRS = 64

# A revision that is shown, perhaps with a suffix such as `.pre`.
_REVISION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(\.[0-9A-Za-z-]{1,13})?")


class RevisionWarning(UserWarning):
    """Klaviyo answers by another revision of its API than the one that was asked for, which is retired or unknown.
    Update the connector."""


class RevisionNotes:
    """What a client has warned of, so that it gives each warning once."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        _fork.renew(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def warning(self, asked: str, served: str) -> str | None:
        """What to warn of; none where the two are the same, are no revisions, or this client has warned of them."""
        if asked == served or not _REVISION.fullmatch(asked) or not _REVISION.fullmatch(served):
            return None
        with self._lock:
            if (asked, served) in self._told or len(self._told) >= _PAIRS:
                return None
            self._told.add((asked, served))
        return (
            f"Klaviyo answers by another API revision ({served}) than the one that was asked for ({asked}), which is "
            "retired or unknown; update the connector"
        )
