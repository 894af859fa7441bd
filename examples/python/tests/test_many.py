"""Many accounts in one process, and many calls: what they cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
