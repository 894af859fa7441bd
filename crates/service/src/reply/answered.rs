//! What a person was told last, so that no late reply says the opposite.

use super::pending::Reply;
use super::replies::ReplyKind;
use serde::{Deserialize, Serialize};

/// The last answers to a person, by the times of the messages that they answer, in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    /// The last opt-out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    out: Option<i64>,
    /// The last opt-in or resume that gave something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    back: Option<i64>,
}

impl Answered {
    /// Adds the answer that is about to be sent. False: a later message has the opposite answer, and this one would be
    /// the last that the person reads. Of equal times the opt-out counts, as it does in Klaviyo.
    pub(crate) fn add(&mut self, reply: &Reply) -> bool {
        let at = reply.at.unix_ms();
        let is_true = match reply.kind {
            ReplyKind::OptedOut => self.back.is_none_or(|back| back <= at),
            _ => self.out.is_none_or(|out| out < at),
        };
        if is_true {
            match reply.kind {
                ReplyKind::OptedOut => self.out = self.out.max(Some(at)),
                ReplyKind::Subscribed | ReplyKind::ToConfirm | ReplyKind::OnList | ReplyKind::Resumed => {
                    self.back = self.back.max(Some(at));
                }
                ReplyKind::NothingToResume | ReplyKind::Refused | ReplyKind::AskNumber => {}
            }
        }
        is_true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::conversation::Conversation;
    use crate::moment::Moment;
    use crate::reply::Details;

    /// Whether each reply is sent when they come in this order.
    fn sent(replies: &[(ReplyKind, i64)]) -> Vec<bool> {
        let mut answered = Answered::default();
        let reply = |&(kind, at)| Reply {
            account: Account::default(),
            id: "wamid.1".to_owned(),
            kind,
            at: Moment::from_unix_ms(at),
            conversation: Box::new(Conversation::default()),
            first_name: None,
            address: None,
            details: Details::default(),
        };
        replies.iter().map(|pair| answered.add(&reply(pair))).collect()
    }

    #[test]
    fn the_last_answer_is_the_answer_to_the_last_message() {
        use ReplyKind::{
            AskNumber, NothingToResume, OnList, OptedOut, Refused, Resumed, Subscribed, ToConfirm,
        };
        for kind in [Subscribed, ToConfirm, OnList, Resumed, NothingToResume, Refused, AskNumber] {
            assert_eq!(sent(&[(kind, 1), (OptedOut, 2)]), [true, true], "{kind:?}");
            assert_eq!(sent(&[(OptedOut, 2), (kind, 1)]), [true, false], "{kind:?}");
            assert_eq!(sent(&[(OptedOut, 2), (kind, 2)]), [true, false], "{kind:?}");
            assert_eq!(sent(&[(OptedOut, 2), (kind, 3)]), [true, true], "{kind:?}");
        }
        for kind in [Subscribed, ToConfirm, OnList, Resumed] {
            assert_eq!(sent(&[(kind, 2), (OptedOut, 1)]), [true, false], "{kind:?}");
        }
        // These say nothing that an older answer denies.
        assert_eq!(sent(&[(Refused, 2), (OptedOut, 1)]), [true, true]);
        assert_eq!(sent(&[(NothingToResume, 2), (OnList, 1), (AskNumber, 1)]), [true, true, true]);
        assert_eq!(sent(&[(OptedOut, 2), (OptedOut, 1)]), [true, true]);
    }
}
