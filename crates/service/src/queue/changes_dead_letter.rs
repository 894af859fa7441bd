//! The dead letters of changes: what a destination refused, until an operator has it sent again or drops it.

use super::connection::Queue;
use super::error::{QueueError, ask, to_json};
use super::scan::Scan;
use super::set_up::{CHANGES_DEAD_SUBJECT, CHANGES_RETRY};
use crate::account::Account;
use crate::clock;
use crate::outcome::Reason;
use async_nats::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::format_description::well_known::Rfc3339;

/// A change that its destination refused, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangesDeadLetter {
    /// The `webhook-id` of the message.
    pub id: String,
    /// The message.
    pub message: Box<RawValue>,
    /// What the destination answered.
    pub error: Reason,
    /// How often it was sent.
    pub attempts: u32,
    /// When it was given up, in RFC 3339.
    pub since: String,
}

impl ChangesDeadLetter {
    /// The dead letter of a message that was given up now.
    pub(crate) fn new(
        id: String,
        message: &[u8],
        error: Reason,
        attempts: u32,
    ) -> Result<Self, serde_json::Error> {
        let since = clock::now_utc().format(&Rfc3339).unwrap_or_default();
        Ok(Self { id, message: serde_json::from_slice(message)?, error, attempts, since })
    }
}

impl Queue {
    /// Writes the dead letter of a change. Writing it again replaces it.
    pub(crate) async fn write_changes_dead_letter(
        &self,
        account: &Account,
        letter: &ChangesDeadLetter,
    ) -> Result<(), QueueError> {
        self.write_change(subject(account, letter), letter).await
    }

    /// Has the worker of the account send the change of a dead letter again, with its id. If this is interrupted, it can be
    /// repeated: the dead letter is removed last. False: someone else has decided about it meanwhile.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn retry_change(
        &self,
        account: &Account,
        sequence: u64,
        letter: &ChangesDeadLetter,
    ) -> Result<bool, QueueError> {
        self.write_change(format!("{}.{CHANGES_RETRY}", subject(account, letter)), letter).await?;
        self.wake_changes(account).await?;
        self.drop_changes_dead_letter(sequence).await
    }

    async fn write_change(&self, subject: String, letter: &ChangesDeadLetter) -> Result<(), QueueError> {
        let letter = to_json("a dead letter", letter)?;
        let written = self.broker.publish(subject, HeaderMap::new(), letter.into());
        ask(self.connection(), "keep a dead letter", written).await.map(drop)
    }

    /// The first changes of an account that are to be sent again, at or after a sequence of the stream, each with its own.
    pub(crate) async fn changes_to_retry(
        &self,
        account: &Account,
        mut from: u64,
        most: usize,
    ) -> Result<Vec<(u64, ChangesDeadLetter)>, QueueError> {
        let what = "read the changes to send again";
        let mut letters = Vec::new();
        while letters.len() < most {
            let filter = format!("{CHANGES_DEAD_SUBJECT}.{account}.*.{CHANGES_RETRY}");
            let message = self.changes_dead.first_of(filter, from);
            let Some(message) = ask(self.connection(), what, message).await? else { break };
            from = message.sequence.saturating_add(1);
            let letter = serde_json::from_slice(&message.payload);
            letters.extend(letter.ok().map(|letter| (message.sequence, letter)));
        }
        Ok(letters)
    }

    /// The dead letters of changes, of one account or all, oldest first, each with its account and its sequence in the
    /// stream.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn changes_dead(
        &self,
        account: Option<&Account>,
    ) -> Result<Vec<(Account, u64, ChangesDeadLetter)>, QueueError> {
        let filter = format!("{CHANGES_DEAD_SUBJECT}.{}.*", account.map_or("*", Account::as_str));
        let mut scan =
            Scan::begin(self.connection(), self.changes_dead.as_ref(), filter, "read the dead letters")
                .await?;
        let mut letters = Vec::new();
        loop {
            let page = scan.next_page().await?;
            if page.is_empty() {
                break;
            }
            letters.extend(page.iter().filter_map(|(sequence, message)| {
                let account = message.subject.split('.').nth_back(1)?.parse().ok()?;
                Some((account, *sequence, serde_json::from_slice(&message.payload).ok()?))
            }));
        }
        scan.end().await;
        Ok(letters)
    }

    /// The number of dead letters of changes, with those that are to be sent again.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn changes_dead_letters(&self) -> Result<u64, QueueError> {
        Ok(ask(self.connection(), "count the dead letters", self.changes_dead.state()).await?.messages)
    }

    /// Drops the dead letter of a change, or one that is to be sent again. False: it is gone already.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn drop_changes_dead_letter(&self, sequence: u64) -> Result<bool, QueueError> {
        ask(self.connection(), "remove a dead letter", self.changes_dead.delete(sequence)).await
    }
}

fn subject(account: &Account, letter: &ChangesDeadLetter) -> String {
    format!("{CHANGES_DEAD_SUBJECT}.{account}.{}", letter.id)
}
