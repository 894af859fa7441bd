"""Fields have one spelling, the caller's own, at every depth and whoever refuses."""

from __future__ import annotations

import dataclasses
import decimal
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import fixture
import pytest
from servers import Simulator
from test_client import Answering

from klaviyo_connector import (
    ApiParameter,
    ApiRequest,
    Append,
    Clear,
    Cursor,
    Detail,
    Email,
    ExternalId,
    InvalidInput,
    Klaviyo,
    ListId,
    Location,
    NewEvent,
    NewProfile,
    NotFound,
    Pace,
    Permission,
    PhoneNumber,
    RateLimited,
    Refused,
    Set,
    Since,
    Subscription,
    Unset,
)
from klaviyo_connector import _functions as functions
from klaviyo_connector._names import METHODS

KEY = "pk_canary_9d1f0c7e5b3a8642"
PRIYA = NewProfile(email="priya@example.com")


@pytest.fixture(scope="module")
def client(component: Path) -> Any:
    with Klaviyo(KEY, transport=Answering(), component=component, api="all", pace=Pace.unlimited()) as klaviyo:
        yield klaviyo


Call = Callable[[Klaviyo], object]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        # The connector refuses.
        (lambda client: client.lookup(PhoneNumber("7")), "by.value"),
        (lambda client: client.lookup_many([Email("a@b.in"), PhoneNumber("7")]), "identifiers[1].value"),
        (lambda client: client.delete_profiles(ExternalId("7")), "by.value"),
        (lambda client: client.create(NewProfile(phone_number="7")), "profile.phone_number"),
        (lambda client: client.create(NewProfile(email="a@b.in", location=Location(latitude="91"))), "profile.location.latitude"),
        (lambda client: client.opt_in(NewProfile(phone_number="7"), "Y6nRLr"), "contact.phone_number"),
        (lambda client: client.opt_in(PRIYA, "Y6nRLr", Permission([])), "consent.channels"),
        (lambda client: client.update("01X", [Set(PRIYA), Set(NewProfile(phone_number="7"))]), "changes[1].phone_number"),
        (lambda client: client.update("01X", [Set(NewProfile(first_name="a")), Clear("first_name")]), "changes[1].first_name"),
        (lambda client: client.update("01X", [Clear("shoe_size")]), "changes[0].field"),
        (lambda client: client.update("01X", [Append("[]")]), "changes[0].properties"),
        (lambda client: client.subscribe("Y6nRLr", ["01X", ""]), "profiles[1]"),
        (lambda client: client.opt_out([Email("a@b.in")], [], ["Y6nRLr", ""]), "lists[1]"),
        (lambda client: client.track(NewEvent("Placed Order", PhoneNumber("7"), "1")), "event.profile.value"),
        (lambda client: client.track(NewEvent("Placed Order", Email("a@b.in"), "")), "event.unique_id"),
        (lambda client: client.track(NewEvent("Placed Order", Email("a@b.in"), "1", value_currency="x y")), "event.value_currency"),
        (lambda client: client.changed_profiles(Since("2026-01-01T00:00:00Z", 86_401)), "from_.look_back"),
        (lambda client: client.joined_members(ListId("Y6nRLr"), Cursor("x")), "from_.value"),
        (lambda client: client.imports(newer_than=""), "newer_than"),
        (lambda client: client.call_api(ApiRequest("get", "/api/lists", [ApiParameter("", "x")])), "request.query[0].name"),
        # The package refuses.
        (lambda client: client.create({"phone_number": "\ud800"}), "profile.phone_number"),
        (lambda client: client.opt_in_many([PRIYA, {"phone_number": "\ud800"}], "Y6nRLr"), "contacts[1].phone_number"),
        (lambda client: client.update("01X", [Unset("a"), Unset("\ud800")]), "changes[1].property"),
        (lambda client: client.create(NewProfile(properties={"a": [1, {"b c": {1}}]})), "profile.properties.a[1][…]"),
    ],
)
def test_refused(client: Klaviyo, call: Call, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        call(client)
    (detail,) = refused.value.details
    assert detail.pointer == field
    assert str(refused.value).startswith(f"{field}: {detail.detail}")
    assert refused.value.args == (refused.value.message,)


def test_refused_items(client: Klaviyo) -> None:
    """A reason of an item names its field as the item does."""
    wrong = NewProfile(phone_number="7")
    (refusal,) = client.check_import([PRIYA, wrong])
    assert (refusal.index, refusal.reason.pointer) == (1, "phone_number")
    (refused,) = client.opt_in_many([wrong], "Y6nRLr").outcomes
    assert isinstance(refused, Refused) and refused.reason.pointer == "phone_number"
    (staying,) = client.opt_out([PhoneNumber("7")], ["sms"]).outcomes
    assert isinstance(staying, Refused) and staying.reason.pointer == "phone_number"
    (refusal,) = client.track_many([NewEvent("Placed Order", Email("a@b.in"), "")]).refused
    assert refusal.reason.pointer == "unique_id"
    (refusal,) = client.track_many([NewEvent("Placed Order", PhoneNumber("7"), "1")]).refused
    assert refusal.reason.pointer == "profile.value"
    consented = Subscription(["email"], email="a@b.in", consented_at="2026-01-01T00:00:00Z")
    (refusal,) = client.grant_consent([consented], list="Y6nRLr").refused
    assert refusal.reason.pointer == "consented_at"


def test_sentences(client: Klaviyo, component: Path) -> None:
    with pytest.raises(InvalidInput, match="an email, a phone number or an external id is needed"):
        client.create(NewProfile())
    with pytest.raises(InvalidInput, match="there are email, phone_number, external_id, first_name, "):
        client.update("01X", [Clear("shoe_size")])
    limited = Answering(429, b"{}")
    hurried = Klaviyo(KEY, transport=limited, component=component, pace=Pace.unlimited()).with_options(timeout=0.2)
    with pytest.raises(RateLimited, match="`retry_after`") as refused:
        hurried.lookup(Email("a@b.in"))
    assert "retry-after" not in str(refused.value)


def test_functions(component: Path) -> None:
    """Sentences name functions as the package does, and repeat Klaviyo's words as they are."""
    assert METHODS.keys() == {each.name for each in functions.ALL}
    theirs = "lists.find, `retry-after` and `request-id` are words of a list's name"
    problem = {"id": "1", "status": 404, "code": "x", "title": "x", "detail": theirs}
    lost = Answering(404, json.dumps({"errors": [problem]}).encode())
    with Klaviyo(KEY, transport=lost, component=component) as klaviyo, pytest.raises(NotFound) as refused:
        klaviyo.subscribe("WhatsApp Opt-Ins", ["01X"])
    before, repeated, behind = str(refused.value).partition(theirs)
    assert repeated and "find_list" in behind and "lists.find" not in before + behind
    cut = Answering(404, json.dumps({"errors": [{**problem, "detail": theirs * 100}]}).encode())
    with Klaviyo(KEY, transport=cut, component=component) as klaviyo, pytest.raises(NotFound) as refused:
        klaviyo.subscribe("WhatsApp Opt-Ins", ["01X"])
    assert str(refused.value).count("find_list") == 1


def test_warnings(simulator: Simulator, component: Path) -> None:
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
        klaviyo.opt_in({"email": "priya@example.com", "first_name": "Priya"}, "Y6nRLr")
        changed = {"email": "priya@example.com", "first_name": "P.", "phone_number": "+919820000001"}
        (warning,) = klaviyo.opt_in(changed, "Y6nRLr").warnings
    assert warning.startswith("first_name, phone_number: ")


def test_clearing_by_the_package_s_names(simulator: Simulator, component: Path) -> None:
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
        contact = NewProfile(email="priya@example.com", first_name="Priya", location=Location(city="Pune"))
        id = klaviyo.opt_in(contact, "Y6nRLr").profile_id
        cleared = klaviyo.update(id, [Clear("first_name"), Clear("location.city")])
    assert cleared.first_name is None and (cleared.location is None or cleared.location.city is None)


def test_no_name_of_the_contract_is_left() -> None:
    """In whatever the corpus has the connector refuse or warn of."""
    everything = {file: json.loads(file.read_text()) for file in fixture.files()}
    seen = 0
    for file, whole in everything.items():
        spelling = next(each.spelling for each in functions.ALL if each.name == whole["call"]["function"])
        for value in _within(whole["returns"]):
            if isinstance(value, dict) and value.get("code") == "invalid-input" and "pointer" in value:
                detail = Detail("invalid-input", "", value.get("detail", ""), value["pointer"])
                for in_item in (False, True):
                    spelled = spelling.detail(detail, in_item=in_item)
                    own = (spelled.pointer or "").partition("properties")[0]
                    assert not re.search("[-/]", own), (file, spelled)
                    assert not re.search("[a-z]-(number|id|name|of|at|currency)", spelled.detail), (file, spelled)
                seen += 1
            elif isinstance(value, dict) and isinstance(value.get("warnings"), list):
                for warning in map(spelling.warning, value["warnings"]):
                    assert "-" not in warning.partition(": ")[0] or ": " not in warning, (file, warning)
                    seen += 1
    assert seen > 100


def test_a_path_without_end() -> None:
    """From a component that means harm."""
    endless = "contact" + "/location" * 100_000
    assert functions.OPT_IN.spelling.path(endless, in_item=False) == endless


def _within(value: Any) -> Any:
    yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _within(each)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({1, 2}, "JSON has no set; take a list"),
        (decimal.Decimal("1.5"), "JSON has no Decimal; "),
        (datetime(2026, 1, 5, tzinfo=timezone.utc), "JSON has no datetime; .*isoformat"),
        (uuid.UUID(int=7), "JSON has no UUID; "),
        (b"secret", "JSON has no bytes; "),
        (float("nan"), "JSON has no nan; "),
        (float("-inf"), "JSON has no -inf; "),
        ({(1, 2): 3}, "the name of a property is a str, and this one is a tuple"),
        (Email, "JSON has no class; "),
        (PRIYA, "JSON has no NewProfile; "),
    ],
)
def test_what_json_has_not_is_named(client: Klaviyo, value: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=f"^profile.properties.a.b: ({sentence})") as refused:
        client.create(NewProfile(properties={"ok": [1, None], "a": {"b": value}}))
    assert "secret" not in str(refused.value) and "priya@" not in str(refused.value)


def test_too_deep(client: Klaviyo) -> None:
    deep: dict[str, Any] = {}
    deep["a"] = deep
    with pytest.raises(InvalidInput, match="^profile.properties: it has more than 200 levels"):
        client.create(NewProfile(properties=deep))


def test_unknown_keywords_are_refused_by_name(client: Klaviyo, component: Path) -> None:
    from klaviyo_connector import AsyncKlaviyo, Limits

    calls: list[Callable[..., object]] = [
        *(getattr(client, name) for name in ("lookup", "opt_in", "lists", "with_options")),
        *(Klaviyo, AsyncKlaviyo, Limits, NewProfile, Pace.times),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="'tiemout'"):
            call(tiemout=5)
    with pytest.raises(InvalidInput, match="no field 'tiemout'; its fields are email, "):
        client.create({"tiemout": 5})
    with pytest.raises(TypeError, match="by: expected Email or PhoneNumber or ExternalId or Id, got the class Email itself"):
        client.lookup(Email)  # type: ignore[arg-type]


def test_missing_fields_are_named(client: Klaviyo) -> None:
    with pytest.raises(InvalidInput, match="^event: it has no profile, unique_id, which NewEvent needs"):
        client.track({"metric": "Placed Order"})  # type: ignore[arg-type]


def test_properties_come_back_as_a_dict(component: Path) -> None:
    """Long whole numbers are exact; each digit of any number is in the text."""
    text = '{"n":123456789012345678901234567890,"price":12.10,"tags":["a","é"],"none":null}'
    body = '{"data":[{"type":"profile","id":"01X","attributes":{"email":"a@b.in","properties":%s}}]}' % text
    with Klaviyo(KEY, transport=Answering(200, body.encode()), component=component) as klaviyo:
        person = klaviyo.lookup(Email("a@b.in"))
    assert person is not None
    assert person.properties == {"n": 123456789012345678901234567890, "price": 12.1, "tags": ["a", "é"], "none": None}
    assert isinstance(person.properties["n"], int)
    assert person.properties_json == text
    # Nobody changes it for another.
    person.properties["n"] = 7
    assert person.properties["n"] != 7
    assert hash(person) == hash(dataclasses.replace(person))
    # It goes back in as it came.
    assert NewProfile(properties=person.properties).properties == person.properties
    for broken in ('{"n":' + "1" * 5_000 + "}", '{"a":' * 100_000 + "1" + "}" * 100_000):
        other = dataclasses.replace(person, properties_json=broken)
        assert len(other.properties_json) > 4_000
        try:
            assert other.properties
        except ValueError as error:
            assert "properties_json" in str(error)
