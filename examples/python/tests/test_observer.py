"""What an observer hears, for metrics."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from servers import NOBODY, Server, Simulator, http, sends
from test_pace import Slow

from klaviyo_connector import (
    AsyncKlaviyo,
    Attempt,
    Call,
    ConnectionFailed,
    Email,
    InvalidInput,
    Klaviyo,
    Limits,
    NewProfile,
    NotFound,
    Pace,
    TimedOut,
)

KEY = "pk_canary_9d1f0c7e5b3a8642"
PRIYA = Email("priya@example.com")


class Heard:
    def __init__(self) -> None:
        self.all: list[Attempt | Call] = []

    def __call__(self, told: Attempt | Call) -> None:
        self.all.append(told)

    def attempts(self) -> list[Attempt]:
        return [each for each in self.all if isinstance(each, Attempt)]

    def calls(self) -> list[Call]:
        return [each for each in self.all if isinstance(each, Call)]


def test_an_opt_in(simulator: Simulator, component: Path) -> None:
    heard = Heard()
    contact = NewProfile(email="priya@example.com", first_name="Priya")
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component, observer=heard) as klaviyo:
        receipt = klaviyo.opt_in(contact, "Y6nRLr")
        with pytest.raises(NotFound):
            klaviyo.with_options(timeout=30).opt_in(contact, "NoList")
    asked = [(each.function, each.method, each.endpoint, each.number, each.status) for each in heard.attempts()]
    assert asked == [
        ("contacts.opt-in", "GET", "get profiles", 1, 200),
        ("contacts.opt-in", "POST", "create profile", 1, 201),
        ("contacts.opt-in", "POST", "add to list", 1, 204),
        ("contacts.opt-in", "GET", "get profiles", 1, 200),
        ("contacts.opt-in", "POST", "add to list", 1, 404),
    ]
    assert [(each.function, each.error, each.usage.attempts) for each in heard.calls()] == [
        ("contacts.opt-in", None, 3),
        ("contacts.opt-in", "not-found", 2),
    ]
    for each in heard.attempts():
        assert each.failure is None and each.repeat_in is None and 0 <= each.paced and 0 < each.took
    assert all(each.took > 0 for each in heard.calls())
    # A call is told behind its attempts.
    assert isinstance(heard.all[3], Call) and isinstance(heard.all[-1], Call)
    told = repr(heard.all).lower()
    for secret in (simulator.key, "priya", receipt.profile_id.lower(), "nolist", "y6nrlr"):
        assert secret not in told


def test_repeats_and_failures(component: Path) -> None:
    heard = Heard()
    limited = http(b"{}", "HTTP/1.1 429 Too Many Requests")
    answers = iter([limited, NOBODY])
    with Server(lambda connection, _: connection.sendall(next(answers))) as server:
        with Klaviyo(KEY, endpoint=server.url, component=component, observer=heard) as klaviyo:
            assert klaviyo.lookup(PRIYA) is None
            with pytest.raises(InvalidInput):
                klaviyo.lookup(Email("nobody"))
            with pytest.raises(TypeError):
                klaviyo.lookup("nobody")  # type: ignore[arg-type]
    first, second = heard.attempts()
    assert (first.number, first.status, second.number, second.status) == (1, 429, 2, 200)
    assert first.repeat_in is not None and first.repeat_in >= 0.5 and second.repeat_in is None
    found, refused, mistaken = heard.calls()
    assert found.usage.attempts == 2 and found.usage.requests == 1 and found.usage.waited >= first.repeat_in
    assert found.took >= found.usage.waited
    assert (refused.error, refused.usage.requests) == ("invalid-input", 0)
    assert (mistaken.error, mistaken.usage.requests) == ("other", 0)

    heard = Heard()
    once = Limits(attempts=1)
    with Klaviyo(KEY, endpoint=server.url, component=component, observer=heard, limits=once) as klaviyo:
        with pytest.raises(ConnectionFailed):
            klaviyo.lookup(PRIYA)
    with Server(sends(NOBODY[:-5], close=True)) as server:
        with Klaviyo(KEY, endpoint=server.url, component=component, observer=heard, limits=once) as klaviyo:
            with pytest.raises(ConnectionFailed):
                klaviyo.lookup(PRIYA)
    assert [(each.status, each.failure) for each in heard.attempts()] == [(None, "unreachable"), (None, "connection")]
    assert [each.error for each in heard.calls()] == ["connection"] * 2


def test_no_turn_at_klaviyo_s_rates(component: Path) -> None:
    heard = Heard()
    limits = Limits(wait=0.5)
    with Klaviyo(KEY, transport=Slow(0), component=component, observer=heard, limits=limits) as klaviyo:
        with pytest.raises(TimedOut):
            # The limit is less than a window.
            for _ in range(9):
                klaviyo.lists_of_profile("01GMTZY2TEKN4KFRP30JZ59KGB")
    assert heard.attempts()[-1].failure == "no-turn"
    assert heard.calls()[-1].error == "timeout"


def test_a_call_that_is_cancelled(component: Path) -> None:
    heard, ended = Heard(), threading.Event()

    def observer(told: Attempt | Call) -> None:
        heard(told)
        ended.set()

    asked = threading.Event()

    def answer(connection: Any, _: bytes) -> None:
        asked.set()
        connection.recv(1)

    async def main(url: str) -> None:
        async with AsyncKlaviyo(KEY, endpoint=url, component=component, observer=observer) as klaviyo:
            call = asyncio.create_task(klaviyo.lookup(PRIYA))
            await asyncio.to_thread(asked.wait, 10)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await asyncio.to_thread(ended.wait, 10)

    with Server(answer) as server:
        asyncio.run(main(server.url))
    assert [each.error for each in heard.calls()] == ["cancelled"]


def test_an_observer_that_fails(component: Path, caplog: pytest.LogCaptureFixture) -> None:
    def observer(told: Attempt | Call) -> None:
        raise ValueError(type(told).__name__)

    with Klaviyo(KEY, transport=Slow(0), component=component, observer=observer, pace=Pace.unlimited()) as klaviyo:
        with caplog.at_level(logging.ERROR, "klaviyo_connector"):
            assert klaviyo.lookup(PRIYA) is None
    told = [record.exc_info[1].args for record in caplog.records if record.exc_info and record.exc_info[1]]
    assert told == [("Attempt",), ("Call",)]
    assert KEY not in caplog.text
