//! One reading of an account's sources: page after page, each told before the next one.

use super::consents::consents;
use super::delivery::{Held, Refusal, deliver};
use super::destination::Destination;
use super::kept::Kept;
use super::message::{Malformed, Message};
use super::settings::FeedSettings;
use super::source::{Page, Source};
use super::status::FeedStatus;
use crate::account::Account;
use crate::clock;
use crate::outcome::Reason;
use crate::queue::{ChangesDeadLetter, Queue, QueueError};
use bytes::Bytes;
use klaviyo_host::types::Code;
use klaviyo_host::{Disposition, Tenant};
use serde_json::Value;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

/// How long opt-ins of the account hold a request of the feed up.
const TURN: Duration = Duration::from_secs(10);
/// How often the feed looks whether the opt-ins are done.
const LOOK: Duration = Duration::from_millis(200);
/// How many consents are asked for in one turn.
const CONSENTS: usize = 25;
/// How many changes are sent again in one turn.
const RETRIES: usize = 100;

/// Why a reading ended before its end.
pub(super) enum Stop {
    /// It may go on after a pause, which is as long as this at least.
    Later(Reason, Duration),
    /// As before, and the other sources of the account would fail too.
    Account(Reason, Duration),
    /// The destination wants no message any more.
    Gone,
}

/// A reading of an account's sources.
pub(super) struct Reading<'a, B> {
    pub(super) queue: &'a Queue,
    pub(super) account: &'a Account,
    pub(super) status: &'a FeedStatus,
    pub(super) settings: &'a FeedSettings,
    pub(super) destination: &'a Destination,
    pub(super) tenant: Tenant,
    /// Whether opt-ins of the account are under way.
    pub(super) is_busy: B,
}

impl<B: Fn() -> bool> Reading<'_, B> {
    /// Reads a source to its end, and tells what it has.
    pub(super) async fn read(&self, source: &Source) -> Result<(), Stop> {
        let Self { queue, account, .. } = *self;
        let key = source.key();
        let (mut kept, mut revision): (Kept, u64) = match queue.changes_position(account, &key).await? {
            Some(found) => found,
            None => {
                let kept = Kept::begin(self.settings.since.as_deref(), clock::now_utc());
                let revision = queue.keep_changes_position(account, &key, kept.to_entry(), 0).await?;
                (kept, revision)
            }
        };
        loop {
            turn(&self.is_busy).await;
            let page = source.read(&self.tenant, &kept.position).await?;
            let page = Page::try_from(page)?;
            let messages = self.messages(source, &page.items).await?;
            let count = messages.len();
            let refusals = self.deliver(messages).await?;
            self.status.told("delivered", count - refusals.len());
            for refusal in refusals {
                self.bury(refusal).await?;
            }
            let after = kept.after(&page, page.items.iter().filter_map(|item| source.time(item)).max());
            if after != kept {
                revision = queue.keep_changes_position(account, &key, after.to_entry(), revision).await?;
                kept = after;
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Sends what was refused once more, where an operator wants it.
    pub(super) async fn retry(&self) -> Result<(), Stop> {
        let Self { queue, account, status, .. } = *self;
        let mut next = 0;
        loop {
            let letters = queue.changes_to_retry(account, next, RETRIES).await?;
            let Some((last, _)) = letters.last() else { return Ok(()) };
            next = last.saturating_add(1);
            let body = |letter: &ChangesDeadLetter| Bytes::copy_from_slice(letter.message.get().as_bytes());
            let again =
                |(_, letter): &(u64, ChangesDeadLetter)| Message::again(letter.id.clone(), body(letter));
            let refusals = self.deliver(letters.iter().map(again).collect()).await?;
            status.told("delivered", letters.len() - refusals.len());
            for mut refusal in refusals {
                let before = letters.iter().find(|(_, letter)| letter.id == refusal.message.id);
                refusal.attempts += before.map_or(0, |(_, letter)| letter.attempts);
                self.bury(refusal).await?;
            }
            // Last, so that a change is there as long as it is not told.
            for (sequence, _) in letters {
                queue.drop_changes_dead_letter(sequence).await?;
            }
        }
    }

    /// The messages about the items of a page, in their order.
    async fn messages(&self, source: &Source, items: &[Value]) -> Result<Vec<Message>, Stop> {
        let account = Some(self.account.as_str());
        if *source != Source::Profiles {
            return Ok(items.iter().map(|item| source.message(account, item)).collect::<Result<_, _>>()?);
        }
        let mut messages = Vec::new();
        for some in items.chunks(CONSENTS) {
            let consents = if self.settings.consent { self.consents(some).await? } else { Vec::new() };
            let mut consents = consents.into_iter();
            for item in some {
                if self.settings.profiles {
                    messages.push(source.message(account, item)?);
                }
                // There is none of a profile that was deleted since.
                if let Some(consent) = consents.next().filter(|consent| !consent.is_null()) {
                    messages.push(Message::consent_changed(account, item, &consent)?);
                }
            }
        }
        Ok(messages)
    }

    /// The consents of profiles.
    async fn consents(&self, profiles: &[Value]) -> Result<Vec<Value>, Stop> {
        turn(&self.is_busy).await;
        Ok(consents(&self.tenant, profiles).await?)
    }

    async fn deliver(&self, messages: Vec<Message>) -> Result<Vec<Refusal>, Stop> {
        let Self { account, status, .. } = *self;
        let has_waited = AtomicBool::new(false);
        let wait = |reason: String, pause: Duration| {
            has_waited.store(true, Ordering::Relaxed);
            warn!(%account, seconds = pause.as_secs(), reason, "changes wait for their destination");
            status.waiting(account, Reason::new(Code::Unavailable, reason), pause);
            async move {
                sleep(pause).await;
                true
            }
        };
        let refusals = deliver(self.destination, messages, wait).await;
        let refusals = refusals.map_err(|held| match held {
            Held::Gone => Stop::Gone,
            Held::Failing(reason) => Stop::Account(Reason::new(Code::Unavailable, reason), Duration::ZERO),
        })?;
        if has_waited.into_inner() {
            // What has gathered meanwhile may take long.
            info!(%account, "the destination takes changes again");
            status.telling(account);
        }
        Ok(refusals)
    }

    /// Keeps a message that the destination refuses.
    async fn bury(&self, refusal: Refusal) -> Result<(), Stop> {
        let Self { queue, account, status, .. } = *self;
        let Refusal { message, reason, attempts } = refusal;
        warn!(%account, id = message.id, reason, "a change is refused, and becomes a dead letter");
        let reason = Reason::new(Code::Rejected, reason);
        let letter = ChangesDeadLetter::new(message.id, &message.body, reason, attempts);
        queue.write_changes_dead_letter(account, &letter.map_err(|_| Malformed)?).await?;
        status.told("dead", 1);
        Ok(())
    }
}

/// Waits until no opt-in of the account is under way, though not for ever.
async fn turn(is_busy: impl Fn() -> bool) {
    let end = Instant::now() + TURN;
    while is_busy() && Instant::now() < end {
        sleep(LOOK).await;
    }
}

impl From<klaviyo_host::Error> for Stop {
    fn from(error: klaviyo_host::Error) -> Self {
        let (reason, after) = (Reason::from(&error), error.retry_after().unwrap_or_default());
        match error.disposition() {
            Disposition::StopAccount | Disposition::RetryLater => Self::Account(reason, after),
            Disposition::Retry | Disposition::GiveUp => Self::Later(reason, after),
        }
    }
}

impl From<QueueError> for Stop {
    fn from(error: QueueError) -> Self {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::Account(Reason::new(Code::Unavailable, format!("{error}{cause}")), Duration::ZERO)
    }
}

impl From<Malformed> for Stop {
    fn from(error: Malformed) -> Self {
        Self::Later(Reason::new(Code::Malformed, error.to_string()), Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn opt_ins_go_first_and_not_for_ever() {
        let begun = Instant::now();
        let took = async |busy: Duration| {
            let begun = Instant::now();
            turn(|| begun.elapsed() < busy).await;
            begun.elapsed()
        };
        assert_eq!(took(Duration::ZERO).await, Duration::ZERO);
        assert_eq!(took(Duration::from_secs(3)).await, Duration::from_secs(3));
        assert_eq!(took(Duration::from_secs(1_000)).await, TURN);
        assert_eq!(begun.elapsed(), Duration::from_secs(3) + TURN);
    }
}
