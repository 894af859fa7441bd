"""Klaviyo's rates, and what is repeated, as `klaviyo-host` has both."""

from __future__ import annotations

import heapq
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import servers
from servers import NOBODY, Server, http

from klaviyo_connector import (
    Bounds,
    ConfigurationError,
    Email,
    HttpRequest,
    HttpResponse,
    Klaviyo,
    KlaviyoError,
    Limits,
    NewProfile,
    Pace,
    RateLimited,
    TimedOut,
    TransportFailure,
    Unavailable,
    _accounts,
    _pacer,
    _retry,
)
from klaviyo_connector._cancel import Cancellation, Cancelled
from klaviyo_connector._endpoint import Endpoint
from klaviyo_connector._pacer import Pacer, Permit
from klaviyo_connector._secret import Secret

KEY = "pk_canary_9d1f0c7e5b3a8642"
LIST = "Y6nRLr"
LOOK_UP = Endpoint.of("GET", "/api/profiles/")
ADD = Endpoint.of("POST", "/api/lists/x/relationships/profiles/")
CREATE_LIST = Endpoint.of("POST", "/api/lists")


class Clock:
    """Time that passes when somebody waits for it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def condition(self, lock: threading.Lock) -> Any:
        clock = self

        class Condition(threading.Condition):
            def wait(self, timeout: float | None = None) -> bool:
                assert timeout is not None
                clock.now += timeout
                return False

        return Condition(lock)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    class Threading:
        Lock = threading.Lock
        Condition = staticmethod(clock.condition)

    monkeypatch.setattr(_pacer, "time", clock)
    monkeypatch.setattr(_pacer, "threading", Threading)
    return clock


def permit(pacer: Pacer, until: float, endpoint: Endpoint = ADD) -> Permit | None:
    return pacer.permit(endpoint, until, Cancellation())


def sent_within(pacer: Pacer, clock: Clock, seconds: float, endpoint: Endpoint = ADD) -> list[float]:
    """When requests go out, each of which is answered at once."""
    until, sent = clock.now + seconds, []
    while turn := permit(pacer, until, endpoint):
        with turn:
            sent.append(clock.now)
    return sent


def lookups(pacer: Pacer, clock: Clock, trips: Iterable[tuple[float, float]]) -> float:
    """Lookups at once, each of which the server counts some seconds after it was sent and some before it is answered; the
    time in which they end. The server never counts more than it takes."""
    begin, waiting, counted = clock.now, deque(trips), list[float]()
    under_way: list[tuple[float, int, Permit]] = []
    while waiting or under_way:
        until = under_way[0][0] if under_way else float("inf")
        if waiting and (turn := permit(pacer, until, LOOK_UP)):
            there, back = waiting.popleft()
            counted.append(clock.now + there)
            heapq.heappush(under_way, (clock.now + there + back, len(waiting), turn))
        else:
            clock.now, _, turn = heapq.heappop(under_way)
            with turn:
                turn.learn(200, {})
    counted.sort()
    assert all(later - first >= 0.999 for first, later in zip(counted, counted[75:]))
    return clock.now - begin


def room_after_ten(pacer: Pacer, clock: Clock, answered_after: float, status: int | None) -> float:
    """Ten additions to a list at once, with answers after a time; after how long there is room for another."""
    clock.now += 60
    begin = clock.now
    ten = [permit(pacer, begin + 1) for _ in range(10)]
    clock.now += answered_after
    for turn in ten:
        assert turn is not None
        with turn:
            if status is not None:
                turn.learn(status, {})
    another = permit(pacer, begin + 60)
    assert another is not None
    with another:
        return round(clock.now - begin, 6)


def test_what_the_server_counts_keeps_to_the_rate_and_is_no_slower(clock: Clock) -> None:
    pacer = Pacer(Pace.published())
    lookups(pacer, clock, [(0.1, 0.2)])
    clock.now += 60
    # 75 at once, and 75 in each of five seconds after that.
    assert lookups(pacer, clock, [(0.1, 0.2)] * 400) == pytest.approx(5.3)


def test_round_trips_that_differ_keep_to_the_rate(clock: Clock) -> None:
    pacer = Pacer(Pace.published())
    for _ in range(2):
        lookups(pacer, clock, [(0.02, 0.03)])
    clock.now += 60
    trips = [((20 + n * 37 % 181) / 1e3, (30 + n * 53 % 251) / 1e3) for n in range(400)]
    assert lookups(pacer, clock, trips) < 5 + 5 * 0.43


def test_connections_that_are_made_are_no_part_of_the_least_round_trip(clock: Clock) -> None:
    # The first ones make a connection each.
    lookups(Pacer(Pace.published()), clock, [(0.45 if n < 75 else 0.05, 0.05) for n in range(300)])


def test_an_answer_that_comes_sooner_lowers_the_least_round_trip_if_it_is_a_success(clock: Clock) -> None:
    pacer = Pacer(Pace.published())
    # Until it is known, a request counts from its answer.
    assert room_after_ten(pacer, clock, 0.3, 200) == 1.3
    assert room_after_ten(pacer, clock, 0.3, 200) == 1
    for status in (429, 400, None):
        assert room_after_ten(pacer, clock, 0.01, status) == 1.01
        assert room_after_ten(pacer, clock, 0.3, 200) == 1
    assert room_after_ten(pacer, clock, 0.01, 200) == 1
    assert room_after_ten(pacer, clock, 0.3, 200) == 1.29


def test_a_success_makes_room_before_a_request_that_ended_earlier_without_an_answer(clock: Clock) -> None:
    pacer = Pacer(Pace.published())
    for _ in range(2):
        room_after_ten(pacer, clock, 0.3, 200)
    clock.now += 60
    begin = clock.now
    broken, *nine = [permit(pacer, begin + 1) for _ in range(10)]
    clock.now = begin + 0.1
    assert broken is not None
    with broken:
        pass
    clock.now = begin + 0.3
    for turn in nine:
        assert turn is not None
        with turn:
            turn.learn(200, {})
    assert permit(pacer, begin + 60) is not None
    assert clock.now == pytest.approx(begin + 1)


def test_the_least_round_trip_is_bounded(clock: Clock) -> None:
    pacer = Pacer(Pace.published())
    room_after_ten(pacer, clock, 5, 200)
    assert room_after_ten(pacer, clock, 9, 200) == 9.5


def test_ten_a_second_and_a_hundred_and_fifty_a_minute(clock: Clock) -> None:
    sent = sent_within(Pacer(Pace.published()), clock, 119)
    assert all(later - first >= 1 for first, later in zip(sent, sent[10:]))
    assert all(later - first >= 60 for first, later in zip(sent, sent[150:]))
    # And no slower than allowed.
    assert len(sent) == 300


def test_a_hundred_and_fifty_new_lists_a_day(clock: Clock) -> None:
    pacer, begin = Pacer(Pace.published()), clock.now
    assert len(sent_within(pacer, clock, 24 * 3600 - 1, CREATE_LIST)) == 150
    assert clock.now - begin < 60, "it waited for what cannot come"
    assert permit(pacer, begin + 24 * 3600 + 60, CREATE_LIST)


def test_a_request_without_an_answer_counts_until_its_window_after_its_end(clock: Clock) -> None:
    pacer = Pacer(Pace.published())
    slow = [permit(pacer, clock.now + 1) for _ in range(10)]
    assert permit(pacer, clock.now + 5) is None
    for each in slow:
        assert each is not None
        with each:
            pass
    assert permit(pacer, clock.now + 0.9) is None
    assert permit(pacer, clock.now + 1.1) is not None


def test_answers_tighten_the_pace_and_never_loosen_it_beyond_what_is_published(clock: Clock) -> None:
    pacer = Pacer(Pace.published())

    def learn(value: str) -> None:
        turn = permit(pacer, clock.now + 3600)
        assert turn is not None
        with turn:
            turn.learn(200, {"ratelimit-limit": value})

    learn("3, 3;w=1, 100000;w=60")
    clock.now += 61
    sent = sent_within(pacer, clock, 59)
    assert len(sent) == 150 and all(later - first >= 1 for first, later in zip(sent, sent[3:]))
    for odd in ("", "x", ";w=1", "0;w=1", f"{10**20};w=1", f"1;w={10**20}", "1;w=", ",,", "٣;w=1"):
        learn(odd)


@pytest.mark.parametrize(
    ("pace", "count", "reset", "turn_after"),
    [
        (Pace.unlimited(), 1, "7", 7),
        (Pace.published(), 9, "7", 7),
        (Pace.published(), 9, "0", 1),
        # Ten requests have used up a second, and not what comes back after seven.
        (Pace.published(), 10, "7", 7),
    ],
)
def test_nothing_left_holds_until_the_reset(clock: Clock, pace: Pace, count: int, reset: str, turn_after: float) -> None:
    pacer, begin = Pacer(pace), clock.now
    for number in range(count):
        turn = permit(pacer, begin + 60)
        assert turn is not None
        with turn:
            if number == count - 1:
                turn.learn(200, {"ratelimit-remaining": "0", "ratelimit-reset": reset})
    assert permit(pacer, begin + turn_after) is None
    assert permit(pacer, begin + 60) is not None
    assert clock.now == begin + turn_after


def test_nothing_left_by_our_own_requests_holds_nothing(clock: Clock) -> None:
    pacer = Pacer(Pace.published())
    room_after_ten(pacer, clock, 0.5, 200)
    clock.now += 60
    begin = clock.now
    *nine, last = [permit(pacer, begin + 1) for _ in range(10)]
    clock.now += 0.5
    nothing = {"ratelimit-remaining": "0", "ratelimit-reset": "0"}
    for turn in nine:
        assert turn is not None
        with turn:
            turn.learn(200, {})
    # The last answer comes when the window has room again.
    clock.now += 1
    assert last is not None
    last.learn(200, nothing)
    assert permit(pacer, begin + 60) is not None
    assert clock.now == begin + 1.5


def test_a_hold_is_bounded_and_is_of_one_endpoint(clock: Clock) -> None:
    pacer, begin = Pacer(Pace.published()), clock.now
    turn = permit(pacer, begin + 1)
    assert turn is not None
    turn.hold(float("inf"))
    assert permit(pacer, begin + 1, CREATE_LIST) is not None
    assert permit(pacer, begin + 599) is None
    assert permit(pacer, begin + 601) is not None


def test_those_who_wait_go_in_the_order_in_which_they_came() -> None:
    pacer, order, threads = Pacer(Pace.times(2)), [], []
    lane_is_full = [permit(pacer, time.monotonic() + 1) for _ in range(20)]
    assert None not in lane_is_full

    def wait(number: int) -> None:
        turn = permit(pacer, time.monotonic() + 30)
        assert turn is not None
        order.append(number)

    (lane,) = pacer._lanes.values()
    for number in range(15):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while len(lane._waiting) <= number:
            time.sleep(0.001)
    for each in lane_is_full:
        assert each is not None
        with each:
            pass
    for thread in threads:
        thread.join()
    assert order == list(range(15))


def test_who_is_cancelled_waits_no_longer() -> None:
    pacer, cancellation = Pacer(Pace.published()), Cancellation()
    full = [permit(pacer, time.monotonic() + 1) for _ in range(10)]
    assert None not in full
    threading.Timer(0.05, cancellation.cancel).start()
    begin = time.monotonic()
    with pytest.raises(Cancelled):
        pacer.permit(ADD, begin + 60, cancellation)
    assert time.monotonic() - begin < 10
    with pytest.raises(Cancelled):
        cancellation.sleep(60)


def test_clients_of_one_account_share_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_accounts, "_FEW", 0)
    accounts = _accounts.Accounts()

    def pacer(key: str, origin: str = "https://a.klaviyo.com", pace: Pace = Pace.published()) -> Pacer:
        return accounts.pacer(Secret(key), origin, pace)

    one = pacer("pk_1")
    assert pacer("pk_1") is one
    others = [pacer("pk_2"), pacer("pk_1", "http://127.0.0.1"), pacer("pk_1", pace=Pace.unlimited())]
    assert one not in others and len(set(map(id, others))) == 3
    number = id(one)
    turn = permit(one, time.monotonic() + 1)
    assert turn is not None
    del one, others
    # A program may make a client for each request.
    pacer("pk_3")
    assert id(pacer("pk_1")) == number
    with turn:
        pass
    assert len(accounts._pacers) == 2


def test_a_pace_that_is_used_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_accounts, "_FEW", 0)
    accounts = _accounts.Accounts()
    one = accounts.pacer(Secret("pk_1"), "https://a.klaviyo.com", Pace.published())
    accounts.pacer(Secret("pk_2"), "https://a.klaviyo.com", Pace.published())
    accounts.pacer(Secret("pk_3"), "https://a.klaviyo.com", Pace.published())
    assert accounts.pacer(Secret("pk_1"), "https://a.klaviyo.com", Pace.published()) is one
    assert len(accounts._pacers) == 2


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/api/lists/", "get lists"),
        ("GET", "/api/profiles/01ABC/", "get profile"),
        ("POST", "/api/profiles", "create profile"),
        ("POST", "/api/lists/Y6nRLr/relationships/profiles/", "add to list"),
        ("GET", "/api/webhooks/", "another read"),
        ("GET", "/api//lists/", "another read"),
        ("GET", "/api/lists//", "another read"),
        ("GET", "/api/profiles//lists", "another read"),
        ("GET", "", "another read"),
        ("DELETE", "/api/profiles/01ABC/", "another write"),
    ],
)
def test_endpoints(method: str, path: str, name: str) -> None:
    assert Endpoint.of(method, path).name == name


def test_what_a_caller_writes_by_call_api_is_not_repeated() -> None:
    def repeated(method: str, path: str, through_api: bool) -> bool:
        return Endpoint.of(method, path).may_repeat(through_api)

    assert repeated("POST", "/api/events", False) and repeated("GET", "/api/webhooks", True)
    assert not repeated("POST", "/api/events", True) and not repeated("DELETE", "/api/lists/x", True)
    assert not repeated("POST", "/api/lists", False) and not repeated("PATCH", "/api/profiles/x", False)


OUTCOMES: list[tuple[HttpResponse | TransportFailure, bool, bool]] = [
    *((HttpResponse(status, (), b""), status == 429, True) for status in (429, 502, 503, 504, 524)),
    *((HttpResponse(status, (), b""), False, False) for status in (200, 400, 409, 500)),
    (TransportFailure("connection", "", unreachable=True), True, True),
    (TransportFailure("connection", ""), False, True),
    (TransportFailure("timeout", ""), False, True),
    (TransportFailure("denied", ""), False, False),
    (TransportFailure("too-large", ""), False, False),
    (TransportFailure("other", ""), False, False),
]


@pytest.mark.parametrize(("outcome", "always", "harmless"), OUTCOMES)
def test_what_may_have_taken_effect_is_repeated_only_where_that_is_harmless(
    outcome: HttpResponse | TransportFailure, always: bool, harmless: bool
) -> None:
    assert (_retry.may_repeat(False, outcome), _retry.may_repeat(True, outcome)) == (always, harmless)


def test_retry_after_is_seconds_or_a_date() -> None:
    def after(value: str) -> float | None:
        return _retry.retry_after({"retry-after": value})

    assert (after("1"), after(" 0 "), after("9" * 30)) == (1, 0, float("inf"))
    soon = after(formatdate(time.time() + 100, usegmt=True))
    assert soon is not None and 90 <= soon <= 100
    assert after("Sun, 06 Nov 1994 08:49:37 GMT") == 0
    assert [after(odd) for odd in ("", "-1", "1.5", "soon", "+1", "²")] == [None] * 6


def test_pauses_grow_to_a_bound() -> None:
    pauses = _retry.pauses()
    twenty = [next(pauses) for _ in range(20)]
    assert 0.5 <= twenty[0] <= 1 and max(twenty) <= 60 and twenty[19] >= 30


def answering(*answers: bytes) -> Callable[[socket.socket, bytes], None]:
    """These answers, and then the one for nobody."""
    left = list(answers)

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(left.pop(0) if left else NOBODY)

    return answer


def limited(*headers: str) -> bytes:
    return http(b'{"errors":[{"code":"throttled"}]}', "HTTP/1.1 429 Too Many Requests", *headers)


DOWN = http(b'{"errors":[{"code":"service_unavailable"}]}', "HTTP/1.1 503 Service Unavailable")


def test_retry_after_is_honoured(component: Path) -> None:
    with Server(answering(limited("retry-after: 2"))) as server:
        with Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo, klaviyo.usage() as usage:
            begin = time.monotonic()
            assert klaviyo.lookup(Email("priya@example.com")) is None
            assert time.monotonic() - begin >= 2
            assert (usage.requests, usage.attempts) == (1, 2) and usage.waited >= 2
            assert usage.received_bytes > len(b'{"data":[]}')


def test_429_holds_the_other_clients_of_the_account(component: Path) -> None:
    with Server(answering(limited("retry-after: 2"))) as server:
        once = Limits(attempts=1)
        with (
            Klaviyo(KEY, endpoint=server.url, component=component, limits=once) as klaviyo,
            Klaviyo(KEY, endpoint=server.url, component=component, limits=once) as same,
        ):
            with pytest.raises(RateLimited) as failed:
                klaviyo.lookup(Email("priya@example.com"))
            assert failed.value.retry_after == 2
            begin = time.monotonic()
            assert same.lookup(Email("priya@example.com")) is None
            assert time.monotonic() - begin > 1.5


def test_a_wait_that_would_be_too_long_fails_at_once(component: Path) -> None:
    with Server(answering(limited("retry-after: 100"))) as server:
        with Klaviyo(KEY, endpoint=server.url, component=component, limits=Limits(wait=90)) as klaviyo:
            begin = time.monotonic()
            with pytest.raises(RateLimited) as failed:
                klaviyo.lookup(Email("priya@example.com"))
            assert failed.value.retry_after == 100
            with pytest.raises(TimedOut, match="not sent: .* Limits.wait") as late:
                klaviyo.lookup(Email("priya@example.com"))
            assert time.monotonic() - begin < 10
            assert late.value.usage is not None
            assert (late.value.usage.requests, late.value.usage.attempts) == (1, 0)
        assert len(server.requests) == 1


def test_attempts_are_bounded_and_counted(component: Path) -> None:
    with Server(answering(DOWN, DOWN, DOWN)) as server:
        with Klaviyo(KEY, endpoint=server.url, component=component, limits=Limits(attempts=2)) as klaviyo:
            with pytest.raises(Unavailable) as failed:
                klaviyo.lookup(Email("priya@example.com"))
            assert failed.value.usage is not None and failed.value.usage.attempts == 2
            with klaviyo.usage() as usage:
                assert klaviyo.lookup(Email("priya@example.com")) is None
            assert usage.attempts == 2
        assert len(server.requests) == 4


def test_what_would_have_a_second_effect_is_sent_once(component: Path) -> None:
    with Server(answering(DOWN)) as server:
        with Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo, pytest.raises(Unavailable):
            klaviyo.create_list("New")
        assert len(server.requests) == 1


def test_what_was_never_sent_says_so(component: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # Nobody accepts, and the queue is full: there will be no connection.
        held = [socket.socket() for _ in range(3)]
        for each in held:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        limits = Limits(connect=0.3, attempts=1)
        with Klaviyo(KEY, endpoint=url, component=component, limits=limits) as klaviyo:
            with pytest.raises(TimedOut, match="not sent: no connection"):
                klaviyo.create_list("New")
        for each in held:
            each.close()


def test_a_hundred_opt_ins_at_once(program: Path, component: Path) -> None:
    """At the rates of Klaviyo, in time: ten people a second are added to a list."""
    with servers.simulator(program, rates="klaviyo") as simulator:
        with Klaviyo(simulator.key, endpoint=simulator.url, component=component) as klaviyo:
            with ThreadPoolExecutor(100) as pool:
                people = [NewProfile(email=f"contact{number}@example.com") for number in range(100)]
                receipts = list(pool.map(lambda person: klaviyo.opt_in(person, LIST), people))
        assert len({receipt.profile_id for receipt in receipts}) == 100
        (account,) = simulator.state()["accounts"]
        assert [len(each["members"]) for each in account["lists"] if each["id"] == LIST] == [100]


class Slow:
    """Answers after a while, and counts how many wait."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self.now = self.most = 0

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self._seconds)
        with self._lock:
            self.now -= 1
        return HttpResponse(200, (), b'{"data":[]}')

    def close(self) -> None:
        pass


def test_waiting_for_a_place_takes_no_time_of_a_call(component: Path) -> None:
    """400 calls at once of which each takes 0.3 s, in places and time for a few."""
    slow = Slow(0.3)
    limits = Limits(concurrent_calls=25, time=2)
    with Klaviyo(KEY, transport=slow, component=component, limits=limits, pace=Pace.unlimited()) as klaviyo:
        waited = []

        def call(number: int) -> None:
            with klaviyo.usage() as usage:
                klaviyo.lookup(Email("priya@example.com"))
            waited.append(usage.waited)

        with ThreadPoolExecutor(400) as pool:
            outcomes = Counter(map(type, pool.map(call, range(400))))
    assert outcomes == {type(None): 400} and slow.most == 25
    assert max(waited) > limits.time


def test_waiting_for_the_rates_takes_no_time_of_a_call(component: Path) -> None:
    limits = Limits(time=0.3)
    with Klaviyo(KEY, transport=Slow(0), component=component, limits=limits) as klaviyo, klaviyo.usage() as usage:
        # The limit is less than the window of three.
        for _ in range(7):
            klaviyo.lists_of_profile("01GMTZY2TEKN4KFRP30JZ59KGB")
    assert usage.waited > 1.5


def test_a_timeout_bounds_all_of_a_call(component: Path) -> None:
    """Its wait for a place, for the rates, and for an answer."""
    limits = Limits(concurrent_calls=1)
    with Klaviyo(KEY, transport=Slow(0.7), component=component, limits=limits) as klaviyo:
        hurried = klaviyo.with_options(timeout=0.2)
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(klaviyo.lookup, Email("priya@example.com"))
            while klaviyo._turns._free:
                time.sleep(0.001)
            with pytest.raises(TimedOut, match="nothing was sent: .* the timeout of 0.2 s") as late:
                hurried.lookup(Email("priya@example.com"))
            assert late.value.usage is not None and late.value.usage.requests == 0
            assert other.result() is None
    with Klaviyo(KEY, transport=Slow(0), component=component) as klaviyo:
        hurried = klaviyo.with_options(timeout=0.2)
        with pytest.raises(TimedOut, match="not sent: .* the timeout of 0.2 s"):
            for _ in range(9):
                hurried.lists_of_profile("01GMTZY2TEKN4KFRP30JZ59KGB")
    with Klaviyo(KEY, transport=Slow(0.7), component=component) as klaviyo:
        begin = time.monotonic()
        with pytest.raises(TimedOut, match="more than the timeout of 0.2 s"):
            klaviyo.with_options(timeout=0.2).opt_in(NewProfile(email="priya@example.com"), LIST)
        assert time.monotonic() - begin < 2


def test_a_wait_for_a_place_has_a_limit(component: Path) -> None:
    limits = Limits(concurrent_calls=1, wait=0.2)
    with Klaviyo(KEY, transport=Slow(0.7), component=component, limits=limits) as klaviyo, ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(klaviyo.lookup, Email("priya@example.com")) for _ in range(2)]
        failures = [failure for call in calls if (failure := call.exception())]
    assert [str(failure).endswith("raise Limits.wait") for failure in failures] == [True]


def test_usage_is_of_who_asks(component: Path) -> None:
    with Server(answering()) as server, Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo:
        with klaviyo.usage() as all:
            with klaviyo.usage() as first:
                klaviyo.lookup(Email("priya@example.com"))
            with ThreadPoolExecutor(1) as pool:
                pool.submit(klaviyo.lookup, Email("priya@example.com")).result()
            with pytest.raises(KlaviyoError):
                klaviyo.lookup(Email("nobody"))
            klaviyo.lookup(Email("priya@example.com"))
    assert (first.requests, first.attempts, all.requests, all.attempts) == (1, 1, 2, 2)
    assert all.sent_bytes == 0 and all.received_bytes == 2 * len(NOBODY.partition(b"\r\n\r\n")[2])


def test_the_log_has_one_name_and_no_person(component: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "klaviyo_connector"), Server(answering(limited())) as server:
        with Klaviyo(KEY, endpoint=server.url, component=component) as klaviyo:
            klaviyo.lookup(Email("priya@example.com"))
    own = [record.getMessage() for record in caplog.records if record.name == "klaviyo_connector"]
    assert len(own) == 2 and "429" in own[0] and "200" in own[1]
    assert all("get profiles" in each and "priya" not in each and KEY not in each for each in own)


def test_paces_that_are_none(component: Path) -> None:
    for factor in (0, -1, 1.5, True, "2"):
        with pytest.raises(ConfigurationError, match="Pace.factor: expected a whole number"):
            Pace.times(factor)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="pace: "):
        Klaviyo(KEY, pace=2, component=component)  # type: ignore[arg-type]
