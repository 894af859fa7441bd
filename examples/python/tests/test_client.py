"""What callers do, and what they do wrong."""

from __future__ import annotations

import gc
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from klaviyo_connector import (
    ApiRequest,
    Append,
    Bounds,
    Clear,
    ConfigurationError,
    ConsentOptions,
    Cursor,
    Detail,
    Email,
    ExternalId,
    Historical,
    HttpRequest,
    HttpResponse,
    Id,
    InvalidInput,
    Klaviyo,
    KlaviyoError,
    LimitExceeded,
    Limits,
    ListId,
    Location,
    NewEvent,
    NewProfile,
    Pace,
    Period,
    Permission,
    RateLimited,
    SegmentId,
    Set,
    Since,
    Subscription,
    TimedOut,
    TooLarge,
    Unappend,
    Unset,
    errors,
)
from klaviyo_connector import _functions, _lift

KEY = "pk_canary_9d1f0c7e5b3a8642"


class Answering:
    def __init__(self, status: int = 200, body: bytes = b'{"data":[]}') -> None:
        self.answer = HttpResponse(status, (), body)
        self.sent: list[HttpRequest] = []
        self.closed = 0

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        self.sent.append(request)
        return self.answer

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(scope="module")
def client(component: Path) -> Any:
    transport = Answering()
    with Klaviyo(KEY, transport=transport, component=component) as klaviyo:
        yield klaviyo
    assert transport.sent == [], "a test of wrong arguments has sent something"


class Text(str):
    """With methods of its own, which are not trusted."""

    def encode(self, *_: Any, **__: Any) -> bytes:
        return b"\xff"


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


PRIYA = NewProfile(email="priya@example.com")


@pytest.mark.parametrize(
    ("function", "arguments", "field"),
    [
        ("lookup", ["priya@example.com"], "by"),
        ("lookup", [None], "by"),
        ("lookup", [Email], "by"),
        ("lookup", [Email(7)], "by.value"),  # type: ignore[arg-type]
        ("lookup", [Email(None)], "by.value"),  # type: ignore[arg-type]
        ("lookup", [Id(b"01X")], "by.value"),  # type: ignore[arg-type]
        ("lookup_many", [Email("a@example.com")], "identifiers"),
        ("lookup_many", [[Email("a@example.com"), "b"]], "identifiers[1]"),
        ("lookup_many", ["ab"], "identifiers"),
        ("find_list", [True], "name"),
        ("find_list", [b"x"], "name"),
        ("create", [NewProfile], "profile"),
        ("create", [NewProfile(email=True)], "profile.email"),  # type: ignore[arg-type]
        ("opt_in", [PRIYA, None], "list"),
        ("opt_in", [PRIYA, 7], "list"),
        ("subscribe", ["Y6nRLr", "01X"], "profiles"),
        ("subscribe", ["Y6nRLr", {"01X": 1}], "profiles"),
        ("subscribe", ["Y6nRLr", 7], "profiles"),
        ("subscribe", ["Y6nRLr", ["01X", 7]], "profiles[1]"),
        ("grant_consent", [[Subscription([7])]], "subscriptions[0].channels[0]"),  # type: ignore[list-item]
        ("grant_consent", [PRIYA], "subscriptions"),
        ("revoke_consent", [[PRIYA]], "unsubscriptions[0]"),
        ("submit_import", [PRIYA], "contacts"),
        ("submit_import", [[PRIYA, None]], "contacts[1]"),
        ("submit_import", [[NewProfile(properties=7)]], "contacts[0].properties"),  # type: ignore[arg-type]
        ("import_status", [7], "job"),
        ("check_import", [[PRIYA, NewProfile(location="Pune")]], "contacts[1].location"),  # type: ignore[arg-type]
        ("create", [NewProfile(location=Location(latitude=19.07))], "profile.location.latitude"),  # type: ignore[arg-type]
        ("update", ["01X", Clear("title")], "changes"),
        ("update", ["01X", [Clear("title"), "locale"]], "changes[1]"),
        ("update", ["01X", [Set(PRIYA), Unset(7)]], "changes[1].property"),  # type: ignore[arg-type]
        ("upsert", [NewProfile(properties=[1])], "profile.properties"),  # type: ignore[arg-type]
        ("create", [["email"]], "profile"),
        ("history", [Id("01X"), Period(since=date(2026, 1, 5))], "period.since"),  # type: ignore[arg-type]
        ("opt_in", [PRIYA, "Y6nRLr", ["email"]], "consent"),
        ("opt_in_many", [[PRIYA, "priya@example.com"], "Y6nRLr"], "contacts[1]"),
        ("opt_out", [[PRIYA], ["whatsapp"]], "people[0]"),
        ("opt_out", [[Id("01X")], [], "Y6nRLr"], "lists"),
        ("remove_from_list", ["Y6nRLr", "01X"], "profiles"),
        ("segment_members", [7], "segment"),
        ("suppress", ["priya@example.com"], "emails"),
        ("delete_profiles", ["priya@example.com"], "by"),
        ("track", [NewEvent("Placed Order", PRIYA, "1")], "event.profile"),  # type: ignore[arg-type]
        ("track_many", [[NewEvent("Placed Order", Id("01X"), "1", value=7)]], "events[0].value"),  # type: ignore[arg-type]
        ("history", [Id("01X"), Period(limit="7")], "period.limit"),  # type: ignore[arg-type]
        ("history", [Id("01X"), Period(limit=True)], "period.limit"),
        ("history", [Id("01X"), 7], "period"),
        ("changed_profiles", ["2026-01-01T00:00:00Z"], "from_"),
        ("changed_profiles", [Since(7)], "from_.time"),  # type: ignore[arg-type]
        ("changed_profiles", [Since("2026-01-01T00:00:00Z", 0.5)], "from_.look_back"),  # type: ignore[arg-type]
        ("joined_members", ["Y6nRLr", Cursor("x")], "of"),
        ("joined_members", [SegmentId(7), Cursor("x")], "of.value"),  # type: ignore[arg-type]
        ("new_events", [Cursor(None)], "from_.value"),  # type: ignore[arg-type]
    ],
)
def test_arguments_of_another_type(client: Klaviyo, function: str, arguments: list[Any], field: str) -> None:
    with pytest.raises(TypeError) as refused:
        getattr(client, function)(*arguments)
    assert str(refused.value).startswith(f"{field}: expected ")
    assert "priya@" not in str(refused.value)


def test_named_arguments_of_another_type(client: Klaviyo) -> None:
    options = ConsentOptions(historical_import=Historical(now=7))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"options\.historical_import\.now: expected datetime with a time zone, or str"):
        client.grant_consent([], options=options)
    with pytest.raises(TypeError, match="newer_than: "):
        client.imports(newer_than=7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "pointer"),
    [
        (lambda client: client.lookup(Email("\ud800@example.com")), "by.value"),
        (lambda client: client.create(NewProfile(email="a@example.com", first_name="\udfff")), "profile.first_name"),
        (lambda client: client.submit_import([PRIYA, NewProfile(properties="\ud800")]), "contacts[1].properties"),
        (lambda client: client.lookup(Email("nobody")), "by.value"),
        (lambda client: client.lookup(Email("")), "by.value"),
        (lambda client: client.lookup(Id("..")), "by.value"),
        (lambda client: client.find_list(""), "name"),
        (lambda client: client.history(Id("01X"), Period(limit=-1)), "period.limit"),
        (lambda client: client.history(Id("01X"), Period(limit=1 << 32)), "period.limit"),
        (lambda client: client.changed_profiles(Since("yesterday")), "from_.time"),
        (lambda client: client.joined_members(ListId(""), Since("2026-01-01T00:00:00Z")), "of"),
        (lambda client: client.new_events(Cursor("x")), "from_.value"),
        (lambda client: client.update("01X", []), None),
        (lambda client: client.create(NewProfile()), None),
        (lambda client: client.call_api(ApiRequest("put", "/api/lists")), "request.method"),  # type: ignore[arg-type]
        (lambda client: client.create(NewProfile(email="a@example.com", properties="[]")), "profile.properties"),
        (lambda client: client.create({"email": "a@example.com", "phone": "+919820000001"}), "profile"),
        (lambda client: client.create({"email": "a@example.com", 7: ""}), "profile"),
        (lambda client: client.create({"email": "a@example.com", "location": {"town": "Pune"}}), "profile.location"),
        (lambda client: client.track({"metric": "Placed Order"}), "event"),
        (lambda client: client.create(NewProfile(properties={"a": float("nan")})), "profile.properties.a"),
        (lambda client: client.create(NewProfile(properties={"a": {1, 2}})), "profile.properties.a"),
        (lambda client: client.create(NewProfile(properties={(1, 2): "a"})), "profile.properties"),  # type: ignore[dict-item]
        (lambda client: client.create(NewProfile(properties=nested(100_000))), "profile.properties"),
        (lambda client: client.create(NewProfile(properties={"a": "\ud800"})), "profile.properties.a"),
        (lambda client: client.changed_profiles(Since(datetime(2026, 1, 5))), "from_.time"),
    ],
)
def test_text_that_cannot_work(client: Klaviyo, call: Any, pointer: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        call(client)
    (detail,) = refused.value.details
    assert refused.value.code == "invalid-input"
    assert pointer is None or detail.pointer == pointer


def test_what_is_refused_is_told_what_is_taken(client: Klaviyo) -> None:
    with pytest.raises(InvalidInput, match="no field 'phone'; its fields are email, phone_number, "):
        client.create({"email": "a@example.com", "phone": "+919820000001"})
    with pytest.raises(TypeError, match="profile: expected NewProfile, or a mapping of its fields, got int"):
        client.create(7)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="datetime has no time zone; .* timezone.utc"):
        client.history(Id("01X"), Period(until=datetime(2026, 1, 5)))


def test_mappings_datetimes_and_single_words(component: Path) -> None:
    """They are sent as the records, the texts and the lists that they stand for."""
    properties = {"tags": ["a", "é"], "paid": True, "n": None}
    text = '{"tags":["a","é"],"paid":true,"n":null}'
    moment, written = datetime(2026, 1, 5, 18, tzinfo=timezone(timedelta(hours=1))), "2026-01-05T18:00:00+01:00"
    location = Location(city="Pune")
    calls: list[list[Any]] = [
        [
            lambda client: client.create({"email": "a@example.com", "properties": properties, "location": {"city": "Pune"}}),
            lambda client: client.create(NewProfile(email="a@example.com", properties=text, location=location)),
        ],
        [
            lambda client: client.update("01X", [Set(NewProfile(title="t")), Append({"tags": "b"}), Unappend({"x": 1})]),
            lambda client: client.update("01X", [Set(NewProfile(title="t")), Append('{"tags":"b"}'), Unappend('{"x":1}')]),
        ],
        [
            lambda client: client.track(NewEvent("Placed Order", Id("01X"), "1", time=moment, properties=properties)),
            lambda client: client.track(NewEvent("Placed Order", Id("01X"), "1", time=written, properties=text)),
        ],
        [
            lambda client: client.changed_profiles(Since(moment)),
            lambda client: client.changed_profiles(Since(written)),
        ],
        [
            lambda client: client.grant_consent([Subscription("email", email="a@example.com")], list="Y6nRLr"),
            lambda client: client.grant_consent([Subscription(["email"], email="a@example.com")], list="Y6nRLr"),
        ],
        [
            lambda client: client.submit_import([{"email": "a@example.com", "properties": properties}]),
            lambda client: client.submit_import([NewProfile(email="a@example.com", properties=text)]),
        ],
    ]
    for both in calls:
        sent = []
        for call in both:
            transport = Answering(500, b"{}")
            with Klaviyo(KEY, transport=transport, component=component, pace=Pace.unlimited()) as klaviyo:
                try:
                    call(klaviyo)
                except InvalidInput:
                    raise
                except KlaviyoError:
                    pass
            sent.append([(request.method, request.url, request.body) for request in transport.sent])
        assert sent[0] == sent[1] and len(sent[0]) == 1


def test_text_of_a_subclass(component: Path) -> None:
    transport = Answering()
    with Klaviyo(KEY, transport=transport, component=component) as klaviyo:
        assert klaviyo.lookup(Email(Text("priya@example.com"))) is None
    assert "priya%40example.com" in transport.sent[0].url


def test_odd_text_is_encoded(component: Path) -> None:
    transport = Answering()
    with Klaviyo(KEY, transport=transport, component=component) as klaviyo:
        assert klaviyo.lookup(ExternalId("../\0?#%\r\nx: y\u202e😀z")) is None
        with pytest.raises(KlaviyoError):
            klaviyo.import_status("x: y\u202e😀&=")
        # Such an id would be read in two ways.
        with pytest.raises(InvalidInput):
            klaviyo.import_status("../\0?#%")
    found, status = transport.sent
    assert all(request.url.isascii() and request.url.isprintable() for request in transport.sent)
    assert "..%2F%00%3F%23%25%0D%0A" in found.url
    assert status.url.startswith("https://a.klaviyo.com/api/profile-bulk-import-jobs/x%3A%20y%E2%80%AE")


def rows(number: int) -> list[NewProfile]:
    return [NewProfile(email=f"{row}@example.com", properties='{"x":"' + "y" * 900 + '"}') for row in range(number)]


def test_a_large_import_is_one_request(component: Path) -> None:
    transport = Answering(202, b'{"data":{"type":"profile-bulk-import-job","id":"J"}}')
    with Klaviyo(KEY, transport=transport, component=component) as klaviyo:
        (job,) = klaviyo.submit_import(rows(4_500)).jobs
    assert len(job.rows) == 4_500
    (request,) = transport.sent
    assert 4_000_000 < len(request.body) <= Limits().request_bytes


def test_an_import_that_is_too_large_keeps_the_jobs_before(component: Path) -> None:
    transport = Answering(202, b'{"data":{"type":"profile-bulk-import-job","id":"J"}}')
    small = [NewProfile(email=f"small{row}@example.com") for row in range(10_000)]
    with Klaviyo(KEY, transport=transport, limits=Limits(request_bytes=2_000_000), component=component) as klaviyo:
        submission = klaviyo.submit_import([*small, *rows(4_500)])
    assert isinstance(submission.stopped, TooLarge) and "Limits.request_bytes" in str(submission.stopped)
    assert [len(job.rows) for job in submission.jobs] == [10_000] and submission.stopped.done == 10_000
    assert len(transport.sent) == 1


def test_closing(component: Path) -> None:
    transport = Answering()
    klaviyo = Klaviyo(KEY, transport=transport, component=component)
    klaviyo.lookup(Email("priya@example.com"))
    klaviyo.close()
    klaviyo.close()
    assert transport.closed == 1
    with pytest.raises(RuntimeError, match="closed"):
        klaviyo.lookup(Email("priya@example.com"))


def test_what_is_not_closed_is_closed_with_its_last_use(component: Path) -> None:
    transport = Answering()
    klaviyo = Klaviyo(KEY, transport=transport, component=component)
    klaviyo.lookup(Email("priya@example.com"))
    del klaviyo
    gc.collect()
    assert transport.closed == 1


def test_the_thread_ends_when_there_are_no_calls(client: Klaviyo) -> None:
    ticker = client._sandbox._compiled.ticker
    for _ in range(2):
        with pytest.raises(InvalidInput):
            client.lookup(Email("nobody"))
        assert ticker._runs
        until = time.monotonic() + 10
        while ticker._runs:
            assert time.monotonic() < until
            time.sleep(0.05)


class Waiting(Answering):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.release = threading.Event(), threading.Event()

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        self.asked.set()
        assert self.release.wait(10)
        return super().send(request, bounds)


def test_closing_lets_calls_finish(component: Path) -> None:
    transport = Waiting()
    klaviyo = Klaviyo(KEY, transport=transport, component=component)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(klaviyo.lookup, Email("priya@example.com"))
        assert transport.asked.wait(10)
        klaviyo.close()
        transport.release.set()
        assert call.result() is None


def test_waiting_is_not_computing(component: Path) -> None:
    class Slow(Answering):
        def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
            threading.Event().wait(0.5)
            return super().send(request, bounds)

    with Klaviyo(KEY, transport=Slow(), limits=Limits(cpu=0.3), component=component) as klaviyo:
        assert klaviyo.lookup(Email("priya@example.com")) is None


def test_a_call_within_a_call(component: Path) -> None:
    inner = Klaviyo(KEY, transport=Answering(), component=component)

    class Nested(Answering):
        def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
            assert inner.lookup(Email("meera@example.com")) is None
            return super().send(request, bounds)

    with inner, Klaviyo(KEY, transport=Nested(), component=component) as klaviyo:
        assert klaviyo.lookup(Email("priya@example.com")) is None


@pytest.mark.parametrize(
    "endpoint",
    [
        *("", "x", "127.0.0.1:4010", "ftp://x", "http://", "http://x/y", "http://x?y", "http://x#y", "http://a@x"),
        *("http://x:0", "http://x:99999", "http://x:y", "http://x y", "http://x\r\n", "http://\ud800", " http://x"),
    ],
)
def test_endpoints_that_are_none(component: Path, endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="endpoint: "):
        Klaviyo(KEY, endpoint=endpoint, component=component)


def test_endpoints(component: Path) -> None:
    for endpoint in ("http://127.0.0.1:4010", "https://proxy.example.com/", "http://[::1]:4010", "https://h:65535"):
        transport = Answering()
        with Klaviyo(KEY, endpoint=endpoint, transport=transport, component=component) as klaviyo:
            klaviyo.lookup(Email("priya@example.com"))
        assert transport.sent[0].url.startswith(endpoint.rstrip("/") + "/api/profiles/?")
    with pytest.raises(ConfigurationError, match="endpoint: "):
        Klaviyo(KEY, endpoint=7, component=component)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -1, 1 << 40, True, "7", None, float("nan"), float("inf"), 1.5])
def test_limits_that_are_none(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="Limits.memory: "):
        Limits(memory=value)
    if value != 1.5:
        with pytest.raises(ConfigurationError, match="Limits.time: "):
            Limits(time=value)


def test_whatever_cannot_be_made_is_an_error_of_klaviyo_s(component: Path, tmp_path: Path) -> None:
    wrong: list[dict[str, Any]] = [{"limits": 7}, {"pace": 7}, {"api": "write"}, {"component": tmp_path / "none.wasm"}]
    for named in wrong:
        with pytest.raises(KlaviyoError, match=f"{next(iter(named))}"):
            Klaviyo(KEY, **{"component": component, **named})


def test_options_of_one_call(component: Path) -> None:
    transport = Answering()
    klaviyo = Klaviyo(KEY, transport=transport, component=component)
    # The client that it comes of is held by it alone.
    hurried = Klaviyo(KEY, transport=Answering(), component=component).with_options(timeout=0.00001)
    gc.collect()
    with pytest.raises(TimedOut, match="the timeout of 1e-05 s"):
        hurried.lookup(Email("priya@example.com"))
    newer = klaviyo.with_options(revision="2099-01-15").with_options(timeout=30)
    for client in (klaviyo, newer, klaviyo.with_options(revision="2001-01-15")):
        assert client.lookup(Email("priya@example.com")) is None
    own, raised, lowered = [dict(request.headers)["revision"] for request in transport.sent]
    assert own == lowered != "2099-01-15" == raised
    for wrong in ({"timeout": 0}, {"timeout": "5"}, {"revision": "next"}, {"revision": 2026}):
        with pytest.raises(ConfigurationError):
            klaviyo.with_options(**wrong)
    klaviyo.close()
    with pytest.raises(RuntimeError, match="closed"):
        newer.lookup(Email("priya@example.com"))


def test_errors_survive_pickling() -> None:
    detail = Detail("c", "t", "d", None)
    limited = RateLimited("wait", code="rate-limited", status=429, retry_after=7, details=(detail,), done=3)
    for error in (limited, LimitExceeded("stopped", limit="cpu"), KlaviyoError("x", code="of-a-later-version")):
        same = pickle.loads(pickle.dumps(error))
        assert (type(same), str(same), vars(same)) == (type(error), str(error), vars(error))


def test_every_code_of_the_contract_has_a_class() -> None:
    contract = (Path(__file__).parents[3] / "wit" / "types.wit").read_text()
    block = contract.partition("enum code {")[2].partition("}")[0]
    lines = [line.strip() for line in block.splitlines()]
    codes = {line.rstrip(",") for line in lines if line and not line.startswith("///")}
    assert codes == errors.BY_CODE.keys() | {"other"}


def test_a_code_of_a_later_version() -> None:
    empty: dict[str, Any] = {"status": None, "retry-after": None, "details": [], "duplicate": None, "request-id": None}
    value = {"code": ("brand-new", None), "message": "new", "body": "", "done": 0, **empty}
    error = _lift.error(value, _functions.LOOKUP.spelling)
    assert type(error) is KlaviyoError and error.code == "brand-new"
