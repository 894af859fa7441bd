"""Servers for tests: the simulator, and one that answers with whatever bytes a test wants."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Answer = Callable[[socket.socket, bytes], None]


class Server:
    """Listens on a loopback port. Each request is read whole, and `answer` does with the connection what it wants."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answer = answer
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen)
        self._serving: list[threading.Thread] = []

    def __enter__(self) -> Server:
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
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._serving.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while request := read_request(connection):
                self.requests.append(request)
                self._answer(connection, request)
        except OSError:
            pass


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
