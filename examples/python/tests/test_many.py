"""Many accounts in one process, and many calls: what they cost."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from servers import NOBODY, Server

from klaviyo_connector import Email, Klaviyo

COMMON = """
import sys, time
from klaviyo_connector import Email, HttpResponse, Klaviyo

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

class Nobody:
    body = b'{"data":[]}'
    def send(self, request, bounds):
        return HttpResponse(200, (), self.body)
    def close(self):
        pass
"""


def run(program: str, component: Path) -> None:
    command = [sys.executable, "-c", COMMON + program, str(component)]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)})
    assert done.returncode == 0, done.stderr


def test_what_another_account_costs(component: Path) -> None:
    """One megabyte and five milliseconds of computing, at most, with its first call."""
    program = """
clients = []
for number in range(51):
    klaviyo = Klaviyo(f"pk_{number:08}", transport=Nobody(), component=sys.argv[1])
    klaviyo.lookup(Email("priya@example.com"))
    clients.append(klaviyo)
    if number == 0:
        memory, begin = resident(), time.process_time()
memory, taken = (resident() - memory) / 50, (time.process_time() - begin) / 50
assert memory < 1_000_000 and taken < 0.005, (memory, taken)
"""
    run(program, component)


def test_memory_comes_back(component: Path) -> None:
    program = """
Nobody.body = b'{"data":[],"x":"' + b"y" * 500_000 + b'"}'
klaviyo = Klaviyo("pk_test", transport=Nobody(), component=sys.argv[1])
def call(times):
    for _ in range(times):
        klaviyo.lookup(Email("priya@example.com"))
call(20)
before = resident()
call(60)
assert resident() - before < 30_000_000, (before, resident())
"""
    run(program, component)


def test_connections_that_are_not_kept_are_closed_without_a_warning(
    component: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """urllib3 would warn of each of them, once for each call above 32 at once."""
    calls = 40
    together = threading.Barrier(calls, timeout=20)

    def answer(connection: object, _: bytes) -> None:
        # All of them are sent before the first is answered.
        together.wait()
        connection.sendall(NOBODY)  # type: ignore[attr-defined]

    with Server(answer) as server, Klaviyo("pk_test", endpoint=server.url, component=component) as klaviyo:
        with caplog.at_level(logging.WARNING), ThreadPoolExecutor(calls) as pool:
            found = list(pool.map(klaviyo.lookup, [Email("priya@example.com")] * calls))
        assert found == [None] * calls
        assert [record.getMessage() for record in caplog.records] == []
