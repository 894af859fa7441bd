"""The corpus, and that the replayer is strict: whatever differs is found."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import compare
import fixture
import pytest
from replay import METHODS, Replayer


@pytest.fixture(scope="module")
def replayer(component: Path) -> Replayer:
    return Replayer(component)


@pytest.mark.parametrize("file", fixture.files(), ids=lambda file: str(file.relative_to(fixture.CORPUS)))
def test_corpus(replayer: Replayer, file: Path) -> None:
    assert replayer.case(file.read_text()) == []


def test_what_cannot_be_said_is_not_taken(replayer: Replayer) -> None:
    (difference,) = replayer.case(fixture.UNSAYABLE.read_text())
    assert "no other word" in difference


def test_the_corpus_has_every_function() -> None:
    functions = {json.loads(file.read_text())["call"]["function"] for file in fixture.files()}
    assert functions == METHODS.keys()


SUBSCRIBE: dict[str, Any] = {
    "name": "subscribe",
    "call": {"function": "contacts.subscribe", "arguments": ["Y6nRLr", ["01X"]]},
    "exchanges": [
        {
            "request": {
                "method": "POST",
                "url": "https://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/",
                "headers": {"Revision": "2025-01-15", "content-type": "application/vnd.api+json"},
                "auth": "Klaviyo-API-Key",
                "json": {"data": [{"id": "01X", "type": "profile"}]},
            },
            "response": {"status": 204},
        }
    ],
    "returns": {"ok": 1},
}
REQUEST = "exchanges/0/request"


def altered(pointer: str, value: Any) -> str:
    """The fixture with one value replaced."""
    whole = copy.deepcopy(SUBSCRIBE)
    *path, name = pointer.split("/")
    at: Any = whole
    for step in path:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if isinstance(at, list):
        at.append(value)
    else:
        at[name] = value
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("name", "same"),
        (f"{REQUEST}/url", "https://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles"),
        (f"{REQUEST}/url", "https://a.klaviyo.com/api/lists/%59%36nRLr/relationships/profiles/"),
    ],
)
def test_a_case_that_goes_as_written_passes(replayer: Replayer, pointer: str, value: Any) -> None:
    assert replayer.case(altered(pointer, value)) == []


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        (f"{REQUEST}/method", "PATCH"),
        (f"{REQUEST}/auth", "Bearer"),
        (f"{REQUEST}/url", "https://a.klaviyo.com/api/lists/Other/relationships/profiles/"),
        (f"{REQUEST}/url", "http://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/"),
        (f"{REQUEST}/url", "https://b.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/"),
        (f"{REQUEST}/url", "https://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/?a=b"),
        (f"{REQUEST}/url", "https://a.klaviyo.com/api/lists%2FY6nRLr/relationships/profiles/"),
        (f"{REQUEST}/headers/revision", "2026-01-15"),
        (f"{REQUEST}/headers/x-more", ""),
        (f"{REQUEST}/headers/x-more", 1),
        (f"{REQUEST}/json", {"data": []}),
        (f"{REQUEST}/json", {"data": [{"id": "01X", "type": "profile", "x": 1}]}),
        (f"{REQUEST}/json", {"data": [{"id": "01Y", "type": "profile"}]}),
        (f"{REQUEST}/body", ""),
        ("exchanges/-", SUBSCRIBE["exchanges"][0]),
        ("exchanges", []),
        ("returns", {"ok": 2}),
        ("returns", {"ok": True}),
        ("returns", {"ok": 1.0}),
        ("returns", {"err": {"code": "other"}}),
        ("returns", {"ok": 1, "err": {}}),
        ("call/function", "contacts.nothing"),
        ("call/function", "lists.all"),
        ("call/arguments", [7, ["01X"]]),
        ("call/arguments", ["Y6nRLr", "01X"]),
        ("call/arguments", ["Y6nRLr"]),
        ("call/arguments", ["Y6nRLr", ["01X"], None]),
        ("exchanges/0/response", {"status": 204, "text": "", "json": {}}),
        ("exchanges/0/response", {"status": 204, "error": {"timeout": ""}}),
        ("exchanges/0/response", {"error": {"unheard-of": ""}}),
        ("exchanges/0/response", {}),
        ("exchanges/0/response", {"status": 204, "base64": "?"}),
        ("exchanges/0/response", {"status": True}),
        ("exchanges/0/response/statsu", 204),
        ("unknown", 1),
    ],
)
def test_whatever_differs_fails(replayer: Replayer, pointer: str, value: Any) -> None:
    assert replayer.case(altered(pointer, value)) != []


@pytest.mark.parametrize(
    ("returns", "passes"),
    [
        ({"ok-includes": {"email": "a@b"}}, True),
        ({"ok-includes": {"email": "a@b", "warnings": []}}, True),
        ({"ok-includes": {"last-name": None}}, True),
        ({"ok-includes": {"email": "b@a"}}, False),
        ({"ok-includes": {"warnings": ["x"]}}, False),
        ({"ok-includes": {"unheard-of": 1}}, False),
        ({"ok": {"id": "01X", "email": "a@b", "properties": "{}", "warnings": []}}, True),
        ({"ok": {"id": "01X", "email": "a@b", "properties": "{}"}}, True),
        ({"ok": {"id": "01X", "email": "a@b", "warnings": []}}, False),
        ({"ok": {"id": "01X", "email": "a@b", "properties": "{}", "warnings": None}}, False),
        ({"ok": {"id": "01X"}}, False),
    ],
)
def test_included_fields_are_compared_at_every_depth(replayer: Replayer, returns: Any, passes: bool) -> None:
    profile = {"data": {"id": "01X", "attributes": {"email": "a@b"}}}
    url = "https://a.klaviyo.com/api/profiles/01X/"
    case = {
        "name": "lookup",
        "call": {"function": "contacts.lookup", "arguments": [{"id": "01X"}]},
        "exchanges": [
            {
                "request": {"method": "GET", "url": url, "auth": "Klaviyo-API-Key"},
                "response": {"status": 200, "json": profile},
            }
        ],
        "returns": returns,
    }
    assert (replayer.case(json.dumps(case)) == []) is passes


def test_arguments_and_fields_may_be_left_out(replayer: Replayer) -> None:
    nobody = {"name": "", "call": {"function": "consent.revoke", "arguments": [[]]}, "returns": {"ok": {"accepted": 0}}}
    assert replayer.case(json.dumps(nobody)) == []
    no_channels = {
        "name": "",
        "call": {"function": "consent.revoke", "arguments": [[{"email": "a@b.co"}]]},
        "returns": {"ok-includes": {"accepted": 0, "refused": [{"index": 0}]}},
    }
    assert replayer.case(json.dumps(no_channels)) == []


@pytest.mark.parametrize(
    ("digits", "expected", "passes"),
    [
        ("12345678901234567890.10", "12345678901234567890.10", True),
        ("12345678901234567890.10", "12345678901234567890.1", False),
        ("12345678901234567890", "12345678901234567891", False),
    ],
)
def test_a_number_keeps_its_digits(replayer: Replayer, digits: str, expected: str, passes: bool) -> None:
    case = """{
        "name": "digits",
        "call": {"function": "contacts.upsert", "arguments": [{"external-id": "1", "properties": "{\\"n\\":DIGITS}"}]},
        "exchanges": [{
            "request": {
                "method": "POST", "url": "https://a.klaviyo.com/api/profile-import/", "auth": "Klaviyo-API-Key",
                "json": {"data": {"type": "profile", "attributes": {
                    "external_id": "1", "properties": {"n": EXPECTED}
                }}}
            },
            "response": {
                "status": 200, "json": {"data": {"id": "01X", "attributes": {"properties": {"n": DIGITS}}}}
            }
        }],
        "returns": {"ok-includes": {"profile": {"properties": "{\\"n\\":EXPECTED}"}}}
    }"""
    case = case.replace("DIGITS", digits).replace("EXPECTED", expected)
    assert (replayer.case(case) == []) == passes


def test_what_is_sent_is_encoded_byte_for_byte() -> None:
    for url in ("https://h/?a=b%20c", "https://h/a%2Fb?x=%22&y=%C3%A9", "https://h/"):
        assert compare.raw_url(url) == []
    for url in (
        *("https://h/?a=b c", 'https://h/?a="', "https://h/?a=+", "https://h/?a=é", "https://h/?a=1%"),
        *("https://h/?a=%zz", "https://h/?a=b#c", "https://h/a/../b", "https://h/a/%2e%2E/b", "https://h/a b"),
        *("https://H/", "https://h", "h/a", ""),
    ):
        assert compare.raw_url(url) != [], url


def test_the_host_s_headers_are_not_the_component_s() -> None:
    expected = {"method": "GET", "url": "https://h/", "auth": "Klaviyo-API-Key"}
    for headers, differences in (([], 0), ([("Authorization", "x")], 1), ([("host", "h")], 1)):
        sent = compare.Sent("GET", "https://h/", headers, "Klaviyo-API-Key", b"")
        assert len(compare.request(expected, sent)) == differences
