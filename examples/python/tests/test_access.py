"""What `api.call` may ask for, and that no other function can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from klaviyo_connector import ApiAccess, Bounds, ConfigurationError, HttpRequest, HttpResponse, Klaviyo, Limits, Pace, Usage
from klaviyo_connector._cancel import Cancellation
from klaviyo_connector._clock import Clock
from klaviyo_connector._import import Failure, Request
from klaviyo_connector._outbound_http import OutboundHttp, OutboundSettings
from klaviyo_connector._pacer import Pacer
from klaviyo_connector._revision import RevisionNotes
from klaviyo_connector._secret import Secret
from klaviyo_connector.access import ambiguity, refusal

CASES = json.loads((Path(__file__).parents[3] / "host-test/cases/api-access.json").read_text())
KEY = "pk_canary_9d1f0c7e5b3a8642"


def access_of(case: Any) -> ApiAccess | None:
    return None if case["allow"] == "none" else ApiAccess(case["allow"], case["below"])


@pytest.mark.parametrize("case", CASES["cases"])
def test_what_is_allowed_is_permitted_and_nothing_else(case: Any) -> None:
    for requests, permitted in ((case["permitted"], True), (case["refused"], False)):
        for request in requests:
            method, _, path = request.partition(" ")
            assert (refusal(access_of(case), method, path) is None) is permitted, request


def test_no_function_may_ask_for_a_path_that_can_be_read_in_two_ways() -> None:
    paths = CASES["every-function"]
    assert len(paths["permitted"]) > 5 and len(paths["refused"]) > 30
    for path in paths["permitted"]:
        assert ambiguity(path) is None, path
    for path in paths["refused"]:
        assert ambiguity(path) is not None, path


@pytest.mark.parametrize("path", CASES["no-paths"])
def test_what_is_no_path_of_the_api(path: str) -> None:
    with pytest.raises(ConfigurationError, match="ApiAccess.below: "):
        ApiAccess("all", [path])


def test_paths_are_read_once() -> None:
    access = ApiAccess("read", (path for path in ["/api/events"]))
    for _ in range(2):
        assert refusal(access, "GET", "/api/events/") is None
        assert refusal(access, "GET", "/api/lists/") is not None


@pytest.mark.parametrize("api", ["", "none", "READ", True, 7, ["read"]])
def test_options_that_are_none(component: Path, api: Any) -> None:
    with pytest.raises(ConfigurationError, match="api: "):
        Klaviyo(KEY, api=api, component=component)


@pytest.mark.parametrize("below", ["/api/events", [7], [None]])
def test_paths_of_another_type(below: Any) -> None:
    with pytest.raises(ConfigurationError, match="ApiAccess.below: "):
        ApiAccess("all", below)


class Recorder:
    def __init__(self) -> None:
        self.sent: list[HttpRequest] = []

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        self.sent.append(request)
        return HttpResponse(200, (), b"")

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("called", "function", "api", "method", "path", "sent"),
    [
        ("lists.all", "lists.all", None, "get", "/api/lists/", True),
        ("lists.all", "lists.all", None, "get", "/api/lists/..%2fwebhooks/", False),
        ("lists.all", "contacts.lookup", None, "get", "/api/lists/", False),
        ("lists.all", "api.call", ApiAccess("all"), "get", "/api/lists/", False),
        ("lists.all", "", None, "get", "/api/lists/", False),
        ("lists.all", "LISTS.ALL", None, "get", "/api/lists/", False),
        ("api.call", "lists.all", None, "get", "/api/lists/", False),
        ("api.call", "api.call", None, "get", "/api/webhooks/", False),
        ("api.call", "api.call", ApiAccess("read"), "get", "/api/webhooks/?a=../b", True),
        ("api.call", "api.call", ApiAccess("read"), "post", "/api/webhooks/", False),
        ("api.call", "api.call", ApiAccess("all"), "delete", "/api/webhooks/x/", True),
        ("api.call", "api.call", ApiAccess("all", ["/api/events"]), "get", "/api/events//", False),
        ("api.call", "api.call", ApiAccess("all", ["/api/events"]), "get", "/api/webhooks/?/api/events/", False),
    ],
)
def test_requests(called: str, function: str, api: ApiAccess | None, method: str, path: str, sent: bool) -> None:
    recorder = Recorder()
    url = f"https://a.klaviyo.com{path}"
    pacer = Pacer(Pace.unlimited())
    settings = OutboundSettings(
        Limits(), Secret(KEY), "https://a.klaviyo.com", recorder, api, pacer, RevisionNotes()
    )
    usage, cancellation = Usage(), Cancellation()
    clock = Clock(settings.limits, None, cancellation.begun, usage)
    outbound = OutboundHttp(settings, called, clock, usage, cancellation)
    request = Request(method, url, headers=[], auth="Klaviyo-API-Key", body=b"", function=function)
    answer = outbound.send(request)
    assert [(each.method, each.url) for each in recorder.sent] == ([(method.upper(), url)] if sent else [])
    assert sent or (isinstance(answer, Failure) and answer.kind == "denied")
