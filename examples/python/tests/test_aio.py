"""The functions for asyncio."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from pathlib import Path

import awaited
import pytest
from replay import METHODS
from servers import NOBODY, Server, Simulator, sends
from test_pace import Slow

from klaviyo_connector import AsyncKlaviyo, Email, InvalidInput, Klaviyo, Limits, NewProfile, Pace, TimedOut

KEY = "pk_canary_9d1f0c7e5b3a8642"
PRIYA = Email("priya@example.com")


def test_the_same_functions() -> None:
    for method in METHODS.values():
        own = getattr(AsyncKlaviyo, method.__name__)
        assert inspect.iscoroutinefunction(own) and own.__doc__ == method.__doc__
        assert inspect.signature(own) == inspect.signature(method)
    assert inspect.signature(AsyncKlaviyo) == inspect.signature(Klaviyo)


def test_the_methods_are_those_of_klaviyo() -> None:
    """`python tests/awaited.py` writes them."""
    for file, text in awaited.files():
        assert file.read_text() == text, file


def test_opt_in(simulator: Simulator, component: Path) -> None:
    async def main() -> None:
        async with AsyncKlaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
            with klaviyo.usage() as usage:
                people = [NewProfile(email=f"contact{number}@example.com") for number in range(5)]
                receipts = await asyncio.gather(*(klaviyo.opt_in(person, "Y6nRLr") for person in people))
                assert len({receipt.profile_id for receipt in receipts}) == 5
                assert await klaviyo.lookup(PRIYA) is None
                with pytest.raises(InvalidInput) as refused:
                    await klaviyo.lookup(Email("nobody"))
                assert refused.value.usage is not None and refused.value.usage.requests == 0
            # The tasks of `gather` began in it.
            assert usage.requests == 16
        with pytest.raises(RuntimeError):
            await klaviyo.lookup(PRIYA)

    asyncio.run(main())


def test_options_of_one_call(component: Path) -> None:
    async def main() -> None:
        async with AsyncKlaviyo(KEY, transport=Slow(0), component=component) as klaviyo:
            with pytest.raises(TimedOut, match="timeout of 0.0001 s"):
                await klaviyo.with_options(timeout=0.0001).lookup(PRIYA)
            assert await klaviyo.lookup(PRIYA) is None

    asyncio.run(main())


def test_the_loop_goes_on(component: Path) -> None:
    async def main() -> None:
        limits = Limits(concurrent_calls=20)
        slow = Slow(0.3)
        async with AsyncKlaviyo(
            KEY, transport=slow, component=component, limits=limits, pace=Pace.unlimited()
        ) as klaviyo:
            calls = asyncio.gather(*(klaviyo.lookup(PRIYA) for _ in range(40)))
            turns = 0
            while not calls.done():
                await asyncio.sleep(0.01)
                turns += 1
            assert await calls == [None] * 40
            assert slow.most == 20 and turns > 10

    asyncio.run(main())


def test_cancelling_a_request(component: Path) -> None:
    """The connection is given up, and the place is free."""
    asked, gone = threading.Event(), threading.Event()
    silent = True

    def answer(connection: object, request: bytes) -> None:
        if not silent:
            return sends(NOBODY)(connection, request)  # type: ignore[arg-type]
        asked.set()
        assert connection.recv(1) == b""  # type: ignore[attr-defined]
        gone.set()

    async def main(url: str) -> None:
        nonlocal silent
        limits = Limits(concurrent_calls=1)
        async with AsyncKlaviyo(KEY, endpoint=url, component=component, limits=limits) as klaviyo:
            call = asyncio.create_task(klaviyo.lookup(PRIYA))
            behind = asyncio.create_task(klaviyo.lookup(PRIYA))
            await asyncio.to_thread(asked.wait, 10)
            behind.cancel()
            call.cancel()
            for task in (call, behind):
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await asyncio.to_thread(gone.wait, 10)
            silent = False
            assert await klaviyo.lookup(PRIYA) is None

    with Server(answer) as server:
        begin = time.monotonic()
        asyncio.run(main(server.url))
        assert time.monotonic() - begin < 10
        assert len(server.requests) == 2


def test_a_timeout_of_asyncio_s_cancels_what_waits_for_the_rates(component: Path) -> None:
    limited = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n"

    async def main(url: str) -> None:
        async with AsyncKlaviyo(KEY, endpoint=url, component=component) as klaviyo:
            for _ in range(2):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(klaviyo.lookup(PRIYA), 1)
            threads = [thread for thread in threading.enumerate() if thread.name.startswith("klaviyo-call")]
        for thread in threads:
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()

    with Server(sends(limited)) as server:
        begin = time.monotonic()
        asyncio.run(main(server.url))
        assert time.monotonic() - begin < 15
        assert len(server.requests) == 1
