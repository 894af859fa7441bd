"""The key is looked for wherever it must not be."""

from __future__ import annotations

import copy
import logging
import pickle
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from servers import NOBODY, Server, http, sends

from klaviyo_connector import (
    AsyncKlaviyo,
    Bounds,
    ConfigurationError,
    Email,
    HttpRequest,
    HttpResponse,
    Klaviyo,
    KlaviyoError,
    TransportFailure,
)

KEY = "pk_Canary_9d1f0c7e5b3a8642"


def told(error: BaseException) -> str:
    """All that can be printed of an error, the variables of every frame included; but not the test's own frame, which
    is where the key comes from."""
    assert error.__traceback__ is not None
    inner = error.__traceback__.tb_next
    chain = traceback.TracebackException(type(error), error, inner, capture_locals=True)
    return "".join(chain.format()) + repr(error) + str(vars(error))


def raised(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("it did not fail")


def test_printing(component: Path) -> None:
    with Klaviyo(KEY, component=component) as klaviyo:
        secret = vars(klaviyo)["_key"]
        for text in (f"{klaviyo!r} {klaviyo} {vars(klaviyo)}", f"{secret!r} {secret} {secret:}", str(dir(secret))):
            assert KEY not in text
        assert not hasattr(secret, "__dict__")
        for dump in (pickle.dumps, copy.copy, copy.deepcopy):
            for value in (secret, klaviyo):
                if not (value is klaviyo and dump is copy.copy):
                    assert isinstance(raised(lambda: dump(value)), TypeError)
    request = HttpRequest("GET", "https://h/", (("authorization", f"Klaviyo-API-Key {KEY}"),), b"")
    assert KEY not in repr(request)


@pytest.mark.parametrize("key", ["", " \n", f"{KEY} x", f"{KEY}\r\nx: y", f"{KEY}\0", f"{KEY}é", KEY.encode(), 7])
def test_keys_that_are_none(component: Path, key: Any) -> None:
    error = raised(lambda: Klaviyo(key, component=component))
    assert type(error) is ConfigurationError and isinstance(error, KlaviyoError)
    assert "key" in str(error)
    # The lambda's frame has it, as it is the test's; those below it have not.
    assert error.__traceback__ is not None and error.__traceback__.tb_next is not None
    error.__traceback__ = error.__traceback__.tb_next
    assert KEY not in told(error)


def test_the_key_of_the_environment(component: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KLAVIYO_API_KEY", raising=False)
    with pytest.raises(ValueError, match="KLAVIYO_API_KEY"):
        Klaviyo(component=component)
    monkeypatch.setenv("KLAVIYO_API_KEY", f"{KEY}\n")
    with Server(sends(NOBODY)) as server:
        with Klaviyo(endpoint=server.url, component=component) as klaviyo:
            klaviyo.lookup(Email("priya@example.com"))
        assert f"authorization: Klaviyo-API-Key {KEY}\r\n".encode() in server.requests[0]


def test_white_space_around_the_key(component: Path) -> None:
    with Server(sends(NOBODY)) as server:
        with Klaviyo(f" {KEY}\n", endpoint=server.url, component=component) as klaviyo:
            klaviyo.lookup(Email("priya@example.com"))
        assert f"authorization: Klaviyo-API-Key {KEY}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize("make", [Klaviyo, AsyncKlaviyo])
def test_construction_that_fails(component: Path, make: Any) -> None:
    for name, value in {
        **{"endpoint": "ftp://x", "component": "/nowhere", "limits": 7, "transport": 7, "observer": 7},
        **{"trust_env": 7, "pace": 7, "api": 7, "tiemout": 7},
    }.items():
        arguments: dict[str, Any] = {"component": component, name: value}
        error = raised(lambda: make(KEY, **arguments))
        assert name in str(error) and KEY not in told(error)
        assert isinstance(error, TypeError if name == "tiemout" else KlaviyoError)


def echo(connection: socket.socket, request: bytes) -> None:
    """Sends back what it got, in the body and in a header, also in small and in a header's name."""
    line = request.replace(b"\r\n", b" ").decode()
    body = f'{{"errors":[{{"code":"x","title":"{KEY}","detail":"{line}"}}]}}'.encode()
    headers = (f"x-echo: {line}", f"{KEY}: {KEY.lower()} {KEY}", f"x-request-id: {KEY}", f"retry-after: {KEY}")
    connection.sendall(http(body, f"HTTP/1.1 401 {KEY}", *headers))


def echo_garbage(connection: socket.socket, request: bytes) -> None:
    connection.sendall(http(b"{}", "HTTP/1.1 200 OK", f"no header {KEY}"))


def echo_status(connection: socket.socket, request: bytes) -> None:
    connection.sendall(f"HTTP/1.1 {KEY} {KEY}\r\n{KEY}\r\n\r\n".encode())


def echo_location(connection: socket.socket, request: bytes) -> None:
    connection.sendall(http(b"", "HTTP/1.1 302 Found", f"location: https://{KEY}.example.com/{KEY}"))


@pytest.mark.parametrize("answer", [echo, echo_garbage, echo_status, echo_location])
def test_a_server_that_sends_the_key_back(
    component: Path, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    with caplog.at_level(logging.DEBUG), Server(answer) as server:
        with Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo:
            error = raised(lambda: klaviyo.lookup(Email("priya@example.com")))
        assert KEY.encode() in server.requests[0]
    assert isinstance(error, KlaviyoError)
    assert KEY not in told(error) and KEY.lower() not in told(error)
    assert KEY not in caplog.text


def test_the_key_is_not_in_the_guest_s_memory(hostile: Path) -> None:
    bodies = []

    def mirror(connection: socket.socket, request: bytes) -> None:
        bodies.append(request.partition(b"\r\n\r\n")[2])
        echo(connection, request.partition(b"\r\n\r\n")[0])

    with Server(mirror) as server, Klaviyo(KEY, endpoint=server.url, component=hostile / "mirror.wasm") as klaviyo:
        klaviyo.lookup(Email("priya@example.com"))
    # The whole memory, after an answer with the key in it.
    memory = bodies[-1]
    assert len(memory) >= 2 * 65_536 and b"Klaviyo-API-Key ***" in memory
    assert KEY.encode() not in memory and KEY.lower().encode() not in memory


class Failing:
    def __init__(self, error: BaseException) -> None:
        self._error = error

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        secret_of_the_transport = dict(request.headers)["authorization"]
        assert KEY in secret_of_the_transport
        raise self._error

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "error", [OSError(KEY), KeyError(KEY), AssertionError(KEY), TransportFailure("connection", f"x {KEY}")]
)
def test_transports_that_fail(component: Path, error: Exception) -> None:
    with Klaviyo(KEY, transport=Failing(error), component=component) as klaviyo:
        got = raised(lambda: klaviyo.lookup(Email("priya@example.com")))
    assert isinstance(got, KlaviyoError)
    assert KEY not in told(got)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interruption_goes_through(component: Path, kind: type[BaseException]) -> None:
    with Klaviyo(KEY, transport=Failing(kind()), component=component) as klaviyo:
        for _ in range(2):
            got = raised(lambda: klaviyo.lookup(Email("priya@example.com")))
            assert type(got) is kind
            assert KEY not in told(got)
