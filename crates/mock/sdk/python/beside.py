"""Klaviyo's own SDK for Python beside the connector, at one account: what the one writes the other reads, and both read
the same. Prints each step that passed; a line that begins with `? ` is a call of the connector."""

import json
import os
import time

from alike import audience, dated, event, get, group, joined, known, member, person, read, segment
from klaviyo_api import KlaviyoAPI

LIST, SEGMENT = "Y6nRLr", "Tq5hBs"
SINCE = "2025-01-01T00:00:00Z"

klaviyo = KlaviyoAPI(os.environ["KLAVIYO_API_KEY"], max_retries=3, test_host=os.environ["KLAVIYO_URL"])


def connector(function, *arguments):
    """What a function of the connector returns."""
    print("? " + json.dumps([function, arguments]), flush=True)
    answer = json.loads(input())
    assert "ok" in answer, answer
    return answer["ok"]


def same(step, one, other):
    assert one == other, f"{step}:\n  the SDK:       {one}\n  the connector: {other}"
    print(step, flush=True)


def pages(call, *arguments, **options):
    """All items of a collection, and what is included, by the SDK's paging."""
    items, included, cursor = [], {}, None
    while True:
        page = call(*arguments, page_cursor=cursor, **options)
        items += get(page, "data")
        more = get(page, "included") if options.get("include") else None
        included.update((get(each, "id"), get(each, "attributes", "name")) for each in more or [])
        cursor = get(page, "links", "next")
        if cursor is None:
            return items, included


def collection(*arguments, **options):
    return pages(*arguments, **options)[0]


def until(what, poll):
    deadline = time.monotonic() + 30
    while not (found := poll()):
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
    return found


def profile(**attributes):
    return {"data": {"type": "profile", "attributes": attributes}}


def events(**options):
    """Events as the connector has them."""
    items, metrics = pages(klaviyo.Events.get_events, include=["metric"], **options)
    return [event(item, metrics) for item in items]


def members(function, id):
    """All members, by the connector's cursors."""
    found, cursor = [], None
    while True:
        page = connector(function, id, cursor)
        found += map(joined, page["members"])
        cursor = page["next"]
        if cursor is None:
            return found


def changes(function, position, *group):
    """All that changed, and the cursor for the next look."""
    found = []
    while True:
        page = connector(function, *group, position)
        found += page["items"]
        position = {"cursor": page["cursor"]}
        if not page["more"]:
            return found, position


# People, and what they did. The SDK writes the one half, the connector the other.
people = [
    get(klaviyo.Profiles.create_profile(profile(email=f"p{n}@example.com", external_id=f"c-{n}")), "data", "id")
    for n in range(3)
]
priya, noah, mei = people
klaviyo.Events.create_event({
    "data": {
        "type": "event",
        "attributes": {
            "properties": {"OrderId": "1001", "note": '"quoted" 😀', "__proto__": {"a": [1, None, True]}},
            "time": "2026-01-05T10:00:00Z",
            "value": 1499.5,
            "value_currency": "INR",
            "unique_id": "order-1001",
            "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
            "profile": {"data": {"type": "profile", "attributes": {"email": "p0@example.com"}}},
        },
    }
})
connector(
    "events.track",
    {
        "metric": "Placed Order",
        "profile": {"id": noah},
        "unique-id": "order-1002",
        "time": "2026-01-06T10:00:00Z",
        "value": "20.25",
        "value-currency": "INR",
        "properties": '{"OrderId":"1002","note":"\\u0022quoted\\u0022 \\ud83d\\ude00"}',
    },
)
visits = [
    {
        "metric": 'Visited "the" site 😀',
        "profile": {"external-id": "c-0"},
        "unique-id": f"visit-{n}",
        "time": f"2026-02-01T10:{n // 60:02}:{n % 60:02}Z",
        "properties": json.dumps({"page": n}),
    }
    for n in range(205)
]
assert connector("events.track-many", visits)["accepted"] == 205
klaviyo.Events.bulk_create_events({
    "data": {
        "type": "event-bulk-create-job",
        "attributes": {
            "events-bulk-create": {
                "data": [
                    {
                        "type": "event-bulk-create",
                        "attributes": {
                            "profile": {"data": {"type": "profile", "attributes": {"email": "p2@example.com"}}},
                            "events": {
                                "data": [
                                    {
                                        "type": "event",
                                        "attributes": {
                                            "properties": {"n": n},
                                            "time": f"2026-03-01T10:00:0{n}Z",
                                            "unique_id": f"mail-{n}",
                                            "metric": {
                                                "data": {"type": "metric", "attributes": {"name": "Opened Email"}}
                                            },
                                        },
                                    }
                                    for n in range(3)
                                ]
                            },
                        },
                    }
                ]
            }
        },
    }
})
until("the events did not appear", lambda: len(events(page_size=1000)) == 210)


def history(by, period, **options):
    return [read(each) for each in connector("events.history", by, {"limit": 1000, **period})["events"]]


for step, by, id, count in [
    ("a history by email, of several pages", {"email": "p0@example.com"}, priya, 206),
    ("a history by id, of what the connector tracked", {"id": noah}, noah, 1),
    ("a history by external id, of what the SDK tracked", {"external-id": "c-2"}, mei, 3),
]:
    listed = events(filter=f'equals(profile_id,"{id}")', sort="-datetime", page_size=100)
    assert len(listed) == count, len(listed)
    same(step, listed, history(by, {}))

period = "greater-or-equal(datetime,2026-02-01T10:00:10Z),less-than(datetime,2026-02-01T10:00:20Z)"
listed = events(filter=f'equals(profile_id,"{priya}"),{period}', sort="-datetime", page_size=3)
assert len(listed) == 10, len(listed)
same(
    "a history of a period",
    listed,
    history({"id": priya}, {"since": "2026-02-01T10:00:10Z", "until": "2026-02-01T10:00:20Z"}),
)

metrics = [
    group(item) | {"integration": get(item, "attributes", "integration", "name")}
    for item in collection(klaviyo.Metrics.get_metrics)
]
assert len(metrics) == 3, metrics
same("the metrics", metrics, [dated(each) for each in connector("events.metrics")])

# Lists and segments.
klaviyo.Lists.add_profiles_to_list(LIST, {"data": [{"type": "profile", "id": id} for id in (priya, noah)]})
connector("contacts.subscribe", LIST, [mei])
connector("contacts.subscribe", "More03", [mei])
found = collection(klaviyo.Lists.get_profiles_for_list, LIST, page_size=2, sort="joined_group_at")
assert {get(each, "id") for each in found} == set(people)
same("the members of a list", [member(each) for each in found], members("lists.members", LIST))
lists = get(klaviyo.Profiles.get_lists_for_profile(mei), "data")
assert len(lists) == 2, lists
same(
    "the lists of a profile",
    [audience(each) for each in lists],
    [dated(each) for each in connector("lists.of-profile", mei)],
)
same(
    "all segments",
    [segment(each) for each in collection(klaviyo.Segments.get_segments)],
    [dated(each) for each in connector("segments.all")],
)
found = collection(klaviyo.Segments.get_profiles_for_segment, SEGMENT, page_size=1, sort="joined_group_at")
assert {get(each, "id") for each in found} == {priya, noah}
same("the members of a segment", [member(each) for each in found], members("segments.members", SEGMENT))
segments = get(klaviyo.Profiles.get_segments_for_profile(priya), "data")
assert [get(each, "id") for each in segments] == [SEGMENT]
same(
    "the segments of a profile",
    [segment(each) for each in segments],
    [dated(each) for each in connector("segments.of-profile", priya)],
)

# One profile that both change.
written = connector(
    "contacts.update",
    priya,
    [
        {"set": {"first-name": "Priya", "title": "Dr.", "properties": '{"plan":"pro","tags":["a"]}'}},
        {"append": '{"sizes":"M"}'},
    ],
)
assert (written["first-name"], json.loads(written["properties"])["plan"]) == ("Priya", "pro")
shown = get(klaviyo.Profiles.get_profile(priya), "data")
klaviyo.Profiles.update_profile(
    priya,
    {
        "data": {
            "type": "profile",
            "id": priya,
            "attributes": {"last_name": "Nair", "title": None},
            "meta": {"patch_properties": {"append": {"tags": "b"}, "unset": "sizes"}},
        }
    },
)
then = get(klaviyo.Profiles.get_profile(priya), "data")
assert person(then)["properties"] == {"plan": "pro", "tags": ["a", "b"]}, person(then)
same(
    "a profile that both changed",
    [person(shown), person(then)],
    [known(written), known(connector("contacts.lookup", {"id": priya}))],
)

account = get(klaviyo.Accounts.get_accounts(), "data", 0)
contact = get(account, "attributes", "contact_information")
same(
    "the account",
    {
        "id": get(account, "id"),
        "organization": get(contact, "organization_name"),
        "sender-name": get(contact, "default_sender_name"),
        "sender-email": get(contact, "default_sender_email"),
        "website": get(contact, "website_url"),
        "industry": get(account, "attributes", "industry"),
        "timezone": get(account, "attributes", "timezone"),
        "currency": get(account, "attributes", "preferred_currency"),
        "locale": get(account, "attributes", "locale"),
        "test": get(account, "attributes", "test_account"),
    },
    connector("account.get"),
)

# What changed since, and what changed after that.
start = {"since": {"time": SINCE}}


def joined_since(call, id):
    since = f"greater-or-equal(joined_group_at,{SINCE})"
    return [member(item) for item in collection(call, id, filter=since, sort="joined_group_at", page_size=1)]


def listed_changes():
    return (
        [
            person(item)
            for item in collection(
                klaviyo.Profiles.get_profiles, filter=f"greater-than(updated,{SINCE})", sort="updated", page_size=2
            )
        ],
        joined_since(klaviyo.Lists.get_profiles_for_list, LIST),
        joined_since(klaviyo.Segments.get_profiles_for_segment, SEGMENT),
        events(filter=f"greater-or-equal(datetime,{SINCE})", sort="datetime", page_size=100),
    )


def look(profiles, on_list, in_segment, happened):
    """What changed since these positions, and those of the next look."""
    looks = [
        (known, *changes("changes.profiles", profiles)),
        (joined, *changes("changes.members", on_list, {"list": LIST})),
        (joined, *changes("changes.members", in_segment, {"segment": SEGMENT})),
        (read, *changes("changes.events", happened)),
    ]
    return tuple([read_as(item) for item in items] for read_as, items, _ in looks), [next for *_, next in looks]


told, positions = look(start, start, start, start)
expected = listed_changes()
assert [len(each) for each in expected] == [3, 3, 2, 210], [len(each) for each in expected]
same("what changed since", expected, told)

klaviyo.Profiles.update_profile(
    noah, {"data": {"type": "profile", "id": noah, "attributes": {"last_name": "Okafor"}}}
)
kim = get(klaviyo.Profiles.create_profile(profile(email="kim@example.com")), "data", "id")
klaviyo.Lists.add_profiles_to_list(LIST, {"data": [{"type": "profile", "id": kim}]})
connector(
    "events.track",
    {"metric": "Placed Order", "profile": {"id": kim}, "unique-id": "order-1003", "time": "2026-03-02T10:00:00Z"},
)
until("the event did not appear", lambda: len(events(page_size=1000)) == 211)
told, _ = look(*positions)
expected = listed_changes()
assert kim in [each["id"] for each, _ in expected[2]], expected[2]
known_before = {priya, mei}
same(
    "what changed after that",
    (
        [each for each in expected[0] if each["id"] not in known_before],
        [each for each in expected[1] if each[0]["id"] == kim],
        [each for each in expected[2] if each[0]["id"] == kim],
        [each for each in expected[3] if each["profile-id"] == kim],
    ),
    told,
)
