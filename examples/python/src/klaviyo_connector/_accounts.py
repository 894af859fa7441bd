"""The pace of each account, which its clients share, and which outlives them."""

from __future__ import annotations

import hashlib
import threading
import weakref

from . import _fork
from ._pacer import Pacer
from ._secret import Secret
from .pace import Pace

# So many accounts are kept without a look at which of them need not be.
_FEW = 256

_Name = tuple[bytes, str, Pace]


class Accounts:
    """A program may make a client for each of its requests. So a pacer is kept until its windows are empty."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pacers: dict[_Name, Pacer] = {}
        self._most = _FEW
        _fork.renew(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def pacer(self, key: Secret, origin: str, pace: Pace) -> Pacer:
        """The pacer of the account with this key at this origin."""
        name = (hashlib.sha256(key.reveal().encode()).digest(), origin, pace)
        with self._lock:
            if name not in self._pacers:
                if len(self._pacers) >= self._most:
                    self._forget_idle()
                    self._most = max(2 * len(self._pacers), _FEW)
                self._pacers[name] = Pacer(pace)
            return self._pacers[name]

    def _forget_idle(self) -> None:
        for name in [name for name, pacer in self._pacers.items() if pacer.is_idle()]:
            pacer = weakref.ref(self._pacers.pop(name))
            # A client has it: the next client of the account has to share it.
            if (used := pacer()) is not None:
                self._pacers[name] = used


ACCOUNTS = Accounts()
