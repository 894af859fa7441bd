//! A reply that is to be sent, as it waits in the queue.

use super::replies::{Replies, ReplyKind};
use super::template::Variables;
use crate::account::Account;
use crate::conversation::Conversation;
use crate::key::OptInKey;
use crate::moment::Moment;
use crate::outcome::{self, Outcome};
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// A reply that is to be sent. Its text is made when it is sent, from the account's settings at that time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The account.
    pub account: Account,
    /// Only one reply with this id is sent.
    pub id: String,
    /// What it answers.
    pub kind: ReplyKind,
    /// When the person wrote.
    pub at: Moment,
    /// What the person wrote, and where it is answered.
    pub conversation: Box<Conversation>,
    /// The person's first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The email or the phone number at which the person hears from the business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What else its text can say.
    #[serde(flatten)]
    pub details: Details,
}

/// What the text of a reply can say beside the first name and the address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The name as the person gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The email that the person gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The person's phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The id of the person's profile in Klaviyo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    /// The id of the list that the person has joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_id: Option<String>,
}

/// What the messages of the queue say that a reply needs: opt-ins, opt-outs and resumes.
#[derive(Deserialize)]
struct Answerable {
    #[serde(default)]
    whatsapp: Option<Box<Conversation>>,
    #[serde(default)]
    at: Option<Moment>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone_number: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default)]
    opt_out: Option<IgnoredAny>,
    #[serde(default)]
    resume: Option<IgnoredAny>,
}

/// What a person has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    OptIn,
    OptOut,
    Resume,
}

impl ReplyKind {
    /// The reply to a wish with this outcome, if it has one.
    fn of(wish: Wish, outcome: &Outcome) -> Option<Self> {
        match (wish, outcome) {
            (Wish::OptIn, Outcome::Done(receipt)) => {
                Some(Self::to_opt_in(&receipt.consent, &receipt.unconfirmed))
            }
            (Wish::OptOut, Outcome::OptedOut(_)) => Some(Self::OptedOut),
            (Wish::Resume, Outcome::Resumed(receipt)) => {
                let is_nothing = receipt.consent.is_empty() && receipt.lists.is_empty();
                Some(if is_nothing { Self::NothingToResume } else { Self::Resumed })
            }
            (_, Outcome::Dead(_)) => Some(Self::Refused),
            // Also for an opt-in that came too late for an opt-out: the opt-out has its own answer, and nothing follows it.
            (_, _) => None,
        }
    }
}

impl Reply {
    /// How long after a message it can be answered. Meta allows 24 hours.
    pub(crate) const WINDOW: Duration = Duration::from_secs(24 * 60 * 60 - 60);
    /// The most characters of a message that asks for a number, and of another one.
    const LONGEST_QUESTION: usize = 1_024;
    const LONGEST: usize = 4_096;

    /// The replies to a message of the queue that was accepted at this time, in the order in which they are sent. None
    /// if it did not come by WhatsApp.
    pub(crate) fn to(account: &Account, message: &[u8], accepted: Moment, outcome: &Outcome) -> Vec<Self> {
        let Ok(message) = serde_json::from_slice::<Answerable>(message) else { return Vec::new() };
        let Answerable { whatsapp, at, email, phone_number, first_name, last_name, opt_out, resume } =
            message;
        let Some(conversation) = whatsapp else { return Vec::new() };
        let name: Vec<String> = [first_name, last_name].into_iter().flatten().collect();
        let wish = match (opt_out, resume) {
            (None, None) => Wish::OptIn,
            (Some(_), _) => Wish::OptOut,
            (None, Some(_)) => Wish::Resume,
        };
        let Some(kind) = ReplyKind::of(wish, outcome) else { return Vec::new() };
        let (first_name, address) = match outcome {
            Outcome::Done(receipt) => {
                let address = outcome::address(email.as_deref(), phone_number.as_deref(), &receipt.reached());
                (receipt.profile_name.clone(), address.map(ToOwned::to_owned))
            }
            _ => (None, None),
        };
        let (profile_id, list_id) = match outcome {
            Outcome::Done(receipt) => (receipt.profile_id.clone(), Some(receipt.list_id.clone())),
            Outcome::OptedOut(receipt) => (receipt.profile_id.clone(), None),
            Outcome::Resumed(receipt) => (receipt.profile_id.clone(), None),
            Outcome::Dead(_) | Outcome::Waiting | Outcome::Dropped => (None, None),
        };
        let asks = matches!(outcome, Outcome::Done(_)) && phone_number.is_none();
        // By the person: nobody is asked again for as long as it is remembered what was sent.
        let question = conversation.user_id.as_ref().filter(|_| asks).map(|id| format!("number of {id}"));
        let answer = Self {
            account: account.clone(),
            id: conversation.message_id.clone(),
            kind,
            at: at.unwrap_or(accepted),
            conversation,
            first_name,
            address,
            details: Details {
                name: (!name.is_empty()).then(|| name.join(" ")),
                email,
                phone_number,
                profile_id,
                list_id,
            },
        };
        let question = question.map(|id| Self { id, kind: ReplyKind::AskNumber, ..answer.clone() });
        std::iter::once(answer).chain(question).collect()
    }

    /// Its key, by which it is sent once.
    pub(crate) fn key(&self) -> OptInKey {
        OptInKey::new(&self.account, &format!("reply {}", self.id))
    }

    /// Who it is for: replies to one person keep their order. By WhatsApp's id, which is known before the number is.
    pub(crate) fn person(&self) -> &str {
        let Conversation { number, user_id, .. } = self.conversation.as_ref();
        user_id.as_deref().or(number.as_deref()).unwrap_or_default()
    }

    /// The key of that person among the replies.
    pub(crate) fn person_key(&self) -> OptInKey {
        OptInKey::new(&self.account, &format!("person {}", self.person()))
    }

    /// Whether WhatsApp takes no answer to the message any more.
    pub(crate) fn is_late(&self, now: Moment) -> bool {
        let age = now.unix_ms().saturating_sub(self.at.unix_ms());
        u128::try_from(age).is_ok_and(|age| age > Self::WINDOW.as_millis())
    }

    /// The reply as it waits in the queue.
    pub(crate) fn to_json(&self) -> Bytes {
        // All fields are texts, which always can be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The request to WhatsApp, in these texts; none if there is to be no reply, or it is for nobody.
    pub(crate) fn body<'a>(&self, sets: impl IntoIterator<Item = &'a Replies>) -> Option<Bytes> {
        let details = &self.details;
        let variables = Variables {
            first_name: self.first_name.as_deref(),
            address: self.address.as_deref(),
            customer_name: details.name.as_deref(),
            customer_email: details.email.as_deref(),
            customer_phone: details.phone_number.as_deref(),
            profile_id: details.profile_id.as_deref(),
            list_id: details.list_id.as_deref(),
        };
        let text = self.kind.text(sets, variables)?;
        let Conversation { message_id, number, user_id, .. } = self.conversation.as_ref();
        let (name, recipient) = match (number, user_id) {
            (Some(number), _) => ("to", number),
            (None, Some(user_id)) => ("recipient", user_id),
            (None, None) => return None,
        };
        let cut = |most: usize| text.chars().take(most).collect::<String>();
        let (kind, content) = match self.kind {
            ReplyKind::AskNumber => {
                let ask = "request_contact_info";
                let body = json!({ "text": cut(Self::LONGEST_QUESTION) });
                ("interactive", json!({ "type": ask, "body": body, "action": { "name": ask } }))
            }
            _ => ("text", json!({ "body": cut(Self::LONGEST) })),
        };
        let mut message = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "context": { "message_id": message_id },
            "type": kind,
        });
        if let Value::Object(message) = &mut message {
            message.insert(name.to_owned(), json!(recipient));
            message.insert(kind.to_owned(), content);
        }
        Some(message.to_string().into())
    }
}

/// Leaves out everything.
impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Details").finish_non_exhaustive()
    }
}

/// Leaves out everything about the person.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, kind, .. } = self;
        f.debug_struct("Reply").field("account", account).field("kind", kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opt_in::Channel;
    use crate::outcome::{OptOutReceipt, Reason, Receipt, ResumeReceipt};
    use klaviyo_host::types::Code;

    fn conversation(number: Option<&str>, user_id: Option<&str>) -> Conversation {
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        let message_id = "wamid.1".to_owned();
        Conversation { message_id, number: owned(number), user_id: owned(user_id), ..Conversation::default() }
    }

    fn kinds(message: &Value, outcome: &Outcome) -> Vec<ReplyKind> {
        let mut message = message.clone();
        message["whatsapp"] = json!({ "message_id": "wamid.1", "user_id": "US.1" });
        let replies =
            Reply::to(&Account::default(), message.to_string().as_bytes(), Moment::from_unix_ms(7), outcome);
        replies.into_iter().map(|reply| reply.kind).collect()
    }

    #[test]
    fn each_outcome_has_its_reply() {
        let (with_number, without) =
            (json!({ "phone_number": "+919820000001" }), json!({ "email": "p@x.co" }));
        let (opt_out, resume) = (json!({ "opt_out": ["whatsapp"] }), json!({ "resume": ["whatsapp"] }));
        let consent = || vec![Channel::Email];
        let done = |consent| Outcome::Done(Receipt { consent, ..Receipt::default() });
        let asked = |consent: Vec<Channel>| {
            Outcome::Done(Receipt { consent, unconfirmed: vec![Channel::Email], ..Receipt::default() })
        };
        let out = || Outcome::OptedOut(OptOutReceipt::default());
        let resumed = |consent| Outcome::Resumed(ResumeReceipt { consent, ..ResumeReceipt::default() });
        let dead = Outcome::Dead(Reason::new(Code::Rejected, "no"));
        for (message, outcome, expected) in [
            (&with_number, done(consent()), vec![ReplyKind::Subscribed]),
            (&with_number, asked(consent()), vec![ReplyKind::ToConfirm]),
            (&with_number, asked(vec![Channel::Email, Channel::Whatsapp]), vec![ReplyKind::Subscribed]),
            (&with_number, done(Vec::new()), vec![ReplyKind::OnList]),
            (&without, done(Vec::new()), vec![ReplyKind::OnList, ReplyKind::AskNumber]),
            (&without, dead.clone(), vec![ReplyKind::Refused]),
            (&with_number, out(), Vec::new()),
            (&opt_out, out(), vec![ReplyKind::OptedOut]),
            (&opt_out, dead, vec![ReplyKind::Refused]),
            (&resume, resumed(consent()), vec![ReplyKind::Resumed]),
            (&resume, resumed(Vec::new()), vec![ReplyKind::NothingToResume]),
            (&with_number, Outcome::Waiting, Vec::new()),
            (&with_number, Outcome::Dropped, Vec::new()),
        ] {
            assert_eq!(kinds(message, &outcome), expected, "{message} {outcome:?}");
        }
    }

    #[test]
    fn only_who_wrote_by_whatsapp_is_answered() {
        let done = Outcome::Done(Receipt {
            profile_id: Some("01P".to_owned()),
            profile_name: Some("Priya".to_owned()),
            list_id: "Y6nRLr".to_owned(),
            ..Receipt::default()
        });
        let to = |message: &Value| {
            Reply::to(&Account::default(), message.to_string().as_bytes(), Moment::from_unix_ms(7), &done)
        };
        assert_eq!(to(&json!({ "email": "p@x.co" })), []);
        assert_eq!(to(&json!(7)), []);
        let mut message = json!({
            "email": "p@x.co", "phone_number": "+919820000001", "at": "1970-01-01T00:00:09Z",
            "first_name": "Priya", "last_name": "Sharma",
            "whatsapp": { "message_id": "wamid.1", "number": "919820000001" },
        });
        let [reply] = to(&message).try_into().unwrap();
        assert_eq!((reply.id.as_str(), reply.at), ("wamid.1", Moment::from_unix_ms(9_000)));
        assert_eq!((reply.first_name.as_deref(), reply.address.as_deref()), (Some("Priya"), Some("p@x.co")));
        let some = |text: &str| Some(text.to_owned());
        let details = Details {
            name: some("Priya Sharma"),
            email: some("p@x.co"),
            phone_number: some("+919820000001"),
            profile_id: some("01P"),
            list_id: some("Y6nRLr"),
        };
        assert_eq!(reply.details, details);
        let own = r#"{"on_list": "{{customer_name}}, {{list_id}}, {{profile_id}}, {{customer_phone}}"}"#;
        let own: Replies = serde_json::from_str(own).unwrap();
        let body = String::from_utf8(reply.body([&own]).unwrap().to_vec()).unwrap();
        assert!(body.contains("Priya Sharma, Y6nRLr, 01P, +919820000001"), "{body}");
        message["at"] = Value::Null;
        assert_eq!(to(&message)[0].at, Moment::from_unix_ms(7));
    }

    fn reply(kind: ReplyKind, conversation: Conversation) -> Reply {
        Reply {
            account: Account::default(),
            id: "wamid.1".to_owned(),
            kind,
            at: Moment::from_unix_ms(0),
            conversation: Box::new(conversation),
            first_name: Some("Priya".to_owned()),
            address: Some("priya@example.com".to_owned()),
            details: Details::default(),
        }
    }

    #[test]
    fn the_request_has_the_recipient_and_the_message_that_it_answers() {
        let body = |reply: &Reply| -> Value { serde_json::from_slice(&reply.body([]).unwrap()).unwrap() };
        let to_number = reply(ReplyKind::Subscribed, conversation(Some("919820000001"), Some("US.1")));
        assert_eq!(
            body(&to_number),
            json!({
                "messaging_product": "whatsapp", "recipient_type": "individual", "to": "919820000001",
                "context": { "message_id": "wamid.1" }, "type": "text",
                "text": { "body": "You are now subscribed, Priya! You will receive updates at priya@example.com." },
            })
        );
        let to_id = body(&reply(ReplyKind::AskNumber, conversation(None, Some("US.1"))));
        assert_eq!((&to_id["recipient"], &to_id["to"]), (&json!("US.1"), &Value::Null));
        assert_eq!(to_id["interactive"]["action"]["name"], "request_contact_info");
        assert_eq!(reply(ReplyKind::OnList, conversation(None, None)).body([]), None);
        // It waits as it is.
        assert_eq!(serde_json::from_slice::<Reply>(&to_number.to_json()).unwrap(), to_number);
        let shown = format!("{to_number:?}");
        assert!(!shown.contains("riya") && !shown.contains("9198"), "{shown}");
    }

    #[test]
    fn a_day_later_a_message_is_not_answered() {
        let reply = reply(ReplyKind::OnList, conversation(Some("1"), None));
        let hours = |hours: i64| Moment::from_unix_ms(hours * 60 * 60 * 1_000);
        assert!(!reply.is_late(hours(-1)) && !reply.is_late(hours(23)) && reply.is_late(hours(24)));
    }
}
