"""Forks: what must not be under way meanwhile, and what the child does anew. Threads, locks and connections are not its own.

A lock that a thread of the parent holds at the fork is held for ever in the child, and wasmtime has locks. The child goes on
with the parent's engine and code: what takes such a lock is not under way while a process forks. Only a trap is not held off,
which reads the list of all code; a child writes to that list when it compiles another component, and not otherwise.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import AbstractContextManager
from typing import Protocol


class Forked(Protocol):
    """What knows how to begin again in the child."""

    def after_fork(self) -> None:
        """Called in the child, where nothing else runs. A lock that a thread of the parent held is held for ever."""


_known: weakref.WeakSet[Forked] = weakref.WeakSet()

# A thread may fork while it has it: in a signal's handler, which runs between two steps of Python and not within one.
_lock = threading.RLock()


def renew(each: Forked) -> None:
    """Has `after_fork` called in each child of this process, for as long as the object lives."""
    _known.add(each)


def held_off() -> AbstractContextManager[bool]:
    """No fork while this is open. It is short, since one may wait for it."""
    return _lock


def _before_fork() -> None:
    _lock.acquire()


def _after_fork_in_parent() -> None:
    _lock.release()


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    for each in list(_known):
        each.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork)
