//! The replies of a door without a queue. It sends them when the opt-in is done, while nobody waits for them.

use super::metrics::DoorMetrics;
use crate::account::Account;
use crate::clock;
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::reply::{Hold, MemoryLedger, Replier, Reply, ReplyEnd, Step};
use crate::secrets::SecretKind;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::warn;

/// How many replies may be under way or wait at once.
const MOST: u32 = 256;
/// The longest time that the last ones may take when a door ends.
const LAST: Duration = Duration::from_secs(10);
/// How often a reply is tried.
const ATTEMPTS: u32 = 10;

/// Sends replies, each message's once as far as this process remembers.
#[derive(Clone)]
pub(super) struct DirectReplies(Arc<Inner>);

struct Inner {
    replier: Replier,
    ledger: MemoryLedger,
    permits: Arc<Semaphore>,
    metrics: DoorMetrics,
}

impl DirectReplies {
    pub(super) fn new(replier: Replier, metrics: DoorMetrics) -> Self {
        let permits = Arc::new(Semaphore::new(MOST as usize));
        Self(Arc::new(Inner { replier, ledger: MemoryLedger::default(), permits, metrics }))
    }

    /// Whether an account sends replies.
    pub(super) fn are_sent(&self, account: &Account) -> bool {
        self.0.replier.business_number(account).is_some()
    }

    /// Begins to send the replies to a message of the queue's form that has this outcome.
    pub(super) fn begin(&self, account: &Account, message: &[u8], outcome: &Outcome) {
        let replies = Reply::to(account, message, Moment::now(), outcome);
        if replies.is_empty() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.0.permits).try_acquire_owned() else {
            warn!(%account, "a reply is not sent: too many are under way");
            return self.0.metrics.replies(ReplyEnd::Dropped.into());
        };
        let inner = Arc::clone(&self.0);
        clock::spawn(async move {
            let mut is_repeated = false;
            for reply in replies {
                // Meta has sent the message twice. Who took the first reply also sends the others, after it.
                let end = if is_repeated { ReplyEnd::Repeated } else { inner.send(&reply).await };
                is_repeated = end == ReplyEnd::Repeated;
                inner.metrics.replies(end.into());
            }
            drop(permit);
        });
    }

    /// Waits until no reply is under way, but not for long.
    pub(super) async fn settled(&self) {
        let _ = timeout(LAST, self.0.permits.acquire_many(MOST)).await;
    }
}

impl Inner {
    async fn send(&self, reply: &Reply) -> ReplyEnd {
        let account = &reply.account;
        for attempt in 1..=ATTEMPTS {
            let reason = match self.replier.send(reply, &self.ledger).await {
                Ok(Step::Ended(end)) => return end,
                Ok(Step::Later(hold, after, reason)) => {
                    if hold == Hold::Account && attempt == 1 {
                        warn!(%account, reason, "a reply waits");
                    }
                    sleep(after).await;
                    continue;
                }
                Ok(Step::Setting(_, reason)) => reason,
                Err(error) => {
                    warn!(%account, error = &error as &dyn Error, "a reply is not sent");
                    return ReplyEnd::Dropped;
                }
            };
            let [token, number] =
                [SecretKind::WhatsappToken, SecretKind::WhatsappPhoneNumberId].map(SecretKind::file);
            warn!(%account, reason, "a reply is not sent; see the account's {token} and {number}");
            return ReplyEnd::Dropped;
        }
        warn!(%account, "a reply is not sent: WhatsApp takes none for now");
        ReplyEnd::Dropped
    }
}
