"""The clock that interrupts what computes for too long."""

from __future__ import annotations

import threading
import time

from wasmtime import Engine

TICK = 0.01

# How long the thread waits for another call before it ends.
_IDLE = 1.0


class Ticker:
    """Advances the engine's clock while there are calls. Without it nothing would interrupt one that computes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._change = threading.Condition()
        self._calls = 0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        with self._change:
            self._calls += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="klaviyo-ticker", daemon=True)
                self._thread.start()
            self._change.notify()

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._calls -= 1

    def _run(self) -> None:
        while True:
            with self._change:
                if not self._change.wait_for(lambda: self._calls, _IDLE):
                    self._thread = None
                    return
            self._engine.increment_epoch()
            time.sleep(TICK)
