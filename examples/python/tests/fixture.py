"""The fixture format: one call, and everything that crosses the `http` import meanwhile. Strict, as the project's own
replayer is: what is not of the format is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from klaviyo_connector import HttpResponse, TransportFailure
from klaviyo_connector.transport import Kind

# Where `cargo xtask build` writes the corpus.
CORPUS = Path(__file__).parents[3] / "target" / "fixtures"


# A text that is one of the contract's words is that word: nobody can call it another.
UNSAYABLE = CORPUS / "consent" / "grant" / "refused-another-channel-known.json"


@dataclass(frozen=True)
class Exchange:
    request: dict[str, Any]
    answer: HttpResponse | TransportFailure


@dataclass(frozen=True)
class Fixture:
    name: str
    function: str
    arguments: list[Any]
    exchanges: list[Exchange]
    returns: tuple[str, Any]


def files() -> list[Path]:
    """The cases that can be said in Python."""
    return sorted(file for file in CORPUS.rglob("*.json") if file != UNSAYABLE)


def read(text: str) -> Fixture:
    """Raises `ValueError` where it is no fixture."""
    whole = members(parse(text), {"name": str, "call": dict, "returns": dict}, {"exchanges": list})
    call = members(whole["call"], {"function": str}, {"arguments": list})
    ((case, value),) = whole["returns"].items()
    require(case in ("ok", "ok-includes", "err"), f"returns {case}")
    exchanges = [exchange(each) for each in whole.get("exchanges", [])]
    return Fixture(whole["name"], call["function"], call.get("arguments", []), exchanges, (case, value))


def exchange(value: Any) -> Exchange:
    both = members(value, {"request": dict, "response": dict}, {})
    strings = {"method": str, "url": str, "auth": str}
    request = members(both["request"], strings, {"headers": dict, "json": object, "body": str})
    require(not ("json" in request and "body" in request), "both json and body")
    require(all(isinstance(each, str) for each in request.get("headers", {}).values()), "a header that is no text")
    return Exchange(request, answer(both["response"]))


def answer(value: Any) -> HttpResponse | TransportFailure:
    kinds = {"status": int, "headers": dict, "json": object, "text": str, "base64": str, "error": dict}
    given = members(value, {}, kinds)
    bodies = [name for name in ("json", "text", "base64") if name in given]
    if "error" in given:
        require(list(given) == ["error"], "an error beside an answer")
        ((kind, reason),) = given["error"].items()
        require(kind in get_args(Kind) and isinstance(reason, str), f"error {kind}")
        return TransportFailure(kind, reason)
    require("status" in given and len(bodies) <= 1, "no status, or more than one body")
    read_body: dict[str, Callable[[], bytes]] = {
        "json": lambda: dump(given["json"]).encode(),
        "text": lambda: str(given["text"]).encode(),
        "base64": lambda: base64.b64decode(given["base64"], validate=True),
    }
    body = read_body[bodies[0]]() if bodies else b""
    headers = tuple((name, str(each).encode()) for name, each in given.get("headers", {}).items())
    return HttpResponse(given["status"], headers, body)


def members(value: Any, needed: Mapping[str, type], more: Mapping[str, type]) -> dict[str, Any]:
    require(isinstance(value, dict), f"no object: {value!r}")
    kinds = {**needed, **more}
    for name, member in value.items():
        require(name in kinds, f"an unknown member {name}")
        right = isinstance(member, kinds[name]) and not (kinds[name] is int and isinstance(member, bool))
        require(right, f"{name}: {member!r}")
    require(needed.keys() <= value.keys(), f"not all of {list(needed)}")
    return dict(value)


def require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(f"not a fixture: {otherwise}")


class Number(float):
    """A number with its digits. Two are equal where they are written alike."""

    def __new__(cls, text: str) -> Number:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.text == other.text

    __hash__ = float.__hash__


def parse(text: str | bytes) -> Any:
    def constant(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_float=Number, parse_constant=constant)


def dump(value: Any) -> str:
    """`float.__repr__` would round: the digits of `Number` are put in by hand."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{dump(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return value.text if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)
