//! The ids of WhatsApp's that have become others, so that two changes of one person count by their times, in whatever
//! order they arrive. They are kept as long as outcomes: Meta repeats a notification no longer.

use super::connection::Queue;
use super::error::QueueError;
use crate::account::Account;
use crate::key::OptInKey;
use crate::moment::Moment;
use crate::renaming::{self, Renaming};

const WHAT: &str = "keep a change of an id";

/// The key of what an id has become.
fn key(account: &Account, previous: &str) -> OptInKey {
    OptInKey::new(account, &format!("renamed {previous}"))
}

impl Queue {
    /// Notes a change of an id at a time. Returns the ids that the person has had since, the previous one first, the one
    /// from now on last.
    ///
    /// # Errors
    /// [`QueueError::Unreadable`] is about this person alone; all others are about the queue.
    pub(crate) async fn note_renaming(
        &self,
        renaming: &Renaming,
        at: Moment,
    ) -> Result<Vec<String>, QueueError> {
        let Renaming { account, previous, .. } = renaming;
        let noted = |known: &mut Option<Renaming>| {
            if known.as_ref().is_none_or(|known| known.at < Some(at)) {
                *known = Some(Renaming { at: Some(at), ..renaming.clone() });
            }
            known.clone()
        };
        let next = self.change_entry(self.outcomes.as_ref(), WHAT, &key(account, previous), noted).await?;
        self.ids_from(account, previous, next).await
    }

    /// The ids that a person has had since this one, which is the first; what the person said under it counts under the
    /// last.
    ///
    /// # Errors
    /// As [`Queue::note_renaming`].
    pub(crate) async fn ids_since(&self, account: &Account, id: &str) -> Result<Vec<String>, QueueError> {
        if !renaming::can_change(id) {
            return Ok(vec![id.to_owned()]);
        }
        let next = self.read_entry(self.outcomes.as_ref(), WHAT, &key(account, id)).await?.value;
        self.ids_from(account, id, next).await
    }

    /// The last of these ids, which the person has by now.
    ///
    /// # Errors
    /// As [`Queue::note_renaming`].
    pub(crate) async fn last_id(&self, account: &Account, id: &str) -> Result<String, QueueError> {
        Ok(self.ids_since(account, id).await?.pop().unwrap_or_else(|| id.to_owned()))
    }

    async fn ids_from(
        &self,
        account: &Account,
        first: &str,
        mut next: Option<Renaming>,
    ) -> Result<Vec<String>, QueueError> {
        let mut ids = vec![first.to_owned()];
        while let Some(Renaming { renamed_to, at, .. }) = next
            && !ids.contains(&renamed_to)
        {
            let later =
                self.read_entry::<Renaming>(self.outcomes.as_ref(), WHAT, &key(account, &renamed_to)).await?;
            next = later.value.filter(|later| later.at >= at);
            ids.push(renamed_to);
        }
        Ok(ids)
    }
}
