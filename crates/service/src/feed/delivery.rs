//! Delivering messages: in order for each person, several people at once, and nothing past an endpoint that fails.

use super::destination::Destination;
use super::message::Message;
use super::verdict::Verdict;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::{StreamExt, stream};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::sleep;

/// To how many people messages are sent at once.
const AT_ONCE: usize = 16;
/// How often a message is sent that the destination refuses.
const ATTEMPTS: u32 = 5;
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
/// at once. While the destination fails, all wait, and one message finds out whether it is back.
///
/// A message that the destination refuses is sent five times, and is returned. `wait` is called with the reason and the
/// length of each pause; it returns when the pause is over, and false to end the delivery.
///
/// # Errors
/// When messages are left. To deliver all of them again is safe: each keeps its id.
pub async fn deliver<F: Future<Output = bool>>(
    destination: &Destination,
    messages: Vec<Message>,
    wait: impl Fn(String, Duration) -> F,
) -> Result<Vec<Refusal>, Held> {
    let mut lanes = lanes(messages);
    let (mut refusals, mut pauses) = (Vec::new(), pauses());
    let mut is_failing = false;
    while !lanes.is_empty() {
        let rest = if is_failing { lanes.split_off(1) } else { Vec::new() };
        let stop = AtomicBool::new(false);
        let sent: Vec<Lane> = stream::iter(lanes)
            .map(|lane| send(destination, lane, &stop))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut hold: Option<(String, Duration)> = None;
        lanes = Vec::new();
        for lane in sent {
            refusals.extend(lane.refusals);
            match lane.end {
                End::Gone => return Err(Held::Gone),
                End::Hold { reason, after } => {
                    let after = after.max(hold.map_or(Duration::ZERO, |(_, after)| after));
                    hold = Some((reason, after));
                }
                End::Done | End::Stopped => {}
            }
            if !lane.messages.is_empty() {
                lanes.push(lane.messages);
            }
        }
        lanes.extend(rest);
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
fn lanes(messages: Vec<Message>) -> Vec<VecDeque<Message>> {
    let (mut lanes, mut by_person) = (Vec::<VecDeque<Message>>::new(), HashMap::new());
    for message in messages {
        let index = *by_person.entry(message.person.clone()).or_insert(lanes.len());
        match lanes.get_mut(index) {
            Some(lane) => lane.push_back(message),
            None => lanes.push(VecDeque::from([message])),
        }
    }
    lanes
}

/// The messages about a person after they were sent.
struct Lane {
    /// Those that are left.
    messages: VecDeque<Message>,
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
async fn send(destination: &Destination, mut messages: VecDeque<Message>, stop: &AtomicBool) -> Lane {
    let mut refusals = Vec::new();
    let (mut attempts, mut pauses) = (0, pauses());
    let end = loop {
        let Some(message) = messages.front() else { break End::Done };
        if stop.load(Ordering::Relaxed) {
            break End::Stopped;
        }
        attempts += 1;
        match destination.send(message).await {
            Verdict::Delivered => drop(messages.pop_front()),
            Verdict::Refused { .. } if attempts < ATTEMPTS => {
                sleep(pauses.next().unwrap_or(LONGEST)).await;
                continue;
            }
            Verdict::Refused { reason } => {
                refusals.extend(messages.pop_front().map(|message| Refusal { message, reason, attempts }));
            }
            Verdict::Hold { reason, after } => {
                stop.store(true, Ordering::Relaxed);
                break End::Hold { reason, after: after.unwrap_or_default() };
            }
            Verdict::Gone => {
                stop.store(true, Ordering::Relaxed);
                break End::Gone;
            }
        }
        (attempts, pauses) = (0, self::pauses());
    };
    Lane { messages, refusals, end }
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
