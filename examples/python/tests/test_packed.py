"""The packed package, used as its README says: in web frameworks, in a worker, in a notebook, and by type checkers."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import textwrap
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

import celery
import pytest
from packed import HERE, README, Environment, block, blocks, build, source
from servers import Simulator

import klaviyo_connector

LIST = "Y6nRLr"
REPOSITORY = "https://example.com/klaviyo-connector"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KLAVIYO_CONNECTOR_PACKED, or built from the unpacked source distribution, where nothing of the project is."""
    if packed := os.environ.get("KLAVIYO_CONNECTOR_PACKED"):
        return Path(packed)
    folder = source(tmp_path_factory.mktemp("source"), KLAVIYO_CONNECTOR_REPOSITORY=REPOSITORY)
    into = tmp_path_factory.mktemp("wheel")
    # Who builds it does not say where it is from: the source distribution does.
    built = build(folder, into)
    assert built.returncode == 0, built.stderr
    (wheel,) = into.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    return Environment.make(tmp_path_factory.mktemp("environment"), wheel)


def ask(url: str, **query: str) -> str:
    method = "POST" if url.endswith("opt-ins") else "GET"
    asked = urllib.request.Request(f"{url}?{urllib.parse.urlencode(query)}", method=method)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return str(answer.read().decode()).strip('"')


def members(simulator: Simulator) -> int:
    (account,) = simulator.state()["accounts"]
    return next(len(each["members"]) for each in account["lists"] if each["id"] == LIST)


def test_what_is_in_it(wheel: Path, component: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("klaviyo_connector/klaviyo.wasm") == component.read_bytes()
        (name,) = [each for each in archive.namelist() if each.endswith("/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
        (own,) = [each for each in archive.namelist() if each.endswith("/LICENSE")]
        assert archive.read(own) == (HERE.parents[1] / "LICENSE").read_bytes()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Version"] == klaviyo_connector.__version__
    urls = dict(each.split(", ") for each in metadata.get_all("Project-URL", []))
    assert urls.keys() >= {"Homepage", "Repository", "Changelog"}
    assert all(url.startswith(REPOSITORY) for url in urls.values())
    versions = {each.rpartition(" ")[2] for each in metadata.get_all("Classifier", []) if "Python :: 3." in each}
    told = set(re.findall(r"3\.\d+", README.partition("tested on ")[2].partition(". All of it")[0]))
    assert versions == told
    # What a reader of PyPI sees has no link into a folder that is not there.
    text = str(metadata.get_payload())
    assert re.findall(r"\]\((?!https://)", text) == []


def test_fastapi(environment: Environment, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(block("from fastapi import"))
    command = ("uvicorn", "--port", "0", "app:app")
    with environment.serving(tmp_path, simulator, r"running on (http://[\w.:]+)", *command) as said:
        id = ask(f"{said[1]}/opt-ins", email="priya@example.com")
        assert ask(f"{said[1]}/people", email="priya@example.com") == id
        assert ask(f"{said[1]}/people", email="nobody@example.com") == "null"
        with pytest.raises(urllib.error.HTTPError, match="422"):
            ask(f"{said[1]}/opt-ins", email="priya")
    assert members(simulator) == 1


WSGI = """
from django.conf import settings
from django.urls import path
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="for a test")
import views
urlpatterns = [path("opt-in", views.opt_in), path("people", views.person)]
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""

# gunicorn's arbiter stops whoever it has begun, and a worker that has no handler of its own yet does not hear it.
GUNICORN = """
def post_worker_init(worker):
    worker.log.info("Ready to stop")
"""


def test_django_in_gunicorn_with_preload(environment: Environment, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "views.py").write_text(block("from django.http import"))
    (tmp_path / "wsgi.py").write_text(WSGI)
    (tmp_path / "gunicorn.conf.py").write_text(GUNICORN)
    (line,) = re.findall(r"^gunicorn .*$", README, re.MULTILINE)
    command = [*line.split(), "--bind", "127.0.0.1:0"]
    all_ready = r"(?s)Listening at: (http://[\w.:]+)(?:.*Ready to stop){4}"
    with environment.serving(tmp_path, simulator, all_ready, *command) as said:
        for number in range(8):
            id = ask(f"{said[1]}/opt-in", email=f"contact{number}@example.com")
            assert ask(f"{said[1]}/people", email=f"contact{number}@example.com") == id
        with pytest.raises(urllib.error.HTTPError, match="404"):
            ask(f"{said[1]}/people", email="nobody@example.com")
    assert members(simulator) == 8


def test_celery(environment: Environment, simulator: Simulator, tmp_path: Path) -> None:
    queue = {name: str(tmp_path) for name in ("data_folder_in", "data_folder_out")}
    options = {**queue, "control_folder": str(tmp_path / "control")}
    (tmp_path / "control").mkdir()
    (tmp_path / "tasks.py").write_text(block("from celery import") + f"\napp.conf.broker_transport_options = {options}\n")
    urls = {"BROKER": "filesystem://", "BACKEND": f"file://{tmp_path}"}
    command = ("celery", "--app", "tasks", "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "info")
    with environment.serving(tmp_path, simulator, "ready.", *command, **urls):
        app = celery.Celery(broker=urls["BROKER"], backend=urls["BACKEND"])
        app.conf.broker_transport_options = options
        sent = [app.send_task("tasks.opt_in", (f"contact{number}@example.com",)) for number in range(4)]
        assert len({each.get(timeout=60) for each in sent}) == 4
    assert members(simulator) == 4


def test_asyncio(environment: Environment, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(block("async def main()") + "\nimport asyncio\nasyncio.run(main())\n")
    assert environment.run(tmp_path, simulator, "main.py") == f"{LIST} priya@example.com\n"


def test_a_notebook(environment: Environment, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "notebook.ipy").write_text(block("await klaviyo.aclose()"))
    own = {"IPYTHONDIR": str(tmp_path / "ipython"), "HOME": str(tmp_path)}
    shown = environment.run(tmp_path, simulator, "-m", "IPython", "--no-banner", "--quick", "notebook.ipy", **own)
    assert shown.splitlines()[-1] == f"{LIST} priya@example.com"


def test_every_other_block(environment: Environment, simulator: Simulator, tmp_path: Path) -> None:
    """What no other test runs runs too; what is a part of a program has a client, and the names of the package."""
    prelude = (
        "import dataclasses, os\nfrom klaviyo_connector import *\n"
        "klaviyo = Klaviyo(endpoint=os.environ['KLAVIYO_ENDPOINT'], api='read')\n"
    )
    run_elsewhere = ("NewEvent", "Period", "Since", "fastapi", "django", "celery", "await ")
    rest = [code for code in blocks() if not any(text in code for text in run_elsewhere)]
    assert len(rest) >= 5
    for code in rest:
        (tmp_path / "main.py").write_text(code if "import " in code else prelude + code)
        environment.run(tmp_path, simulator, "main.py")


CONSUMER = """
from typing import Any
from klaviyo_connector import AsyncKlaviyo, Attempt, Call, Email, Id, Klaviyo, KlaviyoError, NewProfile, Usage

def observer(told: Attempt | Call) -> None: ...

def sync(klaviyo: Klaviyo) -> str | None:
    klaviyo.opt_in({"email": "priya@example.com"}, "Y6nRLr")
    klaviyo.opt_in(NewProfile(properties={"a": [1]}), list="Y6nRLr")
    klaviyo.lookup("priya@example.com")  # type: ignore[arg-type]
    klaviyo.lookup(Email("priya@example.com"), timeout=5)  # type: ignore[call-arg]
    klaviyo.with_options(timeout=5, revison="2026-01-15")  # type: ignore[call-arg]
    person = klaviyo.lookup(Email("priya@example.com"))
    person.email  # type: ignore[union-attr]
    if person is None:
        return None
    properties: dict[str, Any] = person.properties
    text: str = person.properties_json
    person.email = text  # type: ignore[misc]
    return text if properties else person.email

async def concurrent() -> int:
    async with AsyncKlaviyo("pk", observer=observer, trust_env=False) as klaviyo:
        with klaviyo.usage() as usage:
            person = await klaviyo.lookup(Id("01GMTZY2TEKN4KFRP30JZ59KGB"))
        waiting = klaviyo.lookup(Id("01GMTZY2TEKN4KFRP30JZ59KGB"))
        waiting.email  # type: ignore[attr-defined]
        await waiting
        used: Usage = usage
        return used.requests if person else 0

def options() -> None:
    AsyncKlaviyo("pk", tiemout=5)  # type: ignore[call-arg]
    AsyncKlaviyo(7)  # type: ignore[arg-type]
    Klaviyo("pk", pace=10)  # type: ignore[arg-type]

def failures(error: KlaviyoError) -> float:
    return error.usage.waited if error.usage else 0.0
"""


def test_type_checking(environment: Environment, tmp_path: Path) -> None:
    """`mypy --strict` passes over each block of the README, and over a program that uses the wheel."""
    prelude = "import dataclasses\nfrom klaviyo_connector import *\nklaviyo: Klaviyo\n"
    files = []
    for number, code in enumerate([*blocks(), CONSUMER]):
        if "import " not in code:
            code = prelude + code
        if re.search(r"^\S.*\bawait ", code, re.MULTILINE):
            code = "async def notebook() -> None:\n" + textwrap.indent(code, "    ")
        files.append(f"block_{number}.py")
        (tmp_path / files[-1]).write_text(code)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache")]
    # Not all of those libraries are typed.
    command += ["--ignore-missing-imports", "--allow-untyped-decorators", "--python-executable", str(environment.python)]
    checked = subprocess.run([*command, *files], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert len(files) > 10


def test_a_copy_without_a_component_is_not_built(tmp_path: Path) -> None:
    folder = source(tmp_path / "source")
    (folder / "src" / "klaviyo_connector" / "klaviyo.wasm").unlink()
    built = build(folder, tmp_path)
    assert built.returncode != 0
    assert "run `cargo xtask build`" in built.stderr
    assert list(tmp_path.glob("*.whl")) == []


def test_a_copy_that_is_told_where_the_project_is_builds(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    left_out = shutil.ignore_patterns("__pycache__", ".*", "dist", "klaviyo.wasm")
    shutil.copytree(HERE, copy, ignore=left_out)
    built = build(copy, tmp_path, KLAVIYO_CONNECTOR=str(HERE.parents[1]))
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    component = zipfile.ZipFile(wheel).read("klaviyo_connector/klaviyo.wasm")
    assert component == (HERE.parents[1] / "target/component/klaviyo.wasm").read_bytes()


def test_its_licences_are_where_it_is_installed(environment: Environment) -> None:
    find = "from importlib.metadata import files; print(*(file.locate() for file in files('klaviyo-connector')), sep='\\n')"
    found = subprocess.run([environment.python, "-c", find], capture_output=True, text=True, check=True).stdout
    licences = {Path(file).name: Path(file) for file in found.splitlines() if "/licenses/" in file}
    assert licences.pop("LICENSE").read_text() == (HERE.parent.parent / "LICENSE").read_text()
    # A release has those of what is in the component.
    for texts in licences.values():
        assert "\n  serde_json " in texts.read_text()
    assert licences or not os.environ.get("KLAVIYO_CONNECTOR_PACKED")


def test_it_works_where_it_is_installed(environment: Environment, simulator: Simulator, tmp_path: Path) -> None:
    def opt_in(list: str, key: str = simulator.key) -> subprocess.CompletedProcess[str]:
        shutil.copy(HERE / "opt_in.py", tmp_path)
        command = [str(environment.python), "opt_in.py", "priya@example.com", "Priya", list]
        own = environment.variables(simulator, KLAVIYO_API_KEY=key)
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=own)

    done = opt_in(LIST)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Priya is on the list Y6nRLr")
    missing = opt_in("NoList")
    assert (missing.returncode, missing.stderr.partition(":")[0]) == (1, "not-found")
    wrong = opt_in(LIST, "pk_wrong_000000000000")
    assert (wrong.returncode, wrong.stderr.partition(":")[0]) == (1, "unauthenticated")
    assert "pk_wrong" not in wrong.stderr


@pytest.mark.parametrize("script", ["opt_in.py", "who.py"])
@pytest.mark.parametrize(
    ("named", "variable", "value"), [("key", "KLAVIYO_API_KEY", None), ("endpoint", "KLAVIYO_ENDPOINT", "nonsense")]
)
def test_what_a_script_cannot_begin_with_is_named(
    environment: Environment,
    simulator: Simulator,
    tmp_path: Path,
    script: str,
    named: str,
    variable: str,
    value: str | None,
) -> None:
    shutil.copy(HERE / script, tmp_path)
    variables = environment.variables(simulator)
    del variables[variable]
    if value is not None:
        variables[variable] = value

    def run(*values: str) -> subprocess.CompletedProcess[str]:
        command = [str(environment.python), script, *values]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=variables)

    values = ["priya@example.com", "Priya", LIST][: 3 if script == "opt_in.py" else 1]
    done = run(*values)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"other: {named}: ")
    assert run(*values, "more").returncode == 2
