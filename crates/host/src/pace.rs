//! Keeps to Klaviyo's rates, so that 429 stays the exception.

use crate::endpoint::{Endpoint, Rates};
use http::HeaderMap;
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
}

/// At most `limit` requests in any `length` of time.
///
/// Klaviyo counts a request at some moment between its sending and its answer. The window counts it from
/// before it is sent until `length` after its answer, so that Klaviyo never counts more.
#[derive(Debug)]
struct Window {
    length: Duration,
    published: usize,
    limit: usize,
    in_flight: usize,
    answered: VecDeque<Instant>,
}

/// A request that was sent and not yet answered. Dropping the permit marks its end.
#[derive(Debug)]
pub(crate) struct Permit {
    lane: Arc<Lane>,
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
            let ready = match lane.state().take(Instant::now()) {
                Ok(()) => return Some(Permit { lane: Arc::clone(&lane) }),
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
            let (requests, limit) = (minute.in_flight + minute.answered.len(), minute.limit);
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
            Window { length, published: limit, limit, in_flight: 0, answered: VecDeque::new() }
        };
        let Rates { burst, steady, daily } = endpoint.rates;
        let windows = factor.map(|factor| {
            let published = [Some((burst, SECOND)), Some((steady, MINUTE)), daily.map(|daily| (daily, DAY))];
            published.into_iter().flatten().map(|(limit, length)| window(factor, limit, length)).collect()
        });
        let state = LaneState { windows: windows.unwrap_or_default(), hold: None };
        Self { turn: tokio::sync::Mutex::default(), state: Mutex::new(state), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, LaneState> {
        self.state.lock()
    }
}

impl Permit {
    /// Reads the rates in an answer. `Ratelimit-Limit: 75, 75;w=1, 700;w=60` has a limit for each window,
    /// `Ratelimit-Remaining` and `Ratelimit-Reset` (seconds) are about the window that is nearest to its
    /// limit.
    pub(crate) fn learn(&self, headers: &HeaderMap) {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let number = |name| text(name).and_then(|value| value.parse::<u64>().ok());
        let mut state = self.lane.state();
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
        // Other programs may use the same account's rates.
        if let (Some(0), Some(reset)) = (number("ratelimit-remaining"), number("ratelimit-reset")) {
            // 0 seconds means less than one.
            state.hold_for(Duration::from_secs(reset.max(1)));
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
        let now = Instant::now();
        for window in &mut self.lane.state().windows {
            window.in_flight = window.in_flight.saturating_sub(1);
            window.answered.push_back(now);
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
            if let Some(excess) = (window.in_flight + window.answered.len()).checked_sub(window.limit) {
                full = true;
                ready = ready.max(window.answered.get(excess).map(|answered| *answered + window.length));
            }
        }
        if full {
            return Err(ready);
        }
        for window in &mut self.windows {
            window.in_flight += 1;
        }
        Ok(())
    }

    fn hold_for(&mut self, pause: Duration) {
        let until = Instant::now() + pause.min(LONGEST_HOLD);
        self.hold = Some(self.hold.map_or(until, |hold| hold.max(until)));
    }
}

impl Window {
    fn forget(&mut self, now: Instant) {
        while self.answered.front().is_some_and(|answered| *answered + self.length <= now) {
            self.answered.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Method};

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
    async fn a_request_counts_until_its_window_after_the_answer() {
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
        let permit = pacer.permit(add_to_list(), Instant::now() + far).await.unwrap();
        permit.learn(&headers(&[("ratelimit-limit", "3, 3;w=1, 100000;w=60")]));
        drop(permit);
        tokio::time::sleep(Duration::from_secs(61)).await;
        let sent = sent_within(&pacer, Duration::from_secs(59)).await;
        assert_eq!(sent.len(), 150);
        assert!(sent[3] - sent[0] >= Duration::from_secs(1));
        for odd in
            ["", "x", ";w=1", "0;w=1", "99999999999999999999;w=1", "1;w=99999999999999999999", "1;w=", ",,"]
        {
            let permit = pacer.permit(add_to_list(), Instant::now() + far).await.unwrap();
            let value = HeaderValue::from_str(odd).unwrap();
            permit.learn(&HeaderMap::from_iter([("ratelimit-limit".parse().unwrap(), value)]));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_left_holds_until_the_reset() {
        let pacer = Pacer::new(Pace::unlimited());
        let start = Instant::now();
        let permit = pacer.permit(add_to_list(), start).await.unwrap();
        permit.learn(&headers(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "7")]));
        drop(permit);
        assert!(pacer.permit(add_to_list(), start + Duration::from_secs(6)).await.is_none());
        assert!(pacer.permit(add_to_list(), start + Duration::from_secs(8)).await.is_some());
        assert_eq!(start.elapsed(), Duration::from_secs(7));
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
