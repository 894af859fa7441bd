"""What an editor shows on hover: each function has its requests, rates, scopes, each field its meaning."""

from __future__ import annotations

import ast
import inspect
import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import fixture
import pytest
from replay import METHODS

import klaviyo_connector
from klaviyo_connector import AsyncKlaviyo
from klaviyo_connector._endpoint import Endpoint
from klaviyo_connector.errors import BY_CODE

WIT = Path(__file__).parents[3] / "wit"
SOURCE = Path(klaviyo_connector.__file__).parent
# Without requests of its own, or with those that the caller says.
OTHERS = ("bulk.check", "api.call")


def used() -> dict[str, set[Endpoint]]:
    """The endpoints that each function asks, in the corpus."""
    endpoints: dict[str, set[Endpoint]] = {}
    for file in fixture.files():
        case = json.loads(file.read_text())
        for exchange in case.get("exchanges", ()):
            asked = exchange["request"]
            endpoint = Endpoint.of(asked["method"], urlsplit(asked["url"]).path)
            endpoints.setdefault(case["call"]["function"], set()).add(endpoint)
    return endpoints


def scopes(text: str) -> set[str]:
    return set(re.findall(r"`([a-z-]+:(?:read|write))`", text))


def of_the_contract(function: str) -> str:
    """What the contract's documentation says of a function."""
    interface, _, name = function.partition(".")
    text = (WIT / f"{interface}.wit").read_text()
    (before,) = re.findall(rf"((?:    ///.*\n)+)(?:    @.*\n)*    %?{name}: func\(", text)
    return " ".join(str(before).replace("///", "").split())


def test_functions() -> None:
    endpoints = used()
    assert endpoints.keys() >= METHODS.keys() - set(OTHERS)
    for function, method in METHODS.items():
        doc = " ".join((inspect.getdoc(method) or "").split())
        assert getattr(AsyncKlaviyo, method.__name__).__doc__ == method.__doc__
        if function in OTHERS:
            assert "No request." in doc or ("Rate: " in doc and "Scopes: " in doc)
            continue
        slowest = min(endpoints[function], key=lambda each: (each.steady, each.burst))
        rate = f"Rate: {slowest.burst} a second, {slowest.steady} a minute"
        assert rate + (f", {slowest.daily} a day" if slowest.daily else "") in doc, (function, rate)
        contract = of_the_contract(function)
        named = scopes(of_the_contract("contacts.opt-in") if "as in `opt-in`" in contract else contract)
        assert named and scopes(doc) == named, (function, named)
        assert re.search(r"\b[Rr]equests?\b", doc)
        # What an error means in this function alone, by the exception's name.
        errors = contract.partition("Errors:")[2]
        for code in re.findall(r"`([a-z-]+)`(?:: | also | names )", errors):
            assert f"`{BY_CODE[code].__name__}`" in doc, (function, code)


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    for file in [file for file in SOURCE.rglob("*.py") if not file.name.startswith("_")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield file.name, node


def is_text(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_fields() -> None:
    seen = 0
    for file, node in classes():
        assert ast.get_docstring(node), (file, node.name)
        for field, behind in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                if not field.target.id.startswith("_"):
                    assert is_text(behind), f"{file}: {node.name}.{field.target.id} says nothing of itself"
                    seen += 1
            if isinstance(field, ast.FunctionDef) and not field.name.startswith("_"):
                inherited = field.name in ("after_fork", "send", "close")
                assert ast.get_docstring(field) or inherited, f"{file}: {node.name}.{field.name}"
    assert seen > 180


def test_what_an_error_has() -> None:
    """Each attribute that an error sets is told of behind it."""
    (node,) = [node for file, node in classes() if node.name == "KlaviyoError"]
    (init,) = [each for each in node.body if isinstance(each, ast.FunctionDef)]
    for statement, behind in zip(init.body, [*init.body[1:], None], strict=True):
        if isinstance(statement, ast.Assign):
            assert is_text(behind), ast.unparse(statement)


@pytest.mark.parametrize("name", klaviyo_connector.__all__)
def test_names(name: str) -> None:
    """Each name that a program can import says what it is: a class by its docstring, a type by the text behind it."""
    value = getattr(klaviyo_connector, name)
    if isinstance(value, type) and typing.get_origin(value) is None:
        assert value.__doc__ and not value.__doc__.startswith(f"{name}("), name
        return
    for file in SOURCE.rglob("*.py"):
        body = ast.parse(file.read_text()).body
        for statement, behind in zip(body, [*body[1:], None], strict=True):
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
                assert is_text(behind), f"{file.name}: {name} says nothing of itself"
                return
    pytest.fail(f"{name} is nowhere")
