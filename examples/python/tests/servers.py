"""Servers for tests: the simulator, and one that answers with whatever bytes a test wants."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

L = TypeVar("L", bound="_Listener")

Answer = Callable[[socket.socket, bytes], None]


class _Listener(ABC):
    """Listens on a loopback port, with a thread for each connection."""

    def __init__(self) -> None:
        self.connections = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen)
        self._serving: list[threading.Thread] = []

    def __enter__(self: L) -> L:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A shutdown wakes whoever waits for it; closing alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._serving:
            thread.join()
        for connection in self._open:
            connection.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve_until_closed, args=(connection,))
            self._serving.append(thread)
            thread.start()

    def _serve_until_closed(self, connection: socket.socket) -> None:
        try:
            self._serve(connection)
        except OSError:
            pass

    @abstractmethod
    def _serve(self, connection: socket.socket) -> None:
        """Reads and answers what comes by a connection."""


class Server(_Listener):
    """Each request is read whole, and `answer` does with the connection what it wants."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.url = f"http://{self.address}"
        self.requests: list[bytes] = []
        self._answer = answer

    def _serve(self, connection: socket.socket) -> None:
        while request := read_request(connection):
            self.requests.append(request)
            self._answer(connection, request)


def read_request(connection: socket.socket) -> bytes:
    """Nothing where the connection was closed."""
    request = b""
    while b"\r\n\r\n" not in request:
        piece = connection.recv(65536)
        if not piece:
            return b""
        request += piece
    head, _, body = request.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            while len(body) < int(value):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def http(body: bytes, head: str = "HTTP/1.1 200 OK", *headers: str) -> bytes:
    """A whole answer."""
    lines = [head, *headers, "content-type: application/vnd.api+json", f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


NOBODY = http(b'{"data":[],"links":{"next":null}}')


def sends(*pieces: bytes, close: bool = False) -> Answer:
    """An answer of these bytes."""

    def answer(connection: socket.socket, _: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)
        if close:
            connection.shutdown(socket.SHUT_RDWR)

    return answer


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of `localhost` that nobody has signed, and what a server with it takes."""
    key, made = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made, key)
    return made, context


class Proxy(_Listener):
    """A proxy. It passes TLS on, and forwards what is in clear."""

    def __init__(self, status: int = 200, context: ssl.SSLContext | None = None) -> None:
        """`status`: what it answers to who asks for a connection."""
        super().__init__()
        self.asked: list[bytes] = []
        self._status = status
        self._context = context

    def _serve(self, connection: socket.socket) -> None:
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True)
        with connection:
            while request := read_request(connection):
                self.asked.append(request)
                method, target, _ = request.split(b" ", 2)
                if method != b"CONNECT":
                    self._forward(connection, request, target)
                elif self._status != 200:
                    connection.sendall(f"HTTP/1.1 {self._status} No\r\n\r\n".encode())
                    return
                else:
                    self._pass_on(connection, target.decode())
                    return

    def _forward(self, connection: socket.socket, request: bytes, target: bytes) -> None:
        host, _, path = target.removeprefix(b"http://").partition(b"/")
        name, _, port = host.decode().partition(":")
        head, _, body = request.replace(target, b"/" + path, 1).partition(b"\r\n\r\n")
        with socket.create_connection((name, int(port))) as origin:
            origin.sendall(head + b"\r\nconnection: close\r\n\r\n" + body)
            while piece := origin.recv(65536):
                connection.sendall(piece)

    def _pass_on(self, connection: socket.socket, target: str) -> None:
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as origin:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

            def back() -> None:
                try:
                    while piece := origin.recv(65536):
                        connection.sendall(piece)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass

            thread = threading.Thread(target=back)
            thread.start()
            while piece := connection.recv(65536):
                origin.sendall(piece)
            origin.shutdown(socket.SHUT_WR)
            thread.join()


class Simulator:
    """The project's Klaviyo."""

    key = "pk_demo_3f9c1b7a5e2d4860"

    def __init__(self, url: str) -> None:
        self.url = url

    def state(self) -> Any:
        with urllib.request.urlopen(f"{self.url}/_mock/state") as answer:
            return json.load(answer)


@contextmanager
def simulator(program: Path, *options: str, rates: str = "off") -> Iterator[Simulator]:
    command = [str(program), "mock", "--port", "0", "--rates", rates, "--json", *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KLAVIYO_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            assert process.stdout is not None
            yield Simulator(json.loads(process.stdout.readline())["ok"]["url"])
        finally:
            process.send_signal(signal.SIGINT)
