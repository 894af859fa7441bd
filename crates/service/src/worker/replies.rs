//! Sending the replies of an account: at the same time for different people, in order for each person.

use super::context::WorkerContext;
use super::in_flight::pause;
use super::settle::Settler;
use super::status::AccountState;
use crate::outcome::Reason;
use crate::queue::{Delivery, QueueError};
use crate::reply::{BusinessNumber, Hold, Reply, ReplyEnd, Step};
use futures_util::{StreamExt, TryStreamExt, stream};
use klaviyo_host::types::Code;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// How many replies are sent at once. WhatsApp takes 80 a second.
const AT_ONCE: usize = 16;
/// The longest pause after WhatsApp has taken nothing.
const LONGEST_HOLD: Duration = Duration::from_secs(5 * 60);

/// How long after its time a reply is expected back from the queue.
const LOST: Duration = Duration::from_secs(10 * 60);

/// Whether the replies of the account have to wait.
#[derive(Debug, Default)]
pub(super) enum Standstill {
    #[default]
    No,
    /// They wait so long, for this reason.
    For(Duration, String),
    /// They wait until the account sends with something else, for this reason.
    UntilAnother(Option<BusinessNumber>, String),
}

/// Waits until replies can be sent again. False: they can be sent now.
pub(super) async fn wait(
    context: &WorkerContext,
    settler: Settler<'_>,
    standstill: Standstill,
    rest: impl AsyncFnOnce(Duration),
) -> bool {
    let Settler { account, lane, .. } = settler;
    match standstill {
        Standstill::No => return false,
        Standstill::For(delay, reason) => {
            let reason = Reason::new(Code::RateLimited, reason);
            context.status.has(account, lane, AccountState::Waiting(reason, Instant::now() + delay));
            rest(delay).await;
        }
        Standstill::UntilAnother(number, reason) => {
            warn!(%account, reason, "replies wait for another token or phone number id; opt-ins go on");
            let paused = AccountState::Paused(Reason::new(Code::Unauthenticated, reason));
            context.status.has(account, lane, paused);
            context.wait_while(account, || context.replier.business_number(account) == number).await;
        }
    }
    context.status.has(account, lane, AccountState::Working);
    true
}

/// What is known of an account's replies while its worker has it.
#[derive(Default)]
pub(super) struct ReplyLane {
    /// The replies that went back to the queue, with the time until which their person has to be left alone.
    deferred: Mutex<BTreeMap<String, Deferred>>,
    /// How often WhatsApp has taken nothing for now since it took a reply.
    holds: u32,
}

struct Deferred {
    /// By their sequences in the stream.
    sequences: BTreeSet<u64>,
    until: Instant,
}

impl ReplyLane {
    /// Sends replies. When this returns without an error, each one is sent, given up, or back in the queue.
    pub(super) async fn send(
        &mut self,
        context: &WorkerContext,
        settler: Settler<'_>,
        deliveries: Vec<(Arc<Delivery>, u32)>,
    ) -> Result<Standstill, QueueError> {
        let mut people: BTreeMap<String, BTreeMap<u64, Reply>> = BTreeMap::new();
        for (delivery, _) in deliveries {
            let sequence = delivery.sequence();
            match serde_json::from_slice::<Reply>(delivery.payload()) {
                Ok(reply) if reply.account == *settler.account => {
                    people.entry(reply.person().to_owned()).or_default().insert(sequence, reply);
                }
                Ok(_) | Err(_) => {
                    warn!(account = %settler.account, sequence, "a message among the replies is none, or of a newer version; it is dropped");
                    settler.ended(ReplyEnd::Dropped.into(), sequence);
                    settler.in_flight.ack(sequence).await?;
                }
            }
        }
        let (held, sent) = (Mutex::new(Standstill::No), Mutex::new(false));
        let each = people.into_iter().map(|(person, replies)| {
            let at = Round { context, settler, replies: self, held: &held, sent: &sent };
            async move { at.send_to(&person, replies).await }
        });
        stream::iter(each.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        let held = held.into_inner();
        self.holds = match &held {
            Standstill::For(..) if !sent.into_inner() => self.holds.saturating_add(1),
            _ => 0,
        };
        Ok(match held {
            Standstill::For(after, reason) => {
                Standstill::For(after.max(pause(self.holds)).min(LONGEST_HOLD.max(after)), reason)
            }
            held => held,
        })
    }

    /// How long a reply has to wait for earlier ones to its person that went back to the queue.
    fn behind(&self, person: &str, sequence: u64) -> Option<Duration> {
        let mut deferred = self.deferred.lock();
        if deferred.get(person).is_some_and(|known| known.until.elapsed() > LOST) {
            // An operator has taken them from the stream.
            deferred.remove(person);
        }
        let Deferred { sequences, until } = deferred.get(person)?;
        let is_behind = sequences.first().is_some_and(|first| *first < sequence);
        is_behind.then(|| until.saturating_duration_since(Instant::now()).max(Duration::from_millis(500)))
    }

    fn defer(&self, person: &str, sequence: u64, delay: Duration) {
        let mut deferred = self.deferred.lock();
        let until = Instant::now() + delay;
        let known = deferred
            .entry(person.to_owned())
            .or_insert_with(|| Deferred { sequences: BTreeSet::new(), until });
        known.sequences.insert(sequence);
        known.until = known.until.max(until);
    }

    fn ended(&self, person: &str, sequence: u64) {
        let mut deferred = self.deferred.lock();
        if let Some(known) = deferred.get_mut(person) {
            known.sequences.remove(&sequence);
            if known.sequences.is_empty() {
                deferred.remove(person);
            }
        }
    }
}

/// One round of sending.
#[derive(Clone, Copy)]
struct Round<'a> {
    context: &'a WorkerContext,
    settler: Settler<'a>,
    replies: &'a ReplyLane,
    held: &'a Mutex<Standstill>,
    /// Whether WhatsApp has taken a reply.
    sent: &'a Mutex<bool>,
}

impl Round<'_> {
    /// Sends the replies to one person, by their sequences.
    async fn send_to(self, person: &str, replies: BTreeMap<u64, Reply>) -> Result<(), QueueError> {
        let mut later = None;
        for (sequence, reply) in replies {
            later = later.or_else(|| self.pause()).or_else(|| self.replies.behind(person, sequence));
            if let Some(delay) = later {
                self.give_back(person, sequence, delay).await;
                continue;
            }
            match self.context.replier.send(&reply, self.settler.queue).await? {
                Step::Ended(end) => {
                    *self.sent.lock() |= end == ReplyEnd::Sent;
                    self.replies.ended(person, sequence);
                    self.settler.ended(end.into(), sequence);
                    self.settler.in_flight.ack(sequence).await?;
                }
                Step::Later(hold, after, reason) => {
                    if hold == Hold::Account {
                        *self.held.lock() = Standstill::For(after, reason);
                    }
                    self.give_back(person, sequence, after).await;
                    later = Some(after);
                }
                Step::Setting(number, reason) => {
                    *self.held.lock() = Standstill::UntilAnother(number, reason);
                    self.give_back(person, sequence, Duration::ZERO).await;
                    later = Some(Duration::ZERO);
                }
            }
        }
        Ok(())
    }

    /// How long all replies of the account have to wait.
    fn pause(self) -> Option<Duration> {
        match &*self.held.lock() {
            Standstill::No => None,
            Standstill::For(after, _) => Some(*after),
            // Nothing is taken from the queue meanwhile.
            Standstill::UntilAnother(..) => Some(Duration::ZERO),
        }
    }

    async fn give_back(self, person: &str, sequence: u64, delay: Duration) {
        self.replies.defer(person, sequence, delay);
        self.settler.in_flight.nak(sequence, delay).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reply_waits_for_earlier_ones_to_its_person() {
        let (replies, six) = (ReplyLane::default(), Duration::from_secs(6));
        replies.defer("priya", 7, six);
        replies.defer("priya", 8, six);
        assert_eq!(replies.behind("priya", 7), None);
        assert_eq!(replies.behind("priya", 9), Some(six));
        assert_eq!(replies.behind("asha", 9), None);
        tokio::time::advance(six).await;
        replies.ended("priya", 7);
        assert_eq!(replies.behind("priya", 8), None);
        // The first one is under way again.
        assert!(replies.behind("priya", 9).is_some_and(|delay| delay < Duration::from_secs(1)));
        replies.ended("priya", 8);
        assert_eq!(replies.behind("priya", 9), None);
        assert!(replies.deferred.lock().is_empty());
        replies.defer("priya", 10, six);
        tokio::time::advance(six + LOST + Duration::from_secs(1)).await;
        assert_eq!(replies.behind("priya", 11), None);
    }
}
