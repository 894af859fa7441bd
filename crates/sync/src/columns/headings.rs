//! The headings in the exports of other products, and in Klaviyo's own.
//!
//! Shopify: customers. Mailchimp: an audience, subscribed, unsubscribed or cleaned. HubSpot: contacts.
//! WooCommerce: its customers, and the customers of its export plugins. Google: contacts, of today and of
//! before 2024. A heading that is of use to its product only is unknown here, so that `--unknown-columns`
//! decides about it.

use crate::columns::consent::Channel;
use crate::columns::consent::channel;
use crate::columns::field::{Field, letters};
use crate::columns::words::Sense;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The meaning of a known heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heading {
    /// A field, and a rank. If several columns are the same field, those with the lowest rank count, and the
    /// others are unknown.
    Field(Field, u8),
    /// When the person consented, to this channel or to any, and a rank. In each row the first time that has
    /// a value counts.
    Time(Option<Channel>, u8),
    /// Whether the person consented, to this channel or to all.
    Consent(Option<Channel>, Sense),
    /// A value that Klaviyo makes itself and does not take.
    Own,
}

/// The known headings by their letters.
///
/// Mailchimp has two times. The time of the confirmation, or of an import by somebody who vouched for it, proves
/// a consent, so it goes before that of the form.
static KNOWN: LazyLock<BTreeMap<&str, Heading>> =
    LazyLock::new(|| include_str!("headings.csv").lines().skip(1).filter_map(known).collect());
/// Parts of headings of opt-ins and opt-outs, in some languages.
static PARTS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    include_str!("heading_parts.csv").lines().skip(1).filter_map(|line| line.split_once(',')).collect()
});
/// HubSpot's heading about mail between two people, which is not marketing.
const ONE_TO_ONE: &str = "optedoutofemailonetoone";

/// The product that an export is from, where products mean different things by one heading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Product {
    is_mailchimp: bool,
    is_klaviyo: bool,
}

impl Product {
    pub(crate) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut product = Self::default();
        for name in names.map(letters) {
            product.is_mailchimp |= matches!(name.as_str(), "leid" | "euid" | "memberrating");
            product.is_klaviyo |= name == "klaviyoid";
        }
        product
    }

    /// The meaning of a heading; none if it is not known.
    pub(crate) fn heading(self, name: &str) -> Option<Heading> {
        let letters = letters(name);
        match KNOWN.get(letters.as_str()) {
            // Mailchimp looks them up by the network address of the person.
            _ if self.is_mailchimp
                && ["region", "latitude", "longitude", "timezone"].contains(&letters.as_str()) =>
            {
                None
            }
            Some(Heading::Own) if !self.is_klaviyo => None,
            Some(known) => Some(known.clone()),
            // HubSpot's kinds of email, one a column.
            None if letters.starts_with("optedoutofemail") && letters != ONE_TO_ONE => {
                Some(Heading::Consent(Some(Channel::Email), Sense::OptOut))
            }
            None => Field::of(&letters).map(|field| Heading::Field(field, 0)),
        }
    }
}

/// Reads a line of the known headings. Its meaning is a field, `time`, `consent`, `opt-out`, `stopped` or `own`.
fn known(line: &'static str) -> Option<(&'static str, Heading)> {
    let [heading, meaning, about, rank] = line.split(',').collect::<Vec<_>>().try_into().ok()?;
    let (about, rank) = (channel(about).ok(), rank.parse().unwrap_or_default());
    let meaning = match meaning {
        "time" => Heading::Time(about, rank),
        "consent" => Heading::Consent(about, Sense::Consent),
        "opt-out" => Heading::Consent(about, Sense::OptOut),
        "stopped" => Heading::Consent(about, Sense::Stopped),
        "own" => Heading::Own,
        field => Heading::Field(Field::of(&letters(field))?, rank),
    };
    Some((heading, meaning))
}

/// Whether an unknown heading speaks of consent, in whatever words: to which channel, and what a yes means.
///
/// It decides nothing by itself. With it, a sync that subscribes everybody does not pass over such a column,
/// and a column of opt-outs is not taken for one of opt-ins.
pub(crate) fn speaks_of_consent(name: &str) -> Option<(Option<Channel>, Sense)> {
    let letters = letters(name);
    let has = |wanted: &str| PARTS.iter().any(|(part, meaning)| *meaning == wanted && letters.contains(part));
    if letters == ONE_TO_ONE {
        return None;
    }
    let channel = [
        ("sms", Channel::Sms),
        ("whatsapp", Channel::Whatsapp),
        ("push", Channel::Push),
        ("mail", Channel::Email),
    ]
    .into_iter()
    .find_map(|(part, channel)| letters.contains(part).then_some(channel));
    let is_time = ["at", "time", "date", "timestamp", "reason"].iter().any(|end| letters.ends_with(end));
    if has("opt-out") {
        return Some((channel, if is_time { Sense::Stopped } else { Sense::OptOut }));
    }
    let is_detail = is_time
        || ["ip", "source", "method", "url", "page", "id", "form", "version", "count", "level"]
            .iter()
            .any(|end| letters.ends_with(end));
    (has("opt-in") && !is_detail).then_some((channel, Sense::Consent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_heading_is_read() {
        let lines = include_str!("headings.csv").lines().skip(1);
        assert_eq!(KNOWN.len(), lines.count());
        assert!(PARTS.iter().all(|(_, meaning)| ["opt-in", "opt-out"].contains(meaning)));
    }

    #[test]
    fn headings_that_nobody_knows_speak_of_consent_too() {
        let (email, sms) = (Some(Channel::Email), Some(Channel::Sms));
        for (heading, says) in [
            ("Portal Unsubscribe", (None, Sense::OptOut)),
            ("HasOptedOutOfEmail", (email, Sense::OptOut)),
            ("hs_email_optout_9001", (email, Sense::OptOut)),
            ("EMAIL_BLACKLIST", (email, Sense::OptOut)),
            ("Opted out of SMS", (sms, Sense::OptOut)),
            ("Von allen E-Mails abgemeldet", (email, Sense::OptOut)),
            ("unsubscribed_at", (None, Sense::Stopped)),
            ("isNewsletterOptIn", (None, Sense::Consent)),
            ("is_subscribed", (None, Sense::Consent)),
            ("email_marketing_consent.state", (email, Sense::Consent)),
            ("Email subscriber status", (email, Sense::Consent)),
            ("Newsletter", (None, Sense::Consent)),
        ] {
            assert_eq!(speaks_of_consent(heading), Some(says), "{heading}");
        }
        for other in [
            "OPTIN_IP",
            "Opted out of email: One to One",
            "Subscription plan",
            "Consent IP",
            "Status",
            "Email",
            "Newsletter source",
            "Notes",
            "marketing_opt_in_level",
        ] {
            assert_eq!(speaks_of_consent(other), None, "{other}");
        }
    }
}
