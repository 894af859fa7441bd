"""Python's lock: it is free while a call waits and while the component computes, and wasmtime is left as it is."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import NOBODY, Server, http

from klaviyo_connector import Email, Klaviyo, LimitExceeded, Limits

KEY = "pk_canary_9d1f0c7e5b3a8642"
PRIYA = Email("priya@example.com")


@contextmanager
def another_thread() -> Iterator[Callable[[], int]]:
    """A thread of Python's that goes on; gives how often it had its turn."""
    turns, done = 0, threading.Event()

    def run() -> None:
        nonlocal turns
        while not done.wait(0.005):
            turns += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield lambda: turns
    finally:
        done.set()
        thread.join()


def test_while_a_request_waits(component: Path) -> None:
    """The answer comes when the other thread has had its turns: with the lock held, never."""
    with another_thread() as turns:

        def answer(connection: object, _: bytes) -> None:
            begun = turns()
            until = time.monotonic() + 10
            while turns() < begun + 20:
                assert time.monotonic() < until
                time.sleep(0.005)
            connection.sendall(NOBODY)  # type: ignore[attr-defined]

        with Server(answer) as server, Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo:
            assert klaviyo.lookup(PRIYA) is None


def test_while_the_component_computes(hostile: Path) -> None:
    guest = hostile / "spin.wasm"
    with Klaviyo(KEY, component=guest, limits=Limits(cpu=1)) as klaviyo, another_thread() as turns:
        begun = turns()
        with pytest.raises(LimitExceeded, match="Limits.cpu"):
            klaviyo.lookup(PRIYA)
        # Some 200, where nothing else runs on this machine.
        assert turns() - begun >= 10


def test_while_a_pause_is_waited_for(component: Path) -> None:
    answers = iter([http(b"{}", "HTTP/1.1 429 Too Many Requests", "retry-after: 1"), NOBODY])
    with Server(lambda connection, _: connection.sendall(next(answers))) as server:
        with Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo:
            with another_thread() as turns, klaviyo.usage() as usage:
                assert klaviyo.lookup(PRIYA) is None
                assert turns() >= 10
    assert usage.waited >= 1


UNCHANGED = """
import sys, types, wasmtime, wasmtime.component, wasmtime._ffi

def everything():
    found = {}
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "wasmtime":
            for attribute, value in vars(module).items():
                found[name, attribute] = value
                if isinstance(value, type) and value.__module__.startswith("wasmtime"):
                    found.update(((name, attribute, member), each) for member, each in vars(value).items())
    return found

before = everything()
from klaviyo_connector import Email, Klaviyo
with Klaviyo("pk_canary_9d1f0c7e5b3a8642", endpoint=sys.argv[1], component=sys.argv[2]) as klaviyo:
    assert klaviyo.lookup(Email("priya@example.com")) is None
after = everything()
changed = {name for name, value in before.items() if after.get(name) is not value}
assert not changed, changed
"""


def test_wasmtime_is_left_as_it_is(component: Path) -> None:
    with Server(lambda connection, _: connection.sendall(NOBODY)) as server:
        environment = {"PYTHONPATH": ":".join(sys.path)}
        command = [sys.executable, "-c", UNCHANGED, server.url, str(component)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
