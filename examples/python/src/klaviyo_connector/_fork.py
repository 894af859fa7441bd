"""What a forked process does anew: threads, locks and connections are not its own."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """What knows how to begin again in the child."""

    def after_fork(self) -> None:
        """Called in the child, where nothing else runs. A lock that a thread of the parent held is held for ever."""


_known: weakref.WeakSet[Forked] = weakref.WeakSet()


def renew(each: Forked) -> None:
    """Has `after_fork` called in each child of this process, for as long as the object lives."""
    _known.add(each)


def _after_fork() -> None:
    for each in list(_known):
        each.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
