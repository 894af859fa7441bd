//! Who has stopped marketing lately, so that consent which they gave before is not given after it: by an opt-in that
//! failed before, by a dead letter that is retried, or by another worker.

use super::{AT_ONCE, Batch, Ended, Item, Stop};
use crate::opt_in::{Channel, OptIn, OptInKey};
use crate::opt_out::OptOut;
use crate::outcome::OptOutReceipt;
use crate::queue::{QueueError, Record};
use futures_util::{StreamExt, TryStreamExt, stream};

impl Batch<'_> {
    /// Keeps who has left, and where in the stream that was said.
    pub(super) async fn record_withdrawals(
        &self,
        ended: &[Ended<OptOut, OptOutReceipt>],
    ) -> Result<(), Stop> {
        let left = ended.iter().filter(|(_, result)| result.is_ok());
        let kept: Vec<_> = left.map(|(item, _)| self.record_withdrawal(item)).collect();
        stream::iter(kept).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn record_withdrawal(&self, item: &Item<OptOut>) -> Result<(), Stop> {
        for channel in &item.asked.opt_out {
            let key = self.withdrawal_key(&item.asked.phone_number, *channel);
            loop {
                let known = match self.settler.queue.find_record(&key).await {
                    // A newer version has written it, of the same.
                    Err(QueueError::Unreadable(_)) => break,
                    known => known?,
                };
                let record = Record {
                    outcome: OptOutReceipt::default().into(),
                    sequences: vec![item.since()],
                    revision: known.as_ref().map_or(0, |known| known.revision),
                };
                if known.is_some_and(|known| is_after(&known, item.since().saturating_sub(1)))
                    || self.settler.queue.settle(&key, &record).await?
                {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Opt-ins without the consent that their people have taken back since they were accepted.
    pub(super) async fn without_withdrawn(&self, opt_ins: Vec<Item>) -> Result<Vec<Item>, Stop> {
        let opt_ins = stream::iter(opt_ins).map(|item| self.without_one(item));
        opt_ins.buffered(AT_ONCE).try_collect().await
    }

    async fn without_one(&self, mut item: Item) -> Result<Item, Stop> {
        let (since, opt_in) = (item.since(), &mut item.asked);
        for channel in opt_in.consent.clone() {
            if self.has_withdrawn(opt_in, channel, since).await? {
                opt_in.consent.retain(|other| *other != channel);
                let name = channel.as_str();
                opt_in.warn(format!(
                    "consent: the person has stopped {name} marketing since, so none is given"
                ));
            }
        }
        if opt_in.consent.is_empty() {
            // There is no source of nothing.
            opt_in.consent_source = None;
        }
        Ok(item)
    }

    async fn has_withdrawn(&self, opt_in: &OptIn, channel: Channel, since: u64) -> Result<bool, QueueError> {
        match (channel, &opt_in.phone_number) {
            // Opt-outs have no email.
            (Channel::Email, _) | (_, None) => Ok(false),
            (Channel::Sms | Channel::Whatsapp, Some(number)) => {
                match self.settler.queue.find_record(&self.withdrawal_key(number, channel)).await {
                    // A newer version says when; that they have left is sure.
                    Err(QueueError::Unreadable(_)) => Ok(true),
                    left => Ok(left?.is_some_and(|left| is_after(&left, since))),
                }
            }
        }
    }

    /// Where it is kept that somebody has left a channel: among the outcomes, and for as long.
    fn withdrawal_key(&self, number: &str, channel: Channel) -> OptInKey {
        // Longer than a caller's own id may be.
        OptInKey::new(self.settler.account, &format!("{number} has left {:0>200}", channel.as_str()))
    }
}

fn is_after(left: &Record, sequence: u64) -> bool {
    left.sequences.iter().any(|at| *at > sequence)
}
