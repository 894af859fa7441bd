//! Sending one reply: at most once, in time, in the account's words.

use super::cloud::Cloud;
use super::fate::{Fate, Hold};
use super::ledger::{Claim, Ledger};
use super::pending::Reply;
use crate::account::Account;
use crate::moment::Moment;
use crate::queue::QueueError;
use crate::secrets::{SecretKind, SecretText, Secrets};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use strum::IntoStaticStr;
use tracing::{debug, warn};

/// Sends replies for all accounts of a process.
pub(crate) struct Replier {
    cloud: Arc<Cloud>,
    secrets: Arc<Secrets>,
}

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub(crate) enum ReplyEnd {
    /// WhatsApp has taken it.
    Sent,
    /// It was sent before, or may have been.
    Repeated,
    /// The person was told the opposite about a later message.
    Outdated,
    /// It may have been sent, and is not sent again.
    Unsure,
    /// WhatsApp does not take it.
    Refused,
    /// The person wrote more than a day ago.
    Late,
    /// The account's settings have none.
    Off,
    /// There was no room for it, or no time left.
    Dropped,
}

/// What is to be done with a reply after an attempt to send it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing more.
    Ended(ReplyEnd),
    /// It can be tried again, this much later, for this reason.
    Later(Hold, Duration, String),
    /// It waits until the account has something else than this to send with, for this reason.
    Setting(Option<BusinessNumber>, String),
}

/// What an account sends with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BusinessNumber {
    token: SecretText,
    phone_number_ids: SecretText,
}

impl BusinessNumber {
    /// The id of the number that a person wrote to; or the only one, where that is not told.
    fn id<'a>(&'a self, written_to: Option<&'a str>) -> Option<&'a str> {
        let mut ids = self.phone_number_ids.split_whitespace();
        match written_to {
            Some(id) => ids.find(|own| *own == id),
            None => ids.next().filter(|_| ids.next().is_none()),
        }
    }
}

/// Leaves out the token.
impl fmt::Debug for BusinessNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusinessNumber")
            .field("phone_number_ids", &self.phone_number_ids)
            .finish_non_exhaustive()
    }
}

impl Replier {
    pub(crate) fn new(cloud: Arc<Cloud>, secrets: Arc<Secrets>) -> Self {
        Self { cloud, secrets }
    }

    /// What an account sends with now; none if it sends no replies.
    pub(crate) fn business_number(&self, account: &Account) -> Option<BusinessNumber> {
        Some(BusinessNumber {
            token: self.secrets.get(account, SecretKind::WhatsappToken)?,
            phone_number_ids: self.secrets.get(account, SecretKind::WhatsappPhoneNumberId)?,
        })
    }

    /// Tries to send a reply.
    ///
    /// # Errors
    /// When the ledger cannot be asked. The reply may be claimed then, and if it is, it is not sent any more.
    pub(crate) async fn send(&self, reply: &Reply, ledger: &impl Ledger) -> Result<Step, QueueError> {
        let (account, key) = (&reply.account, reply.key());
        if reply.is_late(Moment::now()) {
            warn!(%account, %key, "a reply is not sent: the person wrote more than a day ago");
            return Ok(Step::Ended(ReplyEnd::Late));
        }
        let Some(number) = self.business_number(account) else {
            let reason = format!(
                "{account}.{} or {account}.{} is missing",
                SecretKind::WhatsappToken.file(),
                SecretKind::WhatsappPhoneNumberId.file()
            );
            return Ok(Step::Setting(None, reason));
        };
        let Some(id) = number.id(reply.conversation.phone_number_id.as_deref()) else {
            let file = SecretKind::WhatsappPhoneNumberId.file();
            let reason = format!("the number that the person wrote to is not in {account}.{file}");
            warn!(%account, %key, reason, "a reply cannot be sent");
            return Ok(Step::Ended(ReplyEnd::Refused));
        };
        match ledger.claim(reply).await? {
            Claim::Made => {}
            Claim::Repeated => {
                debug!(%account, %key, "a reply was sent before, or may have been");
                return Ok(Step::Ended(ReplyEnd::Repeated));
            }
            Claim::Outdated => {
                debug!(%account, %key, "a reply is not sent: the person was told the opposite about a later message");
                return Ok(Step::Ended(ReplyEnd::Outdated));
            }
        }
        // After the claim: what was not said to an opt-out is not followed by an older reply either.
        let Some(body) = self.body(reply) else { return Ok(Step::Ended(ReplyEnd::Off)) };
        let step = match self.cloud.send(&number.token, id, body).await {
            Fate::Sent => return Ok(Step::Ended(ReplyEnd::Sent)),
            Fate::Unsure(reason) => {
                warn!(%account, %key, reason, "a reply may have been sent, and is not sent again");
                return Ok(Step::Ended(ReplyEnd::Unsure));
            }
            Fate::Refused(reason) => {
                warn!(%account, %key, reason, "a reply cannot be sent");
                return Ok(Step::Ended(ReplyEnd::Refused));
            }
            Fate::Later { hold, after, reason } => {
                debug!(%account, %key, reason, seconds = after.as_secs(), "a reply is sent later");
                Step::Later(hold, after, reason)
            }
            Fate::Setting(reason) => Step::Setting(Some(number), reason),
        };
        ledger.release(reply).await?;
        Ok(step)
    }

    /// The request for a reply, in the account's words: first those of the language that the person wrote.
    fn body(&self, reply: &Reply) -> Option<Bytes> {
        let settings = self.secrets.whatsapp_settings(&reply.account);
        let language = reply.conversation.language.as_ref().and_then(|name| settings.languages.get(name));
        let sets = language.map(|language| &language.replies).into_iter();
        reply.body(sets.chain([&settings.replies]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_comes_from_the_number_that_the_person_wrote_to() {
        let number = |ids: &str| BusinessNumber {
            token: SecretText::new("EAAG1".to_owned()),
            phone_number_ids: SecretText::new(ids.to_owned()),
        };
        assert_eq!(number("106 206\n").id(Some("206")), Some("206"));
        assert_eq!(number("106 206").id(Some("306")), None);
        assert_eq!(number("106 206").id(None), None);
        assert_eq!(number("106").id(None), Some("106"));
        assert!(!format!("{:?}", number("106")).contains("EAAG1"));
    }
}
