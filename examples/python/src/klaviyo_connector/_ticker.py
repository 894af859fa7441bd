"""The clock that interrupts what computes for too long."""

from __future__ import annotations

import _thread
import threading
import time

from wasmtime import Engine

from . import _brief

TICK = 0.01

# How long the thread waits for another call before it ends.
_IDLE = 1.0


class Ticker:
    """Advances the engine's clock while there are calls. Without it nothing would interrupt one that computes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._change = threading.Condition()
        self._calls = 0
        self._runs = False

    def __enter__(self) -> None:
        with self._change:
            if self._runs:
                self._change.notify()
            else:
                # Not `threading.Thread`, whose `start` waits until the thread runs: most calls have ended by then.
                _thread.start_new_thread(self._run, ())
                self._runs = True
            # Not before there is a thread: a system may have none to give.
            self._calls += 1

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._calls -= 1

    def _run(self) -> None:
        engine = self._engine.ptr()
        while True:
            time.sleep(TICK)
            with self._change:
                if not self._change.wait_for(lambda: self._calls, _IDLE):
                    self._runs = False
                    return
            _brief.increment_epoch(engine)
