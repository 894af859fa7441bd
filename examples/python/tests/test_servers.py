"""Servers that misbehave, on real sockets: each call ends in time with an error that says what it was, and the next one
goes on."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import servers
from servers import NOBODY, Answer, Server, http, sends

from klaviyo_connector import (
    Bounds,
    ConnectionFailed,
    Email,
    HttpRequest,
    HttpTransport,
    Klaviyo,
    KlaviyoError,
    Limits,
    NewProfile,
    TimedOut,
    TooLarge,
    TransportFailure,
)

KEY = "pk_canary_9d1f0c7e5b3a8642"
SHORT = Limits(attempts=1, attempt=0.8, connect=0.8)


def trickle(*pieces: bytes) -> Answer:
    """The bytes, and then one now and then: never so long that a timeout for each read would notice."""

    def answer(connection: socket.socket, _: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    return answer


def continues(connection: socket.socket, _: bytes) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.02)


def silent(connection: socket.socket, _: bytes) -> None:
    connection.recv(1)


def resets(connection: socket.socket, _: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    raise OSError


def endless(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b" " * 65536)


def endless_headers(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-long: ")
    while True:
        connection.sendall(b"x" * 65536)


BOMB = gzip.compress(bytes(50_000_000))

CASES: dict[str, tuple[Answer, type[KlaviyoError], str]] = {
    "silent": (silent, TimedOut, "Limits.attempt"),
    "slow status line": (trickle(b"HT"), TimedOut, "Limits.attempt"),
    "slow headers": (trickle(b"HTTP/1.1 200 OK\r\nx-slow: "), TimedOut, "Limits.attempt"),
    "slow body": (trickle(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"), TimedOut, "Limits.attempt"),
    "slow body without a length": (trickle(b"HTTP/1.1 200 OK\r\n\r\n"), TimedOut, "Limits.attempt"),
    "endless 1xx": (continues, TimedOut, "Limits.attempt"),
    "endless body": (endless, TooLarge, "Limits.response_bytes"),
    "endless header": (endless_headers, TooLarge, "Limits.header_bytes"),
    "large announced": (sends(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"), TooLarge, "response_bytes"),
    "large headers": (sends(http(b"{}", "HTTP/1.1 200 OK", *["x: " + "y" * 999] * 20)), TooLarge, "header_bytes"),
    "many headers": (sends(http(b"{}", "HTTP/1.1 200 OK", *["x: y"] * 150)), TooLarge, "Limits.header_bytes"),
    "reset": (resets, ConnectionFailed, ""),
    "closed": (sends(close=True), ConnectionFailed, ""),
    "short body": (sends(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", close=True), ConnectionFailed, ""),
    "broken chunk": (
        sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n99\r\n{", close=True),
        ConnectionFailed,
        "",
    ),
    "garbage": (sends(b"\0\1\2 what is this\r\n\r\n"), ConnectionFailed, ""),
    "garbage status": (sends(b"HTTP/1.1 2OO OK\r\n\r\n"), ConnectionFailed, ""),
    "garbage in the headers": (sends(http(b"{}", "HTTP/1.1 200 OK", "no header at all")), ConnectionFailed, ""),
    "compressed bomb": (sends(http(BOMB, "HTTP/1.1 200 OK", "content-encoding: gzip")), KlaviyoError, "compressed"),
}


@pytest.mark.parametrize("name", CASES)
def test_servers_that_misbehave(name: str, component: Path) -> None:
    answer, kind, words = CASES[name]
    misbehave = True

    def once(connection: socket.socket, request: bytes) -> None:
        (answer if misbehave else sends(NOBODY))(connection, request)

    with Server(once) as server, Klaviyo(KEY, endpoint=server.url, limits=SHORT, component=component) as klaviyo:
        begin = time.monotonic()
        with pytest.raises(KlaviyoError) as failed:
            klaviyo.lookup(Email("priya@example.com"))
        assert time.monotonic() - begin < 5
        assert type(failed.value) is kind
        assert words in str(failed.value)
        assert len(server.requests) == 1, "it was repeated"
        misbehave = False
        assert klaviyo.lookup(Email("priya@example.com")) is None


def test_limits_that_are_raised_let_through(component: Path) -> None:
    body = b'{"data":[],"x":"' + b"y" * 5_000_000 + b'"}'
    with Server(sends(http(body))) as server:
        limits = Limits(response_bytes=4_000_000)
        with Klaviyo(KEY, endpoint=server.url, limits=limits, component=component) as klaviyo:
            with pytest.raises(TooLarge):
                klaviyo.lookup(Email("priya@example.com"))
        limits = Limits(response_bytes=6_000_000)
        with Klaviyo(KEY, endpoint=server.url, limits=limits, component=component) as klaviyo:
            assert klaviyo.lookup(Email("priya@example.com")) is None


def test_a_server_that_reads_slowly() -> None:
    # More than the kernel keeps of it for either side; the connector never sends as much.
    request = HttpRequest("POST", "http://127.0.0.1/", (), bytes(40_000_000))
    release = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def read_a_little() -> None:
            connection, _ = listener.accept()
            with connection:
                while not release.wait(0.02):
                    connection.recv(65536)

        thread = threading.Thread(target=read_a_little)
        thread.start()
        transport = HttpTransport(f"http://127.0.0.1:{listener.getsockname()[1]}")
        begin = time.monotonic()
        with pytest.raises(TransportFailure) as failed:
            transport.send(request, Bounds(begin + 0.5, 5, 10_000, 10_000))
        assert failed.value.kind == "timeout"
        assert time.monotonic() - begin < 3
        transport.close()
        release.set()
        thread.join()


def test_the_whole_call_has_a_time(component: Path) -> None:
    """No request takes long, but there are many."""

    def page(connection: socket.socket, request: bytes) -> None:
        time.sleep(0.05)
        number = request.split(b" ")[1].rpartition(b"=")[2]
        number = number if number.isdigit() else b"0"
        following = b"https://a.klaviyo.com/api/lists/?page%%5Bcursor%%5D=%d" % (int(number) + 1)
        connection.sendall(http(b'{"data":[],"links":{"next":"%s"}}' % following))

    with Server(page) as server:
        with Klaviyo(KEY, endpoint=server.url, limits=Limits(time=1), component=component) as klaviyo:
            begin = time.monotonic()
            with pytest.raises(TimedOut, match="Limits.time"):
                klaviyo.lists()
            assert 0.8 < time.monotonic() - begin < 5
        assert len(server.requests) > 5
        with Klaviyo(KEY, endpoint=server.url, limits=Limits(requests=5), component=component) as klaviyo:
            count = len(server.requests)
            with pytest.raises(KlaviyoError, match="Limits.requests"):
                klaviyo.lists()
            assert len(server.requests) - count == 5


def test_redirects_are_not_followed(component: Path) -> None:
    with Server(sends(NOBODY)) as target:
        location = f"location: {target.url}/api/profiles/"
        with Server(sends(http(b"", "HTTP/1.1 302 Found", location))) as server:
            with Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo:
                with pytest.raises(KlaviyoError) as failed:
                    klaviyo.lookup(Email("priya@example.com"))
        assert failed.value.status == 302
        assert (len(server.requests), target.connections) == (1, 0)


def test_103_is_not_the_answer(component: Path) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    with Server(sends(hints + NOBODY)) as server, Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo:
        assert klaviyo.lookup(Email("priya@example.com")) is None


def test_connections_are_kept_and_made_anew(component: Path) -> None:
    with Server(sends(NOBODY)) as server, Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo:
        for _ in range(3):
            klaviyo.lookup(Email("priya@example.com"))
        assert server.connections == 1
    closed = threading.Event()

    def then_close(connection: socket.socket, _: bytes) -> None:
        connection.sendall(NOBODY)
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with Server(then_close) as server, Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo:
        for _ in range(3):
            klaviyo.lookup(Email("priya@example.com"))
            assert closed.wait(10)
            closed.clear()
        assert server.connections == 3


def test_closing_during_a_call(component: Path) -> None:
    asked, release = threading.Event(), threading.Event()

    def wait(connection: socket.socket, _: bytes) -> None:
        asked.set()
        release.wait()
        connection.sendall(NOBODY)

    with Server(wait) as server, ThreadPoolExecutor(1) as pool:
        klaviyo = Klaviyo(KEY, endpoint=server.url, component=component)
        call = pool.submit(klaviyo.opt_in, NewProfile(email="priya@example.com"), "Y6nRLr")
        assert asked.wait(10)
        klaviyo.close()
        release.set()
        with pytest.raises(KlaviyoError, match="closed meanwhile"):
            call.result()
        assert len(server.requests) == 1


def test_nobody_listens(component: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Klaviyo(KEY, endpoint=f"http://127.0.0.1:{port}", component=component) as klaviyo:
        with pytest.raises(ConnectionFailed):
            klaviyo.lists()


def test_a_name_that_is_looked_up_for_ever(component: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, release = threading.Event(), threading.Event()

    def getaddrinfo(*_: Any, **__: Any) -> Any:
        asked.set()
        release.wait()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with Klaviyo(KEY, limits=Limits(connect=0.3, attempts=1), component=component) as klaviyo:
        with pytest.raises(TimedOut, match="Limits.connect"):
            klaviyo.lists()
    assert asked.is_set()
    release.set()


def test_klaviyo_itself_without_an_endpoint(component: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> Any:
        asked.append((host, port))
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    once = Limits(attempts=1)
    with Klaviyo(KEY, component=component, limits=once) as klaviyo, pytest.raises(ConnectionFailed):
        klaviyo.lists()
    assert asked == [("a.klaviyo.com", 443)]


def test_a_certificate_that_nobody_trusts(component: Path, tmp_path: Path) -> None:
    certificate, context = servers.certificate(tmp_path)
    received = []

    def over_tls(action: Callable[[ssl.SSLSocket], None], call: Callable[[str], None]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def serve() -> None:
                connection, _ = listener.accept()
                try:
                    with context.wrap_socket(connection, server_side=True) as secure:
                        action(secure)
                except OSError:
                    connection.close()

            thread = threading.Thread(target=serve)
            thread.start()
            call(f"https://127.0.0.1:{listener.getsockname()[1]}")
            thread.join()

    def receive(secure: ssl.SSLSocket) -> None:
        received.append(secure.recv(65536))
        secure.sendall(NOBODY)

    def refused(url: str) -> None:
        with Klaviyo(KEY, endpoint=url, component=component, limits=Limits(attempts=1)) as klaviyo:
            with pytest.raises(ConnectionFailed, match="certificate"):
                klaviyo.lookup(Email("priya@example.com"))

    over_tls(receive, refused)
    assert received in ([], [b""])

    def answered(url: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate))
            klaviyo = Klaviyo(KEY, endpoint=url, component=component)
        with klaviyo:
            assert klaviyo.lookup(Email("priya@example.com")) is None

    over_tls(receive, answered)
    assert KEY.encode() in received[-1]


def test_a_port_without_tls(component: Path) -> None:
    with Server(sends(NOBODY)) as server:
        url = server.url.replace("http://", "https://")
        with Klaviyo(KEY, endpoint=url, limits=SHORT, component=component) as klaviyo:
            with pytest.raises(KlaviyoError):
                klaviyo.lists()
        assert server.requests == []
