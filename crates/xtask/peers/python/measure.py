"""Measures one client of Klaviyo in this process, and prints one line of JSON.

    python measure.py official|official_async|own|own_async MEASURE [NUMBER]

KLAVIYO_ENDPOINT and KLAVIYO_API_KEY are those of a simulator; KLAVIYO_KEYS are more keys; KLAVIYO_FAST says that the
simulator has no rates.
"""

import asyncio
import gc
import importlib
import inspect
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LIST = "Y6nRLr"
WARM_UP = 50
# Calls until a process holds what it will hold.
SETTLED = 20
# Seconds after which a forked child hangs.
DEADLINE = 5
# Calls of a forked child by its parent's client.
FORKED = 10
# By then whoever would repeat a request three times has done so.
AFTERMATH = 6

PEER = sys.argv[1]
ENDPOINT = os.environ["KLAVIYO_ENDPOINT"]
Client = importlib.import_module(PEER).Client
IS_ASYNC = inspect.iscoroutinefunction(Client.lookup)


def client(key=os.environ["KLAVIYO_API_KEY"]):
    return Client(key, ENDPOINT, LIST, fast="KLAVIYO_FAST" in os.environ)


def state():
    with urllib.request.urlopen(f"{ENDPOINT}/_mock/state") as answer:
        return json.load(answer)


def email(n):
    return f"peer-{n}@example.com"


def found(klaviyo, n):
    """The id of whom a lookup finds."""
    profile = klaviyo.lookup(email(n))
    return getattr(profile, "id", profile)


def milliseconds(begin):
    return (time.perf_counter() - begin) * 1e3


def at_once(count, name):
    """Many calls at once, after a first one: how many are done, and when the last one ended. A client that blocks has a
    thread for each."""

    async def tasks():
        klaviyo = client()
        call = getattr(klaviyo, name)
        await klaviyo.lookup(email(0))
        begin = time.perf_counter()
        ended = await asyncio.gather(*(call(email(n)) for n in range(count)), return_exceptions=True)
        seconds = time.perf_counter() - begin
        await klaviyo.close()
        return [each for each in ended if isinstance(each, Exception)], seconds

    def threads():
        klaviyo = client()
        klaviyo.lookup(email(0))
        with ThreadPoolExecutor(count) as pool:
            begin = time.perf_counter()
            calls = [pool.submit(getattr(klaviyo, name), email(n)) for n in range(count)]
            failures = [failure for failure in (each.exception() for each in calls) if failure]
            seconds = time.perf_counter() - begin
        klaviyo.close()
        return failures, seconds

    failures, seconds = asyncio.run(tasks()) if IS_ASYNC else threads()
    if failures:
        print(f"{PEER}: the first failure: {str(failures[0]).splitlines()[0]}", file=sys.stderr)
    return {"done": count - len(failures), "seconds": seconds}


def resident():
    gc.collect()
    if (statm := Path("/proc/self/statm")).exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])) * 1024


def opt_ins(count):
    result = at_once(count, "opt_in")
    account = state()["accounts"][0]
    members = next(each["members"] for each in account["lists"] if each["id"] == LIST)
    return {**result, "orphans": len(account["profiles"]) - len(members)}


def calls(count):
    return at_once(count, "lookup")


def clients(_):
    keys = os.environ["KLAVIYO_KEYS"].split(",")
    kept = [client(keys[0])]
    for n in range(SETTLED):
        kept[0].lookup(email(n))
    before, times = resident(), []
    for key in keys[1:]:
        begin = time.perf_counter()
        klaviyo = client(key)
        times.append(milliseconds(begin))
        klaviyo.lookup(email(0))
        kept.append(klaviyo)
    megabytes = (resident() - before) / 1e6
    for klaviyo in kept:
        klaviyo.close()
    return {"megabytes": megabytes, "milliseconds": statistics.median(times)}


def cpu(count):
    warm_up, measured = [email(f"warm-{n}") for n in range(WARM_UP)], [email(n) for n in range(count)]

    async def tasks():
        klaviyo = client()
        for each in warm_up:
            await klaviyo.opt_in(each)
        before = time.process_time()
        for each in measured:
            await klaviyo.opt_in(each)
        used = time.process_time() - before
        await klaviyo.close()
        return used

    def blocking():
        klaviyo = client()
        for each in warm_up:
            klaviyo.opt_in(each)
        before = time.process_time()
        for each in measured:
            klaviyo.opt_in(each)
        used = time.process_time() - before
        klaviyo.close()
        return used

    return {"milliseconds": (asyncio.run(tasks()) if IS_ASYNC else blocking()) * 1e3 / count}


def first(_):
    """Whoever started this process looks at the clock when the line comes."""
    klaviyo = client()
    klaviyo.lookup(email(0))
    print("{}", flush=True)
    klaviyo.close()


def another(_):
    """A forked child looks somebody up by its parent's client, which was used, while the parent looks up somebody else by
    it, as the workers of a server do; then by one of its own."""
    klaviyo = client()
    known = []
    for n in range(2):
        klaviyo.opt_in(email(n))
        known.append(found(klaviyo, n))
    ended, end = os.pipe()
    begin = time.perf_counter()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            here = [*(found(klaviyo, 1) for _ in range(FORKED)), found(client(), 1)]
            code = int(set(here) != {known[1]})
        finally:
            os._exit(code)
    os.close(end)
    here = []
    # In a thread: it may wait for an answer that the child has read.
    beside = threading.Thread(target=lambda: here.extend(found(klaviyo, 0) for _ in range(FORKED)), daemon=True)
    beside.start()
    # The other end of the pipe is the child's alone.
    if not select.select([ended], [], [], DEADLINE)[0]:
        os.kill(child, signal.SIGKILL)
    took = milliseconds(begin)
    _, status = os.waitpid(child, 0)
    beside.join(DEADLINE)
    return {"works": status == 0 and here == [known[0]] * FORKED, "milliseconds": took}


def cancel(_):
    """The server answers 503, after a while; the call is cancelled before that."""

    def sent():
        return state()["faults"]["rules"][0]["requests"]

    async def call():
        klaviyo = client()
        task = asyncio.create_task(klaviyo.lookup(email(0)))
        while await asyncio.to_thread(sent) == 0:
            await asyncio.sleep(0.01)
        begin = time.perf_counter()
        task.cancel()
        ends = await asyncio.gather(task, return_exceptions=True)
        took = milliseconds(begin)
        await asyncio.sleep(AFTERMATH)
        after = sent() - 1
        await klaviyo.close()
        return {"ends": isinstance(ends[0], asyncio.CancelledError), "milliseconds": took, "after": after}

    return asyncio.run(call())


MEASURES = {
    "opt-ins": opt_ins,
    "calls": calls,
    "clients": clients,
    "cpu": cpu,
    "first": first,
    "another": another,
    "cancel": cancel,
}

result = MEASURES[sys.argv[2]](int(sys.argv[3]) if len(sys.argv) > 3 else 0)
if result:
    print(json.dumps(result))
