"""The tables of the README are those of the code."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from replay import METHODS
from servers import Simulator

from klaviyo_connector import (
    Email,
    Klaviyo,
    KlaviyoError,
    LimitExceeded,
    Limits,
    NewEvent,
    NewProfile,
    Trapped,
    _compiled,
    errors,
)

README = (Path(__file__).parents[1] / "README.md").read_text()


def table(heading: str) -> list[list[str]]:
    """The rows of the first table after a heading."""
    lines = README.partition(f"\n## {heading}\n")[2].splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return rows


def block(contains: str) -> str:
    """The block of the README that has this text."""
    (found,) = [each for each in README.split("```")[1::2] if contains in each]
    return found.partition("\n")[2]


@pytest.fixture
def account(simulator: Simulator, component: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Klaviyo]:
    """The account that the README's code talks to."""
    monkeypatch.setenv("KLAVIYO_ENDPOINT", simulator.url)
    monkeypatch.setenv("KLAVIYO_API_KEY", simulator.key)
    monkeypatch.setattr(_compiled, "_own", lambda: _compiled._read(component, ""))
    with Klaviyo(simulator.key, endpoint=simulator.url) as klaviyo:
        yield klaviyo


def test_who(account: Klaviyo, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """What the README shows is what its code makes the script print."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    opt_in, who = import_module("opt_in"), import_module("who")
    assert opt_in.main("priya@example.com", "Priya", "Y6nRLr") == 0
    exec(block("import Email, Klaviyo, NewEvent"), {})
    until = time.monotonic() + 10
    # Klaviyo shows events after a while.
    while (history := account.history(Email("priya@example.com"))) is None or len(history.events) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    capsys.readouterr()
    exec(block("import Email, Id, Klaviyo, Period"), {})
    assert capsys.readouterr().out == block("\nPriya priya@example.com WhatsApp")
    assert who.main("priya@example.com") == 0
    assert capsys.readouterr().out == block("$ .venv/bin/python who.py").partition("\n")[2]
    assert who.main("nobody@example.com") == 1
    assert who.main("nobody") == 1
    assert capsys.readouterr().out == ""


def test_who_of_any_items(account: Klaviyo, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Whatever a shop wrote as the items of an event, the person is shown, on lines of a terminal."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    who, ada = import_module("who"), Email("ada@example.com")
    both, odd = ["Wool socks", {"ProductName": "Hat"}], [None, 7, ["x"], {"Name": "y"}]
    shops: list[Any] = [both, odd, "Scarf", {"a": 1}, ["z" * 99]]
    account.create(NewProfile(email="ada@example.com"))
    assert who.main("ada@example.com") == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["  nothing", "is on the lists:", "  none"]
    account.track_many(
        NewEvent("Placed Order", ada, str(number), time="2026-01-05T18:20:45Z", properties={"Items": items})
        for number, items in enumerate(shops)
    )
    until = time.monotonic() + 10
    while (history := account.history(ada)) is None or len(history.events) < len(shops):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert who.main("ada@example.com") == 0
    shown = capsys.readouterr().out
    assert "  Wool socks, Hat\n" in shown
    assert shown.count("Placed Order") == len(shops)
    assert max(map(len, shown.splitlines())) == 80


def test_what_changed(account: Klaviyo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    """The README's loop prints each change once."""
    monkeypatch.chdir(tmp_path)

    def changed() -> list[str]:
        exec(block("import Cursor, Klaviyo, Since"), {})
        return [line.split()[-1] for line in capsys.readouterr().out.splitlines()]

    people = [f"changed{number}@example.com" for number in range(150)]
    account.opt_in_many((NewProfile(email=email) for email in people), "Y6nRLr")
    assert sorted(changed()) == sorted(people)
    assert changed() == []
    account.upsert(NewProfile(email=people[7], first_name="Meera"))
    assert changed() == [people[7]]


def test_limits() -> None:
    told = {row[0]: float(row[1].replace(",", "")) for row in table("Limits")}
    assert told == {field.name: float(getattr(Limits(), field.name)) for field in fields(Limits)}


def test_errors() -> None:
    told = [(row[0], row[1]) for row in table("Errors")]
    known = [(kind.__name__, code) for code, kind in errors.BY_CODE.items()]
    assert told[:-3] == known
    assert [name for name, _ in told[-3:]] == [kind.__name__ for kind in (LimitExceeded, Trapped, KlaviyoError)]


def test_functions() -> None:
    told = {row[1]: row[0] for row in table("Functions")}
    assert told.keys() == METHODS.keys()
    for function, method in METHODS.items():
        parameters = []
        for parameter in list(inspect.signature(method).parameters.values())[1:]:
            if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parameters:
                parameters.append("*")
            parameters.append(parameter.name)
        assert told[function] == f"{method.__name__}({', '.join(parameters)})"


def test_parameters() -> None:
    names = [name for name in inspect.signature(Klaviyo).parameters]
    assert [row[0] for row in table("Parameters of `Klaviyo`")] == names
