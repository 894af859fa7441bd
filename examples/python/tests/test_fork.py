"""Processes that fork: clients made before it and after it work in the child, whatever the parent has done with them."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import celery
import pytest
from servers import NOBODY, Server, Simulator, sends

from klaviyo_connector import Bounds, Email, HttpRequest, HttpResponse, Klaviyo, NewProfile, Trapped

PRIYA = Email("priya@example.com")
LIST = "Y6nRLr"
T = TypeVar("T")


class Nobody:
    """A transport that answers without a server."""

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        return HttpResponse(200, (), b'{"data":[]}')

    def close(self) -> None:
        pass


def in_a_child(what: Callable[[], None], seconds: float = 30) -> None:
    """Runs it in a fork of this process. One that hangs is ended."""
    with warnings.catch_warnings():
        # Of Python 3.12: this process has threads, which is what the tests are about.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            what()
            status = 0
        finally:
            os._exit(status)
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the child hangs")
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(status) == 0


def client(simulator: Simulator, component: Path) -> Klaviyo:
    return Klaviyo(simulator.key, endpoint=simulator.url, component=component)


def test_a_client_made_after_the_fork(simulator: Simulator, component: Path, tmp_path: Path) -> None:
    with client(simulator, component) as klaviyo:
        assert klaviyo.lookup(PRIYA) is None
    # Another file of the same functions, which has to be compiled in the child.
    other = tmp_path / "other.wasm"
    other.write_bytes(component.read_bytes() + b"\0\2\1x")

    def child() -> None:
        for file in (component, other):
            with client(simulator, file) as klaviyo:
                assert klaviyo.lookup(PRIYA) is None

    in_a_child(child)


def test_a_client_made_before_the_fork(simulator: Simulator, component: Path) -> None:
    with client(simulator, component) as klaviyo:
        assert klaviyo.lookup(PRIYA) is None

        def child() -> None:
            assert klaviyo.opt_in(NewProfile(email="priya@example.com"), LIST).created
            in_a_child(lambda: print(klaviyo.lists()))
            klaviyo.close()

        in_a_child(child)
        assert klaviyo.lookup(PRIYA) is not None


def test_a_connection_is_of_one_process(component: Path) -> None:
    with Server(sends(NOBODY)) as server, Klaviyo("pk_test", endpoint=server.url, component=component) as klaviyo:
        klaviyo.lookup(PRIYA)
        in_a_child(lambda: print(klaviyo.lookup(PRIYA)))
        klaviyo.lookup(PRIYA)
        assert (server.connections, len(server.requests)) == (2, 3)


def test_a_fork_while_other_threads_call(simulator: Simulator, component: Path) -> None:
    done = threading.Event()
    with client(simulator, component) as klaviyo:

        def call() -> None:
            while not done.is_set():
                klaviyo.lookup(PRIYA)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                in_a_child(lambda: print(klaviyo.lookup(PRIYA)))
        finally:
            done.set()
            for thread in threads:
                thread.join()


def test_a_fork_while_other_threads_are_in_wasmtime(component: Path, hostile: Path, tmp_path: Path) -> None:
    """They make instances, trap and compile, without a pause between."""
    done = threading.Event()
    compiled = itertools.count()
    trapping = Klaviyo("pk_test", transport=Nobody(), component=hostile / "trap.wasm")
    klaviyo = Klaviyo("pk_test", transport=Nobody(), component=component)

    def trap() -> None:
        with pytest.raises(Trapped):
            trapping.lookup(PRIYA)

    def make() -> None:
        # A custom section makes it another component, which has to be compiled.
        name = f"{os.getpid()}-{next(compiled)}".encode()
        file = tmp_path / f"{name.decode()}.wasm"
        content = bytes([len(name)]) + name
        file.write_bytes((hostile / "remember.wasm").read_bytes() + bytes([0, len(content)]) + content)
        with Klaviyo("pk_test", transport=Nobody(), component=file) as another:
            assert another.lookup(PRIYA) is None

    def again(what: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            while not done.is_set():
                what()

        return run

    def child() -> None:
        assert klaviyo.lookup(PRIYA) is None
        trap()
        make()

    threads = [threading.Thread(target=again(what)) for what in (lambda: klaviyo.lookup(PRIYA), trap, make)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            in_a_child(child)
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_a_fork_within_a_call(component: Path) -> None:
    """By a transport, in the child of which there are calls too."""

    class Forking(Nobody):
        def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
            in_a_child(lambda: print(other.lookup(PRIYA)))
            return super().send(request, bounds)

    with (
        Klaviyo("pk_test", transport=Nobody(), component=component) as other,
        Klaviyo("pk_test", transport=Forking(), component=component) as klaviyo,
    ):
        assert klaviyo.lookup(PRIYA) is None


def _opt_in(arguments: tuple[str, str, Path, int]) -> str:
    key, url, component, number = arguments
    with Klaviyo(key, endpoint=url, component=component) as klaviyo:
        return klaviyo.opt_in(NewProfile(email=f"contact{number}@example.com"), LIST).profile_id


def test_a_pool_of_processes(simulator: Simulator, component: Path) -> None:
    with client(simulator, component) as klaviyo:
        klaviyo.lookup(PRIYA)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pool = multiprocessing.get_context("fork").Pool(2)
        with pool:
            given = [(simulator.key, simulator.url, component, number) for number in range(6)]
            ids = pool.map_async(_opt_in, given).get(timeout=60)
        assert len(set(ids)) == 6 == len(klaviyo.list_members(LIST).members)


APP = """
import os
from klaviyo_connector import Klaviyo, NewProfile

# Made once, in the process that gunicorn and Celery fork.
klaviyo = Klaviyo(os.environ["KLAVIYO_API_KEY"], endpoint=os.environ["KLAVIYO_ENDPOINT"], component=os.environ["COMPONENT"])
PARENT = os.getpid()
assert klaviyo.lists()

def opt_in(name):
    assert os.getpid() != PARENT, "it was not forked"
    return klaviyo.opt_in(NewProfile(email=f"{name}@example.com"), "Y6nRLr").list_id
"""

WEB = """
def app(environment, start_response):
    told = opt_in(environment["PATH_INFO"].strip("/"))
    start_response("200 OK", [("content-type", "text/plain")])
    return [told.encode()]
"""

TASKS = """
import celery
app = celery.Celery(broker="filesystem://", backend="file://" + os.environ["FOLDER"])
queue = {"data_folder_in": os.environ["FOLDER"], "data_folder_out": os.environ["FOLDER"]}
app.conf.update(broker_transport_options={**queue, "control_folder": os.environ["FOLDER"] + "/control"})
app.task(name="opt-in")(opt_in)
"""


@contextmanager
def running(tmp_path: Path, program: str, simulator: Simulator, component: Path, *command: str) -> Iterator[Path]:
    """A program that runs meanwhile; gives the file that it writes to."""
    (tmp_path / "app.py").write_text(APP + program)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
        "KLAVIYO_ENDPOINT": simulator.url,
        "KLAVIYO_API_KEY": simulator.key,
        "COMPONENT": str(component),
        "FOLDER": str(tmp_path),
    }
    output = tmp_path / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=tmp_path, env=environment, stdout=file, stderr=file
        )
    try:
        yield output
    except BaseException:
        print(output.read_text())
        raise
    finally:
        process.terminate()
        process.wait(30)


def until_there(value: Callable[[], T | None], seconds: float = 60) -> T:
    until = time.monotonic() + seconds
    while (found := value()) is None:
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)
    return found


def test_gunicorn_with_preload(simulator: Simulator, component: Path, tmp_path: Path) -> None:
    command = ("gunicorn", "--preload", "--workers", "2", "--bind", "127.0.0.1:0", "app:app")
    with running(tmp_path, WEB, simulator, component, *command) as output:
        listening = until_there(lambda: re.search(r"Listening at: (http://\S+)", output.read_text()))
        for number in range(6):
            with urllib.request.urlopen(f"{listening[1]}/contact{number}", timeout=30) as answer:
                assert answer.read() == LIST.encode()
    (account,) = simulator.state()["accounts"]
    assert [len(each["members"]) for each in account["lists"] if each["id"] == LIST] == [6]


def test_celery_s_prefork(simulator: Simulator, component: Path, tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    options = ("--app", "app", "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "info")
    with running(tmp_path, TASKS, simulator, component, "celery", *options) as output:
        until_there(lambda: "ready." in output.read_text() or None)
        queue = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path)}
        app = celery.Celery(broker="filesystem://", backend=f"file://{tmp_path}")
        app.conf.update(broker_transport_options={**queue, "control_folder": str(tmp_path / "control")})
        sent = [app.send_task("opt-in", (f"contact{number}",)) for number in range(6)]
        assert [each.get(timeout=60) for each in sent] == [LIST] * 6
