"""Guests that misbehave on purpose (host-test/hostile), one behaviour each: what is meant to stop them does, and the
call after them goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from servers import Server, sends

from klaviyo_connector import (
    Bounds,
    ComponentError,
    Denied,
    Email,
    HttpRequest,
    HttpResponse,
    Klaviyo,
    KlaviyoError,
    LimitExceeded,
    Limits,
    NewProfile,
    TimedOut,
    TooLarge,
    Trapped,
)

KEY = "pk_canary_9d1f0c7e5b3a8642"


class Recorder:
    """A transport that keeps what was sent, and answers all of it alike."""

    def __init__(self, answer: Callable[[], HttpResponse] = lambda: HttpResponse(200, (), b"")) -> None:
        self.sent: list[HttpRequest] = []
        self._answer = answer

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        self.sent.append(request)
        return self._answer()

    def close(self) -> None:
        pass


def call(file: Path, limits: Limits | None = None) -> tuple[KlaviyoError | None, Recorder]:
    recorder = Recorder()
    with Klaviyo(KEY, transport=recorder, limits=limits, component=file) as klaviyo:
        try:
            klaviyo.lookup(Email("priya@example.com"))
        except KlaviyoError as error:
            assert KEY not in f"{error!r} {error} {vars(error)}"
            return error, recorder
        return None, recorder


@pytest.mark.parametrize(
    ("guest", "limits", "limit"),
    [
        ("spin", Limits(cpu=0.2), "cpu"),
        ("spin-between", Limits(cpu=0.2, requests=1_000_000), "cpu"),
        ("start", Limits(cpu=0.2), "cpu"),
        ("recurse", Limits(), "stack"),
        ("denied-flood", Limits(), "requests"),
        ("hand-over", Limits(), "request_bytes"),
    ],
)
def test_stopped_by_a_limit(hostile: Path, guest: str, limits: Limits, limit: str) -> None:
    begin = time.monotonic()
    error, _ = call(hostile / f"{guest}.wasm", limits)
    assert time.monotonic() - begin < 5
    assert isinstance(error, LimitExceeded) and error.limit == limit
    assert f"Limits.{limit}" in str(error)


@pytest.mark.parametrize("guest", ["spin", "start"])
def test_stopped_by_the_time_of_the_call(hostile: Path, guest: str) -> None:
    begin = time.monotonic()
    error, _ = call(hostile / f"{guest}.wasm", Limits(time=0.2))
    assert time.monotonic() - begin < 3
    assert isinstance(error, TimedOut) and error.code == "timeout" and "Limits.time" in str(error)


@pytest.mark.parametrize("guest", ["grow-memory", "grow-table", "bad-result", "bad-text", "trap"])
def test_traps(hostile: Path, guest: str) -> None:
    error, _ = call(hostile / f"{guest}.wasm")
    assert isinstance(error, Trapped) and error.code == "other"


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        (Limits(memory=65_536), Trapped),
        (Limits(table_elements=1), Trapped),
        (Limits(stack=512), LimitExceeded),
        (Limits(cpu=0.0001), LimitExceeded),
        (Limits(time=0.0001), TimedOut),
    ],
)
def test_the_connector_itself_is_held_to_the_limits(component: Path, limits: Limits, kind: type[KlaviyoError]) -> None:
    error, _ = call(component, limits)
    assert type(error) is kind and "Limits." in str(error)


def test_memory_that_is_allowed(component: Path) -> None:
    large = [NewProfile(email="priya@example.com", first_name="x" * (70 << 20))]
    nobody = HttpResponse(200, (), b'{"data":[]}')
    for limits, traps in ((Limits(), True), (Limits(memory=400 << 20), False)):
        with Klaviyo(KEY, transport=Recorder(lambda: nobody), limits=limits, component=component) as klaviyo:
            expected: AbstractContextManager[object] = nullcontext()
            if traps:
                expected = pytest.raises(Trapped, match="Limits.memory")
            with expected:
                assert [refusal.index for refusal in klaviyo.check_import(large)] == [0]
            assert klaviyo.find_list("x") is None


def test_an_answer_that_the_memory_has_no_place_for(component: Path) -> None:
    large = HttpResponse(200, (), b'{"data":[],"x":"' + b"y" * 5_000_000 + b'"}')
    for limits, traps in ((Limits(memory=4 << 20), True), (Limits(), False)):
        with Klaviyo(KEY, transport=(recorder := Recorder(lambda: large)), limits=limits, component=component) as klaviyo:
            with pytest.raises(Trapped, match="Limits.memory") if traps else nullcontext():
                assert klaviyo.lookup(Email("priya@example.com")) is None
        assert len(recorder.sent) == 1


def test_requests_are_counted(hostile: Path) -> None:
    error, recorder = call(hostile / "flood.wasm", Limits(requests=25))
    assert isinstance(error, Denied) and "Limits.requests" in str(error)
    assert len(recorder.sent) == 25


@pytest.mark.parametrize(
    ("guest", "limit", "enough"),
    [
        ("large-header", "header_bytes", Limits(header_bytes=100_000)),
        ("large-url", "header_bytes", Limits(header_bytes=100_000)),
        ("many-headers", "header_bytes", None),
    ],
)
def test_too_large(hostile: Path, guest: str, limit: str, enough: Limits | None) -> None:
    error, recorder = call(hostile / f"{guest}.wasm")
    assert isinstance(error, TooLarge) and f"Limits.{limit}" in str(error)
    assert recorder.sent == []
    if enough is not None:
        error, recorder = call(hostile / f"{guest}.wasm", enough)
        assert error is None and len(recorder.sent) == 1


def test_request_bytes(component: Path) -> None:
    ids = ["0" * 900] * 100
    for limit, sent in ((80_000, 0), (120_000, 1)):
        recorder = Recorder(lambda: HttpResponse(204, (), b""))
        with Klaviyo(KEY, transport=recorder, limits=Limits(request_bytes=limit), component=component) as klaviyo:
            expected: AbstractContextManager[object] = nullcontext()
            if sent == 0:
                expected = pytest.raises(TooLarge, match="Limits.request_bytes")
            with expected:
                klaviyo.subscribe("Y6nRLr", ids)
        assert len(recorder.sent) == sent


@pytest.mark.parametrize(
    "guest",
    [
        *("header-injection", "header-name-injection", "scheme-injection", "own-authorization", "own-host"),
        *("own-length", "plain-http", "other-host", "other-port", "other-scheme", "user-information", "ip-address"),
        *("odd-ip-address", "backslash", "private-name", "other-function"),
    ],
)
def test_denied(hostile: Path, guest: str) -> None:
    error, recorder = call(hostile / f"{guest}.wasm")
    assert isinstance(error, Denied)
    assert recorder.sent == []


def test_a_trap_ends_its_own_call_and_no_other(hostile: Path) -> None:
    recorder = Recorder()
    with Klaviyo(KEY, transport=recorder, component=hostile / "trap.wasm") as klaviyo:
        for times in range(1, 6):
            with pytest.raises(Trapped):
                klaviyo.lookup(Email("priya@example.com"))
            assert len(recorder.sent) == times


def test_nothing_is_left_of_one_call_in_the_next(hostile: Path) -> None:
    with Klaviyo(KEY, transport=Recorder(), component=hostile / "remember.wasm") as klaviyo:
        for _ in range(5):
            assert klaviyo.lookup(Email("priya@example.com")) is None


def test_calls_that_are_stopped_do_not_touch_those_beside_them(hostile: Path, component: Path) -> None:
    url = "https://a.klaviyo.com/api/profiles/"
    nobody = HttpResponse(200, (), b'{"data":[]}')
    with (
        Klaviyo(KEY, transport=Recorder(), limits=Limits(cpu=0.1), component=hostile / "spin.wasm") as spinning,
        Klaviyo(KEY, transport=(recorder := Recorder(lambda: nobody)), component=component) as klaviyo,
        ThreadPoolExecutor(6) as pool,
    ):
        stopped = [pool.submit(spinning.lookup, Email("priya@example.com")) for _ in range(6)]
        answered = [pool.submit(klaviyo.lookup, Email("priya@example.com")) for _ in range(60)]
        assert {type(each.exception()) for each in stopped} == {LimitExceeded}
        assert {each.result() for each in answered} == {None}
    assert len(recorder.sent) == 60 and all(request.url.startswith(url) for request in recorder.sent)


def test_redirects_of_the_guest_s_own(hostile: Path) -> None:
    with Server(sends(b"")) as target:
        found = f"HTTP/1.1 302 Found\r\nlocation: {target.url}/api/lists/\r\ncontent-length: 0\r\n\r\n"
        with Server(sends(found.encode())) as server:
            with Klaviyo(KEY, endpoint=server.url, component=hostile / "follow-redirect.wasm") as klaviyo:
                with pytest.raises(Denied):
                    klaviyo.lookup(Email("priya@example.com"))
        assert (len(server.requests), target.connections) == (1, 0)


def test_a_component_that_imports_more_is_not_run(hostile: Path) -> None:
    with pytest.raises(ComponentError, match="secrets"):
        Klaviyo(KEY, component=hostile / "more-imports.wasm")


@pytest.mark.parametrize("text", [b"", b"not wasm", b"\0asm\1\0\0\0", b"(component)"])
def test_files_that_are_not_the_connector(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "other.wasm"
    file.write_bytes(text)
    with pytest.raises(ComponentError):
        Klaviyo(KEY, component=file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match="`component`"):
        Klaviyo(KEY, component=tmp_path / "none.wasm")
