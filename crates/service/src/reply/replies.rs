//! The texts of an account's replies: its own, and those that every account has.

use super::template::{Template, Variables};
use serde::{Deserialize, Deserializer, Serialize};

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyKind {
    /// An opt-in with which Klaviyo took a consent.
    Subscribed,
    /// An opt-in with a consent that the person has to confirm first.
    ToConfirm,
    /// An opt-in that made the person a member of the list, no more.
    OnList,
    /// An opt-out.
    OptedOut,
    /// A resume that gave something back.
    Resumed,
    /// A resume that found nothing to give back.
    NothingToResume,
    /// Something that cannot be done.
    Refused,
    /// An opt-in of a person whose number WhatsApp does not tell: it asks for the number.
    AskNumber,
}

/// The texts of replies, in one language. Those that are not set are the texts that every account has; null is no reply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Replies {
    subscribed: Setting,
    to_confirm: Setting,
    on_list: Setting,
    opted_out: Setting,
    resumed: Setting,
    nothing_to_resume: Setting,
    refused: Setting,
    ask_number: Setting,
}

/// What an account says about one reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Setting {
    /// Nothing.
    #[default]
    Unset,
    /// There is none.
    Off,
    Text(Template),
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Off, Self::Text))
    }
}

impl Replies {
    fn setting(&self, kind: ReplyKind) -> &Setting {
        match kind {
            ReplyKind::Subscribed => &self.subscribed,
            ReplyKind::ToConfirm => &self.to_confirm,
            ReplyKind::OnList => &self.on_list,
            ReplyKind::OptedOut => &self.opted_out,
            ReplyKind::Resumed => &self.resumed,
            ReplyKind::NothingToResume => &self.nothing_to_resume,
            ReplyKind::Refused => &self.refused,
            ReplyKind::AskNumber => &self.ask_number,
        }
    }
}

impl ReplyKind {
    /// The reply to an opt-in with which Klaviyo took consent on some channels, of which the person has to confirm some.
    pub(crate) fn to_opt_in<C: PartialEq>(given: &[C], unconfirmed: &[C]) -> Self {
        match given.iter().all(|channel| unconfirmed.contains(channel)) {
            _ if given.is_empty() => Self::OnList,
            true => Self::ToConfirm,
            false => Self::Subscribed,
        }
    }

    /// The text that an account has which sets none.
    pub(crate) const fn usual(self) -> Template {
        Template::own(match self {
            Self::Subscribed => {
                "You are now subscribed, {first_name}! You will receive updates at {address}."
            }
            Self::ToConfirm => {
                "Almost done, {first_name}! Please confirm that you want our updates. The message that asks for it goes to {address}."
            }
            // Membership of a list allows no messages, so none are promised.
            Self::OnList => "You are on the list, {first_name}! Your entry there has the address {address}.",
            Self::OptedOut => "You are unsubscribed. We will send you no more marketing messages here.",
            Self::Resumed => "Welcome back, {first_name}! You will receive our messages again.",
            Self::NothingToResume => "Nothing has changed: there was nothing to resume.",
            Self::Refused => "Sorry, we could not do that. Please write to us, and we will look into it.",
            Self::AskNumber => "May we have your phone number? We need it to send you updates here.",
        })
    }

    /// The text for a person. `sets` are the account's own texts, those that count first come first. None: there is to be
    /// no reply.
    pub fn text<'a>(
        self,
        sets: impl IntoIterator<Item = &'a Replies>,
        variables: Variables<'_>,
    ) -> Option<String> {
        let settings = sets.into_iter().map(|set| set.setting(self));
        let text = match settings.into_iter().find(|setting| **setting != Setting::Unset) {
            Some(Setting::Off) => return None,
            Some(Setting::Text(template)) => template.render(variables),
            Some(Setting::Unset) | None => String::new(),
        };
        // A text can consist of what is not known of this person.
        Some(if text.is_empty() { self.usual().render(variables) } else { text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ReplyKind; 8] = [
        ReplyKind::Subscribed,
        ReplyKind::ToConfirm,
        ReplyKind::OnList,
        ReplyKind::OptedOut,
        ReplyKind::Resumed,
        ReplyKind::NothingToResume,
        ReplyKind::Refused,
        ReplyKind::AskNumber,
    ];

    const PRIYA: Variables<'_> = Variables {
        first_name: Some("Priya"),
        address: Some("priya@example.com"),
        customer_name: None,
        customer_email: None,
        customer_phone: None,
        profile_id: None,
        list_id: None,
    };

    #[test]
    fn every_kind_has_a_text_and_the_guides_sentence_is_the_first() {
        for kind in ALL {
            for variables in [PRIYA, Variables::default()] {
                let text = kind.text([], variables).unwrap();
                assert!(!text.is_empty() && !text.contains(['{', '}']), "{kind:?}: {text}");
            }
            // It can be taken as an account's own.
            let own = serde_json::to_value(kind).unwrap();
            let text = Replies::default();
            assert!(own.is_string() && kind.text([&text], PRIYA) == kind.text([], PRIYA));
        }
        assert_eq!(
            ReplyKind::Subscribed.text([], PRIYA).unwrap(),
            "You are now subscribed, Priya! You will receive updates at priya@example.com."
        );
        assert_eq!(ReplyKind::Subscribed.text([], Variables::default()).unwrap(), "You are now subscribed!");
    }

    #[test]
    fn the_language_counts_first_and_null_is_no_reply() {
        let set = |text: &str| serde_json::from_str::<Replies>(text).unwrap();
        let spanish = set(r#"{"subscribed": "Listo, {first_name}.", "opted_out": null}"#);
        let top = set(
            r#"{"subscribed": "Done.", "resumed": "Back.", "opted_out": "Out.", "refused": "{address}"}"#,
        );
        let both = |kind: ReplyKind| kind.text([&spanish, &top], PRIYA);
        assert_eq!(both(ReplyKind::Subscribed).as_deref(), Some("Listo, Priya."));
        assert_eq!(both(ReplyKind::Resumed).as_deref(), Some("Back."));
        assert_eq!(both(ReplyKind::OptedOut), None);
        assert_eq!(both(ReplyKind::OnList), ReplyKind::OnList.text([], PRIYA));
        // Nothing is left of it without the address.
        let nobody = ReplyKind::Refused.text([&top], Variables::default());
        assert_eq!(nobody, ReplyKind::Refused.text([], Variables::default()));
    }

    #[test]
    fn an_unknown_reply_or_variable_is_refused() {
        for (text, named) in [
            (r#"{"done": "x"}"#, "done"),
            (r#"{"subscribed": "Hi {name}"}"#, "{name}"),
            (r#"{"subscribed": 7}"#, "invalid type"),
        ] {
            let error = serde_json::from_str::<Replies>(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
