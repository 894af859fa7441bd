//! Keeps to Klaviyo's rates, so that 429 stays the exception.

use crate::endpoint::{Endpoint, Rates};
use http::{HeaderMap, StatusCode};
use parking_lot::{Mutex, MutexGuard};
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// The longest time for which one answer can hold the other calls of a tenant. The call that got a longer
/// `Retry-After` fails with it.
const LONGEST_HOLD: Duration = Duration::from_secs(600);

/// The longest round trip that is taken to be the same for all requests: a network that stands still for a while
/// does not make it worthless.
const LONGEST_ROUND_TRIP: Duration = Duration::from_millis(500);

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How fast a tenant's requests go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(Option<NonZeroU32>);

impl Default for Pace {
    fn default() -> Self {
        Self::published()
    }
}

impl Pace {
    /// The rates that Klaviyo publishes for each endpoint, and lower ones where its answers say so. The
    /// default.
    #[must_use]
    pub const fn published() -> Self {
        Self(Some(NonZeroU32::MIN))
    }

    /// This many times the published rates, for a simulator with higher ones.
    #[must_use]
    pub const fn times(factor: NonZeroU32) -> Self {
        Self(Some(factor))
    }

    /// No rates. The answers still count: 429 holds the tenant's other calls.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self(None)
    }
}

/// How much of Klaviyo's rates an account has used in the last minute, at the endpoint that is nearest to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinuteUse {
    /// The name of the endpoint, such as `add to list`.
    pub endpoint: &'static str,
    /// The requests of the last minute, and those that are under way.
    pub requests: usize,
    /// The most that Klaviyo takes in a minute, as far as its answers have told.
    pub limit: usize,
}

/// The pace of one tenant, shared by all of its calls. Klaviyo counts for each endpoint, and so there is a
/// lane for each.
#[derive(Debug)]
pub(crate) struct Pacer {
    pace: Pace,
    lanes: Mutex<HashMap<&'static str, Arc<Lane>>>,
}

#[derive(Debug)]
struct Lane {
    /// Calls pass one after the other, in the order of their arrival.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<LaneState>,
    /// A request has ended, or the pace has changed.
    changed: Notify,
}

#[derive(Debug)]
struct LaneState {
    /// A second, a minute and, at some endpoints, a day; empty if the pace is unlimited.
    windows: Vec<Window>,
    /// No request is sent before this.
    hold: Option<Instant>,
    round_trip: RoundTrip,
}

/// At most `limit` requests in any `length` of time.
///
/// Klaviyo counts a request at some moment between its sending and its answer. The window counts it from
/// before it is sent until `length` after [`RoundTrip::latest_count`], so that Klaviyo never counts more.
#[derive(Debug)]
struct Window {
    length: Duration,
    published: usize,
    limit: usize,
    in_flight: usize,
    /// When Klaviyo has counted the requests that have ended, at the latest. The earliest comes first.
    counted: VecDeque<Instant>,
    /// When it had no room for another request, the last time.
    full: Option<Instant>,
}

/// The least time from the sending of a request to its answer. It is the same part of every request's time, and moves
/// all of Klaviyo's counts alike, which leaves the time between two of them as it is.
///
/// It is wrong while the way to Klaviyo becomes shorter: counts then are closer together than their requests, by what
/// the way is shorter, until an answer that comes sooner. Making a connection makes a way longer, so that the round
/// trips of requests that were sent before the first success, and made connections, say nothing of those after it.
#[derive(Debug, Default)]
struct RoundTrip {
    first_success: Option<Instant>,
    least: Option<Duration>,
}

/// A request that was sent and not yet answered. Dropping the permit marks its end.
#[derive(Debug)]
pub(crate) struct Permit {
    lane: Arc<Lane>,
    sent: Instant,
    /// When Klaviyo has counted it, at the latest; none: as far as is known, at its end.
    counted: Option<Instant>,
}

impl Pacer {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, lanes: Mutex::default() }
    }

    /// Waits for a turn at this endpoint; none if it would come after `deadline`.
    pub(crate) async fn permit(&self, endpoint: &'static Endpoint, deadline: Instant) -> Option<Permit> {
        let lane = self.lane(endpoint);
        if lane.state().hold.is_some_and(|hold| hold >= deadline) {
            return None;
        }
        let _turn = timeout_at(deadline, lane.turn.lock()).await.ok()?;
        loop {
            let changed = lane.changed.notified();
            let now = Instant::now();
            let ready = match lane.state().take(now) {
                Ok(()) => return Some(Permit { lane: Arc::clone(&lane), sent: now, counted: None }),
                Err(ready) => ready,
            };
            // Fails at once if the wait is known to be too long.
            if ready.is_some_and(|ready| ready >= deadline) {
                return None;
            }
            let until = ready.unwrap_or(deadline);
            tokio::select! {
                biased;
                () = changed => {}
                () = tokio::time::sleep_until(until) => { ready?; }
            }
        }
    }

    /// Of the endpoints with requests in the last minute, the one that is nearest to its limit.
    pub(crate) fn busiest_minute(&self) -> Option<MinuteUse> {
        let (now, lanes) = (Instant::now(), self.lanes.lock());
        let used = lanes.iter().filter_map(|(endpoint, lane)| {
            let mut state = lane.state();
            let minute = state.windows.iter_mut().find(|window| window.length == MINUTE)?;
            minute.forget(now);
            let (requests, limit) = (minute.requests(), minute.limit);
            (requests > 0).then_some(MinuteUse { endpoint, requests, limit })
        });
        // By a ratio of whole numbers; the name decides among equal ones.
        used.max_by(|one, other| {
            let [share, other_share] = [one.requests * other.limit, other.requests * one.limit];
            share.cmp(&other_share).then_with(|| other.endpoint.cmp(one.endpoint))
        })
    }

    fn lane(&self, endpoint: &'static Endpoint) -> Arc<Lane> {
        let mut lanes = self.lanes.lock();
        Arc::clone(lanes.entry(endpoint.name).or_insert_with(|| Arc::new(Lane::new(self.pace, endpoint))))
    }
}

impl Lane {
    fn new(Pace(factor): Pace, endpoint: &Endpoint) -> Self {
        let window = |factor: NonZeroU32, limit: u32, length| {
            let limit = limit.saturating_mul(factor.get()) as usize;
            Window { length, published: limit, limit, in_flight: 0, counted: VecDeque::new(), full: None }
        };
        let Rates { burst, steady, daily } = endpoint.rates;
        let windows = factor.map(|factor| {
            let published = [Some((burst, SECOND)), Some((steady, MINUTE)), daily.map(|daily| (daily, DAY))];
            published.into_iter().flatten().map(|(limit, length)| window(factor, limit, length)).collect()
        });
        let (windows, round_trip) = (windows.unwrap_or_default(), RoundTrip::default());
        let state = LaneState { windows, hold: None, round_trip };
        Self { turn: tokio::sync::Mutex::default(), state: Mutex::new(state), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, LaneState> {
        self.state.lock()
    }
}

impl Permit {
    /// Reads an answer, which has just come. `Ratelimit-Limit: 75, 75;w=1, 700;w=60` has a limit for each window,
    /// `Ratelimit-Remaining` and `Ratelimit-Reset` (seconds) are about the window that is nearest to its
    /// limit.
    pub(crate) fn learn(&mut self, status: StatusCode, headers: &HeaderMap) {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let number = |name| text(name).and_then(|value| value.parse::<u64>().ok());
        let (now, mut state) = (Instant::now(), self.lane.state());
        // What is refused is answered sooner.
        if status.is_success() {
            self.counted = Some(state.round_trip.latest_count(self.sent, now));
        }
        for item in text("ratelimit-limit").unwrap_or_default().split(',') {
            let Some((limit, length)) = item.trim().split_once(";w=") else { continue };
            let (Ok(limit), Ok(length)) = (limit.trim().parse::<usize>(), length.trim().parse()) else {
                continue;
            };
            let length = Duration::from_secs(length);
            for window in state.windows.iter_mut().filter(|window| window.length == length) {
                window.limit = limit.clamp(1, window.published);
            }
        }
        if let (Some(0), Some(reset)) = (number("ratelimit-remaining"), number("ratelimit-reset")) {
            // 0 seconds means less than one.
            let reset = Duration::from_secs(reset.max(1));
            // Other programs may use the same account's rates. What our own requests have used up, a window waits for.
            let sent = self.sent;
            if !state.windows.iter_mut().any(|window| window.length >= reset && window.was_full(sent, now)) {
                state.hold_for(reset);
            }
        }
        drop(state);
        self.lane.changed.notify_waiters();
    }

    /// Holds all requests of this lane, after Klaviyo has answered 429.
    pub(crate) fn hold(&self, pause: Duration) {
        self.lane.state().hold_for(pause);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let counted = self.counted.unwrap_or_else(Instant::now);
        for window in &mut self.lane.state().windows {
            window.in_flight = window.in_flight.saturating_sub(1);
            let place = window.counted.partition_point(|other| *other <= counted);
            window.counted.insert(place, counted);
        }
        self.lane.changed.notify_waiters();
    }
}

impl LaneState {
    /// Counts a request in every window, or returns the earliest time at which there may be room in all: unknown if
    /// that depends on unanswered requests alone.
    fn take(&mut self, now: Instant) -> Result<(), Option<Instant>> {
        if let Some(hold) = self.hold.filter(|hold| *hold > now) {
            return Err(Some(hold));
        }
        self.hold = None;
        let (mut full, mut ready) = (false, None);
        for window in &mut self.windows {
            window.forget(now);
            if let Some(excess) = window.requests().checked_sub(window.limit) {
                full = true;
                ready = ready.max(window.counted.get(excess).map(|counted| *counted + window.length));
            }
        }
        if full {
            return Err(ready);
        }
        for window in &mut self.windows {
            window.in_flight += 1;
            window.note_full(now);
        }
        Ok(())
    }

    fn hold_for(&mut self, pause: Duration) {
        let until = Instant::now() + pause.min(LONGEST_HOLD);
        self.hold = Some(self.hold.map_or(until, |hold| hold.max(until)));
    }
}

impl RoundTrip {
    /// When Klaviyo has counted a request that it has carried out, at the latest.
    fn latest_count(&mut self, sent: Instant, answered: Instant) -> Instant {
        let took = answered.saturating_duration_since(sent).min(LONGEST_ROUND_TRIP);
        if *self.first_success.get_or_insert(answered) <= sent {
            self.least = Some(self.least.map_or(took, |least| least.min(took)));
        }
        answered.checked_sub(self.least.unwrap_or_default()).map_or(answered, |counted| counted.max(sent))
    }
}

impl Window {
    /// Those that count.
    fn requests(&self) -> usize {
        self.in_flight + self.counted.len()
    }

    fn forget(&mut self, now: Instant) {
        while self.counted.front().is_some_and(|counted| *counted + self.length <= now) {
            self.counted.pop_front();
        }
    }

    fn note_full(&mut self, now: Instant) {
        if self.requests() >= self.limit {
            self.full = Some(now);
        }
    }

    /// Whether it has had no room at some time since then.
    fn was_full(&mut self, since: Instant, now: Instant) -> bool {
        self.forget(now);
        self.note_full(now);
        self.full >= Some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Method};
    use tokio::time::sleep;

    fn add_to_list() -> &'static Endpoint {
        Endpoint::of(&Method::POST, "/api/lists/x/relationships/profiles")
    }

    async fn sent_within(pacer: &Pacer, time: Duration) -> Vec<Duration> {
        let start = Instant::now();
        let mut sent = Vec::new();
        while pacer.permit(add_to_list(), start + time).await.is_some() {
            sent.push(start.elapsed());
        }
        sent
    }

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn lookup() -> &'static Endpoint {
        Endpoint::of(&Method::GET, "/api/profiles")
    }

    /// A request, and when the server counted it: so many milliseconds after it was sent, and before it is answered.
    async fn request(pacer: &Pacer, endpoint: &'static Endpoint, (there, back): (u32, u32)) -> Instant {
        let mut permit = pacer.permit(endpoint, Instant::now() + MINUTE).await.unwrap();
        sleep(MILLISECOND * there).await;
        let counted = Instant::now();
        sleep(MILLISECOND * back).await;
        permit.learn(StatusCode::OK, &HeaderMap::new());
        counted
    }

    /// Lookups at once, and the time in which they end. The server never counts more than it takes.
    async fn lookups(pacer: &Arc<Pacer>, trips: impl Iterator<Item = (u32, u32)>) -> Duration {
        let (start, mut under_way) = (Instant::now(), tokio::task::JoinSet::new());
        for trip in trips {
            let pacer = Arc::clone(pacer);
            under_way.spawn(async move { request(&pacer, lookup(), trip).await });
        }
        let mut counted = under_way.join_all().await;
        counted.sort();
        let burst = lookup().rates.burst as usize;
        for (first, last) in counted.iter().zip(counted.iter().skip(burst)) {
            assert!(*last - *first >= SECOND, "{:?} are too close", *last - *first);
        }
        start.elapsed()
    }

    /// Ten additions to a list at once, with answers after a time; after how long there is room for another.
    async fn room_after_ten(pacer: &Pacer, answered_after: Duration, status: Option<StatusCode>) -> Duration {
        let start = Instant::now();
        let mut ten = Vec::new();
        for _ in 0..10 {
            ten.push(pacer.permit(add_to_list(), start + SECOND).await.unwrap());
        }
        sleep(answered_after).await;
        for permit in &mut ten {
            if let Some(status) = status {
                permit.learn(status, &HeaderMap::new());
            }
        }
        drop(ten);
        pacer.permit(add_to_list(), start + MINUTE).await.unwrap();
        start.elapsed()
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[tokio::test(start_paused = true)]
    async fn ten_a_second_and_a_hundred_and_fifty_a_minute() {
        let pacer = Pacer::new(Pace::published());
        let sent = sent_within(&pacer, Duration::from_secs(119)).await;
        for (first, eleventh) in sent.iter().zip(sent.iter().skip(10)) {
            assert!(*eleventh - *first >= Duration::from_secs(1));
        }
        for (first, last) in sent.iter().zip(sent.iter().skip(150)) {
            assert!(*last - *first >= Duration::from_secs(60));
        }
        // And no slower than allowed.
        assert_eq!(sent.len(), 300);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_and_fifty_new_lists_a_day() {
        let pacer = Pacer::new(Pace::published());
        let create = Endpoint::of(&Method::POST, "/api/lists");
        let start = Instant::now();
        let almost_a_day = start + DAY - SECOND;
        let mut sent = 0;
        while pacer.permit(create, almost_a_day).await.is_some() {
            sent += 1;
        }
        assert_eq!(sent, 150);
        assert!(start.elapsed() < Duration::from_secs(60), "it waited for what cannot come");
        assert!(pacer.permit(create, almost_a_day + Duration::from_secs(60)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_busiest_minute_is_that_of_the_endpoint_nearest_to_its_limit() {
        let pacer = Pacer::new(Pace::published());
        assert_eq!(pacer.busiest_minute(), None);
        let lists = Endpoint::of(&Method::GET, "/api/lists");
        let soon = Instant::now() + Duration::from_secs(1);
        for _ in 0..7 {
            pacer.permit(lists, soon).await.unwrap();
        }
        let under_way = [pacer.permit(add_to_list(), soon).await, pacer.permit(add_to_list(), soon).await];
        // 2 of 150 are more than 7 of 700.
        let busiest = MinuteUse { endpoint: "add to list", requests: 2, limit: 150 };
        assert_eq!(pacer.busiest_minute(), Some(busiest));
        drop(under_way);
        assert_eq!(pacer.busiest_minute(), Some(busiest));
        tokio::time::advance(MINUTE).await;
        assert_eq!(pacer.busiest_minute(), None);
        let unlimited = Pacer::new(Pace::unlimited());
        let _under_way = unlimited.permit(lists, soon + MINUTE).await.unwrap();
        assert_eq!(unlimited.busiest_minute(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_counts_until_its_window_after_its_end() {
        let pacer = Pacer::new(Pace::published());
        let start = Instant::now();
        let mut slow = Vec::new();
        for _ in 0..10 {
            slow.push(pacer.permit(add_to_list(), start).await.unwrap());
        }
        assert!(pacer.permit(add_to_list(), start + Duration::from_secs(5)).await.is_none());
        drop(slow);
        let soon = Instant::now() + Duration::from_millis(900);
        assert!(pacer.permit(add_to_list(), soon).await.is_none());
        assert!(pacer.permit(add_to_list(), soon + Duration::from_millis(200)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn answers_tighten_the_pace_and_never_loosen_it_beyond_what_is_published() {
        let pacer = Pacer::new(Pace::published());
        let far = Duration::from_secs(3600);
        let mut permit = pacer.permit(add_to_list(), Instant::now() + far).await.unwrap();
        permit.learn(StatusCode::OK, &headers(&[("ratelimit-limit", "3, 3;w=1, 100000;w=60")]));
        drop(permit);
        tokio::time::sleep(Duration::from_secs(61)).await;
        let sent = sent_within(&pacer, Duration::from_secs(59)).await;
        assert_eq!(sent.len(), 150);
        assert!(sent[3] - sent[0] >= Duration::from_secs(1));
        for odd in
            ["", "x", ";w=1", "0;w=1", "99999999999999999999;w=1", "1;w=99999999999999999999", "1;w=", ",,"]
        {
            let mut permit = pacer.permit(add_to_list(), Instant::now() + far).await.unwrap();
            let value = HeaderValue::from_str(odd).unwrap();
            permit
                .learn(StatusCode::OK, &HeaderMap::from_iter([("ratelimit-limit".parse().unwrap(), value)]));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_server_counts_keeps_to_the_rate_and_is_no_slower() {
        let pacer = Arc::new(Pacer::new(Pace::published()));
        lookups(&pacer, std::iter::once((100, 200))).await;
        sleep(MINUTE).await;
        let took = lookups(&pacer, std::iter::repeat_n((100, 200), 400)).await;
        // 75 at once, and 75 in each of five seconds after that.
        assert_eq!(took, Duration::from_millis(5_300));
    }

    #[tokio::test(start_paused = true)]
    async fn round_trips_that_differ_keep_to_the_rate() {
        let pacer = Arc::new(Pacer::new(Pace::published()));
        for _ in 0..2 {
            lookups(&pacer, std::iter::once((20, 30))).await;
        }
        sleep(MINUTE).await;
        let took = lookups(&pacer, (0..400).map(|n| (20 + n * 37 % 181, 30 + n * 53 % 251))).await;
        assert!(took < Duration::from_millis(5_000 + 5 * 430), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_are_made_are_no_part_of_the_least_round_trip() {
        let pacer = Arc::new(Pacer::new(Pace::published()));
        // The first ones make a connection each.
        lookups(&pacer, (0..300).map(|n| (if n < 75 { 450 } else { 50 }, 50))).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_comes_sooner_lowers_the_least_round_trip_if_it_is_a_success() {
        let [soon, late] = [10, 300].map(Duration::from_millis);
        let pacer = Pacer::new(Pace::published());
        let success = Some(StatusCode::OK);
        // Until it is known, a request counts from its answer.
        assert_eq!(room_after_ten(&pacer, late, success).await, late + SECOND);
        sleep(MINUTE).await;
        assert_eq!(room_after_ten(&pacer, late, success).await, SECOND);
        for status in [Some(StatusCode::TOO_MANY_REQUESTS), Some(StatusCode::BAD_REQUEST), None] {
            sleep(MINUTE).await;
            assert_eq!(room_after_ten(&pacer, soon, status).await, soon + SECOND);
            sleep(MINUTE).await;
            assert_eq!(room_after_ten(&pacer, late, success).await, SECOND);
        }
        sleep(MINUTE).await;
        assert_eq!(room_after_ten(&pacer, soon, success).await, SECOND);
        sleep(MINUTE).await;
        assert_eq!(room_after_ten(&pacer, late, success).await, late - soon + SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_makes_room_before_a_request_that_ended_earlier_without_an_answer() {
        let pacer = Pacer::new(Pace::published());
        for _ in 0..2 {
            room_after_ten(&pacer, SECOND * 3 / 10, Some(StatusCode::OK)).await;
            sleep(MINUTE).await;
        }
        let (start, mut ten) = (Instant::now(), Vec::new());
        for _ in 0..10 {
            ten.push(pacer.permit(add_to_list(), start).await.unwrap());
        }
        sleep(SECOND / 10).await;
        drop(ten.pop());
        sleep(SECOND / 5).await;
        for permit in &mut ten {
            permit.learn(StatusCode::OK, &HeaderMap::new());
        }
        drop(ten);
        pacer.permit(add_to_list(), start + MINUTE).await.unwrap();
        assert_eq!(start.elapsed(), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_round_trip_is_bounded() {
        let pacer = Pacer::new(Pace::published());
        let [long, longer] = [5, 9].map(Duration::from_secs);
        room_after_ten(&pacer, long, Some(StatusCode::OK)).await;
        sleep(MINUTE).await;
        let room = room_after_ten(&pacer, longer, Some(StatusCode::OK)).await;
        assert_eq!(room, longer - LONGEST_ROUND_TRIP + SECOND);
    }

    /// `count` requests of which the last is told that nothing is left; when there is a turn for another.
    async fn turn_after_nothing_left(pace: Pace, count: usize, reset: &'static str) -> Duration {
        let (pacer, start) = (Pacer::new(pace), Instant::now());
        for number in 1..=count {
            let mut permit = pacer.permit(add_to_list(), start + MINUTE).await.unwrap();
            if number == count {
                let nothing = [("ratelimit-remaining", "0"), ("ratelimit-reset", reset)];
                permit.learn(StatusCode::OK, &headers(&nothing));
            }
        }
        pacer.permit(add_to_list(), start + MINUTE).await.unwrap();
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_left_holds_until_the_reset() {
        let seven = Duration::from_secs(7);
        assert_eq!(turn_after_nothing_left(Pace::unlimited(), 1, "7").await, seven);
        assert_eq!(turn_after_nothing_left(Pace::published(), 9, "7").await, seven);
        assert_eq!(turn_after_nothing_left(Pace::published(), 9, "0").await, SECOND);
        // Ten requests have used up a second, and not what comes back after seven.
        assert_eq!(turn_after_nothing_left(Pace::published(), 10, "7").await, seven);
        let pacer = Pacer::new(Pace::unlimited());
        let start = Instant::now();
        let mut permit = pacer.permit(add_to_list(), start).await.unwrap();
        let nothing = [("ratelimit-remaining", "0"), ("ratelimit-reset", "7")];
        permit.learn(StatusCode::OK, &headers(&nothing));
        assert!(pacer.permit(add_to_list(), start + seven).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_left_by_our_own_requests_holds_nothing() {
        let pacer = Pacer::new(Pace::published());
        room_after_ten(&pacer, SECOND / 2, Some(StatusCode::OK)).await;
        sleep(MINUTE).await;
        let start = Instant::now();
        let mut ten = Vec::new();
        for _ in 0..10 {
            ten.push(pacer.permit(add_to_list(), start + SECOND).await.unwrap());
        }
        sleep(SECOND / 2).await;
        for permit in &mut ten {
            permit.learn(StatusCode::OK, &HeaderMap::new());
        }
        // The last answer comes when the window has room again.
        let mut last = ten.pop().unwrap();
        drop(ten);
        sleep(SECOND).await;
        last.learn(StatusCode::OK, &headers(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "0")]));
        assert!(pacer.permit(add_to_list(), start + MINUTE).await.is_some());
        assert_eq!(start.elapsed(), SECOND * 3 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_is_bounded_and_is_of_one_endpoint() {
        let pacer = Pacer::new(Pace::published());
        let start = Instant::now();
        pacer.permit(add_to_list(), start).await.unwrap().hold(Duration::MAX);
        assert!(pacer.permit(Endpoint::of(&Method::GET, "/api/lists"), start).await.is_some());
        assert!(pacer.permit(add_to_list(), start + Duration::from_secs(601)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_go_in_the_order_in_which_they_came() {
        let pacer = Arc::new(Pacer::new(Pace::published()));
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = tokio::task::JoinSet::new();
        for n in 0..40 {
            let (pacer, order) = (Arc::clone(&pacer), Arc::clone(&order));
            waiting.spawn(async move {
                let _permit =
                    pacer.permit(add_to_list(), Instant::now() + Duration::from_secs(60)).await.unwrap();
                order.lock().push(n);
            });
        }
        waiting.join_all().await;
        assert_eq!(*order.lock(), (0..40).collect::<Vec<_>>());
    }
}
