"""Proxies that the environment names: a real one, on loopback."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import NOBODY, Proxy, Server, Simulator, certificate, read_request, sends

from klaviyo_connector import (
    AsyncKlaviyo,
    ConfigurationError,
    ConnectionFailed,
    Email,
    Klaviyo,
    KlaviyoError,
    Limits,
    NewProfile,
)

KEY = "pk_canary_9d1f0c7e5b3a8642"
PRIYA = Email("priya@example.com")
ONCE = Limits(attempts=1)


@contextmanager
def secure(folder: Path) -> Iterator[tuple[str, Path, list[bytes]]]:
    """A server that speaks TLS: its address, its certificate, and what it has received."""
    own, context = certificate(folder)
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True) as tls:
                    while request := read_request(tls):
                        received.append(request)
                        tls.sendall(NOBODY)
            except OSError:
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://localhost:{listener.getsockname()[1]}", own, received
        try:
            listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        thread.join()


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_tls_passes_through(
    component: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """The proxy is told its user and the host, and sees neither the key nor who is looked up."""
    with secure(tmp_path) as (url, own, received), Proxy() as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        monkeypatch.setenv(variable, f"http://us%40er:pass@{proxy.address}")
        with Klaviyo(KEY, endpoint=url, component=component) as klaviyo:
            for _ in range(2):
                assert klaviyo.lookup(PRIYA) is None
    assert len(received) == 2 and all(KEY.encode() in request for request in received)
    # A connection is kept.
    (asked,) = proxy.asked
    assert asked.startswith(f"CONNECT {url.removeprefix('https://')} HTTP/1.".encode())
    assert base64.b64encode(b"us@er:pass") in asked
    assert KEY.encode() not in asked and b"priya" not in asked
    assert all(b"proxy-authorization" not in request.lower() for request in received)


def test_a_proxy_that_speaks_tls(component: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "proxy").mkdir()
    of_proxy, context = certificate(tmp_path / "proxy")
    with secure(tmp_path) as (url, own, received), Proxy(context=context) as proxy:
        both = tmp_path / "both.pem"
        both.write_bytes(own.read_bytes() + of_proxy.read_bytes())
        monkeypatch.setenv("SSL_CERT_FILE", str(both))
        monkeypatch.setenv("HTTPS_PROXY", f"https://{proxy.address}")
        with Klaviyo(KEY, endpoint=url, component=component) as klaviyo:
            assert klaviyo.lookup(PRIYA) is None
    assert len(received) == len(proxy.asked) == 1


def test_in_clear(component: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    contact = NewProfile(email="priya@example.com")

    async def main() -> None:
        async with AsyncKlaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
            assert await klaviyo.lookup(PRIYA) is not None

    with Proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        monkeypatch.setenv("NO_PROXY", "example.com")
        with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
            assert klaviyo.opt_in(contact, "Y6nRLr").list_id == "Y6nRLr"
            assert klaviyo.lookup(PRIYA) is not None
        asyncio.run(main())
    assert len(proxy.asked) == 5
    assert all(f" {simulator.url}/api/".encode() in request.split(b"\r\n")[0] for request in proxy.asked)


@pytest.mark.parametrize("left_out", ["127.0.0.1", "example.com, 127.0.0.1", "*", ""])
def test_what_goes_past_it(component: Path, monkeypatch: pytest.MonkeyPatch, left_out: str) -> None:
    with Server(sends(NOBODY)) as server, Proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("NO_PROXY", left_out)
        # By `NO_PROXY`, or by the program.
        with Klaviyo(KEY, endpoint=server.url, component=component, trust_env=bool(left_out)) as klaviyo:
            assert klaviyo.lookup(PRIYA) is None
    assert len(server.requests) == 1 and proxy.asked == []


def test_a_proxy_that_refuses(component: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was not sent, so that what may not be done twice is tried again too."""
    with Proxy(407) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:geheim@{proxy.address}")
        with Klaviyo(KEY, component=component, limits=Limits(attempts=2)) as klaviyo:
            with pytest.raises(ConnectionFailed, match="proxy of HTTPS_PROXY.* 407.* NO_PROXY") as refused:
                klaviyo.create_list("Opt-ins")
    assert refused.value.usage is not None and refused.value.usage.attempts == len(proxy.asked) == 2
    assert "geheim" not in str(refused.value)


def test_a_proxy_that_is_not_there(component: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for variable, endpoint in (("HTTPS_PROXY", None), ("HTTP_PROXY", "http://127.0.0.1:1")):
        monkeypatch.setenv(variable, f"http://user:geheim@127.0.0.1:{port}")
        with Klaviyo(KEY, endpoint=endpoint, component=component, limits=ONCE) as klaviyo:
            with pytest.raises(ConnectionFailed, match=f"proxy of {variable}: Connection refused") as failed:
                klaviyo.lists()
            assert "geheim" not in str(failed.value)


@pytest.mark.parametrize(
    "url", ["socks5://user:geheim@127.0.0.1:1080", "http://", "http://geheim:x@:80", "http://h:99999", "http://a b"]
)
def test_proxies_that_cannot_be_used(component: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ALL_PROXY", url)
    with pytest.raises(ConfigurationError, match="^ALL_PROXY: .*http://proxy.example.com:3128.*trust_env") as refused:
        Klaviyo(KEY, component=component)
    assert isinstance(refused.value, KlaviyoError) and "geheim" not in str(refused.value)
    Klaviyo(KEY, component=component, trust_env=False).close()
    Klaviyo(KEY, component=component, endpoint="http://localhost", trust_env=False).close()
    monkeypatch.setenv("NO_PROXY", ".klaviyo.com")
    Klaviyo(KEY, component=component).close()
