//! How many opt-ins wait.

use super::connection::Queue;
use super::error::{QueueError, failed};
use super::request::within;
use super::set_up::OPT_INS_SUBJECT;
use crate::account::Account;
use futures_util::TryStreamExt;
use std::collections::BTreeMap;

/// The messages in the queue, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many of each account wait or are under way.
    pub accounts: BTreeMap<Account, usize>,
    /// How many there are of each subject that is no account's. No worker takes them.
    pub strays: BTreeMap<String, usize>,
}

impl Waiting {
    /// Whether there is no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.strays.is_empty()
    }

    /// How many opt-ins of all accounts wait or are under way.
    #[must_use]
    pub fn total(&self) -> usize {
        self.accounts.values().sum()
    }
}

impl Queue {
    /// How many opt-ins of each account wait or are under way.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn waiting(&self) -> Result<Waiting, QueueError> {
        let what = "count the opt-ins";
        // All subjects are asked for, even where one account is meant: a NATS 2.9 that was killed tells of no
        // message if it is asked for a single subject.
        let counts = async {
            let counts = self.opt_ins.info_with_subjects(format!("{OPT_INS_SUBJECT}.*")).await;
            let counts: Vec<(String, usize)> =
                counts.map_err(failed(what))?.try_collect().await.map_err(failed(what))?;
            Ok(counts)
        };
        let mut waiting = Waiting::default();
        for (subject, count) in within(&self.client(), what, counts).await?? {
            match subject.rsplit('.').next().and_then(|name| name.parse().ok()) {
                Some(account) => waiting.accounts.insert(account, count),
                None => waiting.strays.insert(subject, count),
            };
        }
        Ok(waiting)
    }
}
