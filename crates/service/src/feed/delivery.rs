//! Delivering messages: in order for each person, several people at once, and nothing past an endpoint that fails.

use super::destination::Destination;
use super::message::Message;
use super::verdict::Verdict;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::{StreamExt, stream};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// To how many people messages are sent at once.
const AT_ONCE: usize = 16;
/// How often a message is sent that the destination refuses.
const ATTEMPTS: u32 = 5;
/// How long the destination may fail at a message and take others meanwhile. After that it is the message.
const TAKES_OTHERS: Duration = Duration::from_secs(10 * 60);
/// How long it may fail at the only message that there is.
const ONLY_ONE: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest pause that a destination is given, whatever it asks for.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// A message that the destination refuses, and its last answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The message.
    pub message: Message,
    /// What the destination answered.
    pub reason: String,
    /// How often it was sent.
    pub attempts: u32,
}

/// The delivery has ended, and messages are left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// The destination takes nothing at the moment, and is not waited for any longer.
    #[error("{0}")]
    Failing(String),
    /// It wants no message any more.
    #[error("the endpoint answered 410 Gone: it wants no more changes")]
    Gone,
}

/// Delivers messages. Those about one person are sent one after the other in their order, those about different people
/// at once. While the destination fails, all wait, and one message after the other finds out whether it is back.
///
/// A message that the destination refuses is sent five times, and is returned. So is one at which it fails for ten
/// minutes, five times at least, though it takes others; where there is no other one, for a day. `wait` is called with the
/// reason and the length of each pause; it returns when the pause is over, and false to end the delivery.
///
/// # Errors
/// When messages are left. To deliver all of them again is safe: each keeps its id.
pub async fn deliver<F: Future<Output = bool>>(
    destination: &Destination,
    messages: Vec<Message>,
    wait: impl Fn(String, Duration) -> F,
) -> Result<Vec<Refusal>, Held> {
    deliver_to(destination, messages, wait).await
}

/// What takes messages.
trait Takes: Sync {
    fn take(&self, message: &Message) -> impl Future<Output = Verdict> + Send;
}

impl Takes for Destination {
    fn take(&self, message: &Message) -> impl Future<Output = Verdict> + Send {
        self.send(message)
    }
}

async fn deliver_to<F: Future<Output = bool>>(
    destination: &impl Takes,
    messages: Vec<Message>,
    wait: impl Fn(String, Duration) -> F,
) -> Result<Vec<Refusal>, Held> {
    let mut lanes = lanes(messages);
    let (mut refusals, mut pauses) = (Vec::new(), pauses());
    let mut is_failing = false;
    while !lanes.is_empty() {
        let is_only_one = lanes.len() == 1;
        // Those that failed are behind: another one finds out.
        let mut rest = if is_failing { lanes.split_off(1) } else { Vec::new() };
        let stop = AtomicBool::new(false);
        let sent: Vec<Sent> = stream::iter(lanes)
            .map(|lane| send(destination, lane, is_only_one, &stop))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut hold: Option<(String, Duration)> = None;
        let takes_others = sent.iter().any(|sent| sent.has_delivered);
        for Sent { lane, refusals: refused, end, .. } in sent {
            refusals.extend(refused);
            match end {
                End::Gone => return Err(Held::Gone),
                End::Hold { reason, after } => {
                    let after = after.max(hold.map_or(Duration::ZERO, |(_, after)| after));
                    hold = Some((reason, after));
                }
                End::Done | End::Stopped => {}
            }
            if !lane.messages.is_empty() {
                rest.push(lane);
            }
        }
        lanes = rest;
        for failing in lanes.iter_mut().filter_map(|lane| lane.failing.as_mut()) {
            failing.end_round(takes_others);
        }
        is_failing = hold.is_some();
        match hold {
            None => pauses = self::pauses(),
            Some((reason, after)) => {
                let pause = pauses.next().unwrap_or(LONGEST).max(after).min(LONGEST);
                if !wait(reason.clone(), pause).await {
                    return Err(Held::Failing(reason));
                }
            }
        }
    }
    Ok(refusals)
}

/// The messages about each person.
fn lanes(messages: Vec<Message>) -> Vec<Lane> {
    let (mut lanes, mut by_person) = (Vec::<Lane>::new(), HashMap::new());
    for message in messages {
        let index = *by_person.entry(message.person.clone()).or_insert(lanes.len());
        match lanes.get_mut(index) {
            Some(lane) => lane.messages.push_back(message),
            None => lanes.push(Lane { messages: VecDeque::from([message]), failing: None }),
        }
    }
    lanes
}

/// The messages about a person that are left.
struct Lane {
    messages: VecDeque<Message>,
    /// How the destination fails at the first of them.
    failing: Option<Failing>,
}

/// A message at which the destination fails.
struct Failing {
    since: Instant,
    attempts: u32,
    /// Whether this is the round in which it has failed first. What was taken in it may have been taken before.
    is_new: bool,
    /// Whether others were taken since.
    takes_others: bool,
}

impl Failing {
    fn new() -> Self {
        Self { since: Instant::now(), attempts: 0, is_new: true, takes_others: false }
    }

    fn end_round(&mut self, takes_others: bool) {
        self.takes_others |= takes_others && !self.is_new;
        self.is_new = false;
    }

    /// Whether the reason is the message.
    fn is_by_message(&self, is_only_one: bool) -> bool {
        let longest = match (self.takes_others, is_only_one) {
            (true, _) => TAKES_OTHERS,
            (false, true) => ONLY_ONE,
            (false, false) => return false,
        };
        self.attempts >= ATTEMPTS && self.since.elapsed() >= longest
    }
}

/// What became of the messages about a person.
struct Sent {
    lane: Lane,
    has_delivered: bool,
    refusals: Vec<Refusal>,
    end: End,
}

/// Why the sending of a person's messages ended.
enum End {
    Done,
    /// Another one's message had to wait.
    Stopped,
    Hold {
        reason: String,
        after: Duration,
    },
    Gone,
}

/// Sends the messages about a person, until one has to wait or `stop` is set.
async fn send(destination: &impl Takes, mut lane: Lane, is_only_one: bool, stop: &AtomicBool) -> Sent {
    let (mut refusals, mut has_delivered) = (Vec::new(), false);
    let (mut attempts, mut pauses) = (0, pauses());
    let end = loop {
        let Some(message) = lane.messages.front() else { break End::Done };
        if stop.load(Ordering::Relaxed) {
            break End::Stopped;
        }
        attempts += 1;
        let refused = match destination.take(message).await {
            Verdict::Delivered => {
                has_delivered = true;
                lane.messages.pop_front();
                None
            }
            Verdict::Refused { .. } if attempts < ATTEMPTS => {
                sleep(pauses.next().unwrap_or(LONGEST)).await;
                continue;
            }
            Verdict::Refused { reason } => Some((reason, attempts)),
            Verdict::Hold { reason, after, by_message } => {
                let mut failing = lane.failing.take().unwrap_or_else(Failing::new);
                failing.attempts += 1;
                if !by_message || !failing.is_by_message(is_only_one) {
                    lane.failing = by_message.then_some(failing);
                    stop.store(true, Ordering::Relaxed);
                    break End::Hold { reason, after: after.unwrap_or_default() };
                }
                Some((reason, failing.attempts))
            }
            Verdict::Gone => {
                stop.store(true, Ordering::Relaxed);
                break End::Gone;
            }
        };
        if let Some((reason, attempts)) = refused {
            refusals.extend(lane.messages.pop_front().map(|message| Refusal { message, reason, attempts }));
        }
        lane.failing = None;
        (attempts, pauses) = (0, self::pauses());
    };
    Sent { lane, has_delivered, refusals, end }
}

/// The pauses after failures: a second, doubling, up to five minutes. Each is lengthened by a random part of itself.
pub(super) fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_secs(1))
        .with_factor(2.0)
        .with_max_delay(Duration::from_secs(5 * 60))
        .without_max_times()
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use parking_lot::Mutex;

    /// Answers by what is written into the body of a message, and keeps when which was sent.
    struct Platform<A> {
        answer: A,
        sent: Mutex<Vec<(String, Duration)>>,
        begun: Instant,
    }

    impl<A: Fn(&str, Duration) -> Verdict + Sync> Platform<A> {
        fn new(answer: A) -> Self {
            Self { answer, sent: Mutex::default(), begun: Instant::now() }
        }

        fn sent(&self, id: &str) -> Vec<Duration> {
            self.sent.lock().iter().filter(|(sent, _)| sent == id).map(|(_, at)| *at).collect()
        }
    }

    impl<A: Fn(&str, Duration) -> Verdict + Sync> Takes for Platform<A> {
        async fn take(&self, message: &Message) -> Verdict {
            let at = self.begun.elapsed();
            self.sent.lock().push((message.id.clone(), at));
            (self.answer)(&message.id, at)
        }
    }

    fn failed(by_message: bool) -> Verdict {
        Verdict::Hold { reason: "500".to_owned(), after: None, by_message }
    }

    /// Messages about people: `a1` and `a2` are the first two about `a`.
    fn messages(ids: &[&str]) -> Vec<Message> {
        let message = |id: &&str| Message {
            id: (*id).to_owned(),
            person: id.chars().take(1).collect(),
            body: Bytes::new(),
        };
        ids.iter().map(message).collect()
    }

    async fn delivered<A: Fn(&str, Duration) -> Verdict + Sync>(
        platform: &Platform<A>,
        ids: &[&str],
        patience: Duration,
    ) -> Result<Vec<String>, Held> {
        let end = platform.begun + patience;
        let wait = |_: String, pause: Duration| async move {
            sleep(pause).await;
            Instant::now() < end
        };
        let refusals = deliver_to(platform, messages(ids), wait).await?;
        Ok(refusals.into_iter().map(|refusal| refusal.message.id).collect())
    }

    const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    #[tokio::test(start_paused = true)]
    async fn a_message_at_which_an_endpoint_fails_that_takes_others_is_refused() {
        let platform = Platform::new(|id, _| if id == "b1" { failed(true) } else { Verdict::Delivered });
        let refused = delivered(&platform, &["a1", "b1", "b2", "c1", "d1"], WEEK).await.unwrap();
        assert_eq!(refused, ["b1"]);
        for other in ["a1", "c1", "d1"] {
            let [at] = *platform.sent(other) else { panic!("{other} is sent once") };
            assert!(at < Duration::from_secs(10), "{other} {at:?}");
        }
        let tries = platform.sent("b1");
        let [b2] = *platform.sent("b2") else { panic!("b2 is sent once") };
        assert!(tries.len() >= 5 && b2 >= TAKES_OTHERS && b2 < 2 * TAKES_OTHERS, "{tries:?} {b2:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_refused_while_all_fail_and_the_only_one_waits_for_a_day() {
        let back = Duration::from_secs(3 * 24 * 60 * 60);
        let platform = Platform::new(|_, at| if at < back { failed(true) } else { Verdict::Delivered });
        assert_eq!(delivered(&platform, &["a1", "b1", "b2", "c1"], WEEK).await.unwrap(), [""; 0]);
        let platform = Platform::new(|id, _| if id == "a1" { failed(true) } else { Verdict::Delivered });
        assert_eq!(delivered(&platform, &["a1", "a2"], WEEK).await.unwrap(), ["a1"]);
        let [a2] = *platform.sent("a2") else { panic!("a2 is sent once") };
        assert!(a2 >= ONLY_ONE && a2 < ONLY_ONE + LONGEST, "{a2:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_is_away_is_no_fault_of_a_message() {
        let platform = Platform::new(|id, _| if id == "b1" { failed(false) } else { Verdict::Delivered });
        assert!(matches!(delivered(&platform, &["a1", "b1", "c1"], WEEK).await, Err(Held::Failing(_))));
        // It fails at b1, takes others, and is away for a long time.
        let back = Duration::from_secs(60 * 60);
        let platform = Platform::new(|id, at| match id {
            _ if at < Duration::from_secs(30) => {
                if id == "b1" {
                    failed(true)
                } else {
                    Verdict::Delivered
                }
            }
            _ if at < back => failed(false),
            _ => Verdict::Delivered,
        });
        assert_eq!(delivered(&platform, &["a1", "b1", "c1"], WEEK).await.unwrap(), [""; 0]);
        assert_eq!(platform.sent("b1").last().map(|at| *at >= back), Some(true));
    }
}
