"""Over real sockets, against the simulator."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from servers import Simulator

from klaviyo_connector import (
    ApiAccess,
    ApiParameter,
    ApiRequest,
    Append,
    Clear,
    Created,
    Cursor,
    Denied,
    Departed,
    Email,
    Enrolled,
    Existing,
    Id,
    InvalidInput,
    Klaviyo,
    ListId,
    Location,
    NewEvent,
    NewProfile,
    NotFound,
    Permission,
    PhoneNumber,
    Refused,
    Removal,
    Revocation,
    SegmentId,
    Set,
    Since,
    Subscription,
    Unappend,
    Unauthenticated,
    Unset,
)

LIST = "Y6nRLr"
PRIYA = NewProfile(email="priya@example.com", phone_number="+91 98200 00001", first_name="Priya")


def test_opt_in(simulator: Simulator, component: Path) -> None:
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
        receipt = klaviyo.opt_in(PRIYA, LIST)
        again = klaviyo.opt_in(PRIYA, list=LIST)
        profile = klaviyo.lookup(Email("priya@example.com"))
    assert (receipt.created, again.created) == (True, False)
    assert receipt.profile_id == again.profile_id
    assert profile is not None and profile.phone_number == "+919820000001"
    (account,) = simulator.state()["accounts"]
    (members,) = [one["members"] for one in account["lists"] if one["id"] == LIST]
    assert members == [receipt.profile_id]


def test_the_other_functions(simulator: Simulator, component: Path) -> None:
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
        assert LIST in [one.id for one in klaviyo.lists()]
        found = klaviyo.find_list("WhatsApp Opt-Ins")
        assert found is not None and found.id == LIST
        created = klaviyo.create(PRIYA)
        assert isinstance(created, Created)
        assert klaviyo.create(PRIYA) == Existing(created.profile.id)
        assert klaviyo.upsert(NewProfile(email="priya@example.com", last_name="Sharma")).profile.last_name == "Sharma"
        assert klaviyo.subscribe(LIST, (id for id in [created.profile.id])) == 1
        both = klaviyo.lookup_many([Email("nobody@example.com"), Email("priya@example.com")])
        assert both[0] is None and both[1] is not None
        outcome = klaviyo.grant_consent(
            [
                Subscription(channels=["email"], email="priya@example.com"),
                Subscription(channels=["sms"], email="meera@example.com"),
            ],
            list=LIST,
        )
        assert outcome.accepted == 1 and outcome.stopped is None
        assert [(one.index, one.reason.pointer) for one in outcome.refused] == [(1, "phone_number")]
        submission = klaviyo.submit_import([NewProfile(email="meera@example.com"), NewProfile(email="x")], list=LIST)
        assert [one.index for one in submission.refused] == [1]
        (submitted,) = submission.jobs
        assert submitted.rows == (0,)
        assert klaviyo.import_status(submitted.job).status in ("queued", "processing", "complete")
        assert [job.id for job in klaviyo.imports()] == [submitted.job]
        assert klaviyo.import_failures(submitted.job) == []


def test_opt_in_with_consent(simulator: Simulator, component: Path) -> None:
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
        receipt = klaviyo.opt_in(PRIYA, LIST, Permission(["email", "whatsapp"], custom_source="bot"))
        assert [(each.channel, each.refused) for each in receipt.consent] == [("email", None), ("whatsapp", None)]
        consents = klaviyo.consents(Id(receipt.profile_id))
        assert consents is not None
        # Klaviyo works on consent later.
        assert {"email", "whatsapp"} <= {each.channel for each in consents.channels}
        many = klaviyo.opt_in_many([PRIYA, NewProfile(email="x"), NewProfile(email="meera@example.com")], LIST)
    assert many.stopped is None
    match many.outcomes:
        case (Enrolled(priya), Refused(reason), Enrolled(meera)):
            assert (priya.created, reason.pointer, meera.created) == (False, "email", True)
        case other:
            raise AssertionError(other)


def test_opt_out(simulator: Simulator, component: Path) -> None:
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
        id = klaviyo.opt_in(PRIYA, LIST).profile_id
        left = klaviyo.opt_out(
            [Id(id), PhoneNumber("7"), PhoneNumber("+919820000009")], ["whatsapp"], [LIST, "Abc123"]
        )
        assert klaviyo.list_members(LIST).members == ()
    assert left.stopped is None and left.missing_lists == ("Abc123",)
    match left.outcomes:
        case (Departed(priya), Refused(reason), Departed(stranger)):
            assert (priya.profile_id, stranger.profile_id, reason.pointer) == (id, None, "phone_number")
            assert priya.lists == (Removal(LIST, None),)
            assert stranger.consent == (Revocation("whatsapp", False, None),)
        case other:
            raise AssertionError(other)


def test_changes_and_groups(simulator: Simulator, component: Path) -> None:
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
        id = klaviyo.opt_in(PRIYA, LIST).profile_id
        new = NewProfile(location=Location(city="Pune"), properties='{"tags":["a"]}')
        changed = klaviyo.update(id, [Set(new), Clear("first-name")])
        assert changed.location is not None and changed.location.city == "Pune" and changed.first_name is None
        assert klaviyo.update(id, [Append('{"tags":"b"}')]).properties == {"tags": ["a", "b"]}
        assert klaviyo.update(id, [Unappend({"tags": "a"})]).properties == {"tags": ["b"]}
        assert klaviyo.update(id, [Unset("tags")]).properties_json == "{}"
        created = klaviyo.create_list("New")
        assert klaviyo.find_list("New") == created
        assert [one.id for one in klaviyo.lists_of_profile(id)] == [LIST]
        assert [member.profile.id for member in klaviyo.list_members(LIST).members] == [id]
        assert klaviyo.remove_from_list(LIST, [id]) == 1
        assert klaviyo.list_members(LIST).members == ()
        assert klaviyo.segments_of_profile(id) == []
        assert [segment for segment in klaviyo.segments() if not segment.id] == []
        klaviyo.track(NewEvent("Placed Order", Id(id), "1001", value="84.50"))
        assert klaviyo.track_many([NewEvent("Placed Order", Id(id), "1002"), NewEvent("", Id(id), "1")]).accepted == 1
        assert klaviyo.suppress(["priya@example.com", "x"]).accepted == 1
        assert klaviyo.unsuppress(["priya@example.com"]).stopped is None
        assert klaviyo.account_details().id
        assert [refusal.index for refusal in klaviyo.check_import([PRIYA, NewProfile(email="x")])] == [1]
        klaviyo.delete_profiles(Id(id))


def test_what_changed_is_told_once(simulator: Simulator, component: Path) -> None:
    since = Since("2026-01-01T00:00:00Z", look_back=60)
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
        id = klaviyo.opt_in(PRIYA, LIST).profile_id
        assert [profile.id for profile in klaviyo.changed_profiles(since).items] == [id]
        joined = klaviyo.joined_members(ListId(LIST), since)
        assert ([member.profile.id for member in joined.items], joined.more) == ([id], False)
        assert klaviyo.joined_members(ListId(LIST), Cursor(joined.cursor)).items == ()
        with pytest.raises(InvalidInput):
            klaviyo.joined_members(SegmentId("XyZ123"), Cursor(joined.cursor))
        page, told = klaviyo.new_events(since), []
        for metric in ("Viewed Product", "Placed Order"):
            klaviyo.track(NewEvent(metric, Id(id), "1"))
            until = time.monotonic() + 10
            # Klaviyo shows events after a while.
            while metric not in told:
                assert time.monotonic() < until
                page = klaviyo.new_events(Cursor(page.cursor))
                told += [event.metric for event in page.items]
        assert told == ["Viewed Product", "Placed Order"]


def test_any_other_request_is_sent_where_it_is_allowed(simulator: Simulator, component: Path) -> None:
    people = ApiRequest("get", "/api/profiles", [ApiParameter("page[size]", "2")])
    new = ApiRequest("post", "/api/lists", body='{"data":{"type":"list","attributes":{"name":"New"}}}')

    def account(api: ApiAccess | None) -> Klaviyo:
        return Klaviyo(simulator.key, endpoint=simulator.url, component=component, api=api)

    with account(None) as klaviyo:
        receipts = klaviyo.opt_in_many([NewProfile(email=f"contact{number}@example.com") for number in range(5)], LIST)
        ids = {one.receipt.profile_id for one in receipts.outcomes if isinstance(one, Enrolled)}
        with pytest.raises(Denied):
            klaviyo.call_api(people)
    with account(ApiAccess("read", below=["/api/profiles"])) as klaviyo:
        pages = [klaviyo.call_api(people)]
        while pages[-1].next is not None:
            pages.append(klaviyo.call_api(replace(people, query=pages[-1].next)))
        read = [[one["id"] for one in json.loads(page.body)["data"]] for page in pages]
        assert [len(page) for page in read] == [2, 2, 1] and {id for page in read for id in page} == ids
        for denied in (replace(people, path="/api/lists"), replace(new, path="/api/profiles"), new):
            with pytest.raises(Denied):
                klaviyo.call_api(denied)
        with pytest.raises(InvalidInput):
            klaviyo.call_api(replace(people, path="/api/profiles/../lists"))
        assert klaviyo.find_list("New") is None
    with account(ApiAccess("all")) as klaviyo:
        assert klaviyo.call_api(new).status == 201
        assert klaviyo.find_list("New") is not None


def test_a_wrong_key_and_a_missing_list(simulator: Simulator, component: Path) -> None:
    with Klaviyo("pk_wrong_000000000000", endpoint=simulator.url, component=component) as klaviyo:
        with pytest.raises(Unauthenticated) as unauthenticated:
            klaviyo.lists()
        assert (unauthenticated.value.code, unauthenticated.value.status) == ("unauthenticated", 401)
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
        with pytest.raises(NotFound) as missing:
            klaviyo.opt_in(PRIYA, "NoList")
        assert missing.value.status == 404 and missing.value.request_id
        assert klaviyo.opt_in(PRIYA, LIST).list_id == LIST


def test_threads_share_one_client(simulator: Simulator, component: Path) -> None:
    contacts = [NewProfile(email=f"contact{number}@example.com") for number in range(60)]
    with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
        with ThreadPoolExecutor(8) as pool:
            receipts = list(pool.map(lambda contact: klaviyo.opt_in(contact, LIST), contacts))
        ids = [receipt.profile_id for receipt in receipts]
        # Each thread has got the answers to its own requests.
        profiles = klaviyo.lookup_many(Email(f"contact{number}@example.com") for number in range(60))
    assert len(set(ids)) == 60
    assert [profile and profile.id for profile in profiles] == ids
