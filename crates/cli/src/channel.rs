//! Channels of consent, as options and as JSON of the contract.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};
use klaviyo_host::types::Channel;
use serde_json::{Value, json};
use std::ffi::OsStr;

/// The channels of marketing that the contract has a name for.
const MARKETING: &[&str] = &["email", "sms", "whatsapp", "push"];
/// Those of transactional messages.
const TRANSACTIONAL: &[&str] = &["sms", "whatsapp"];

/// Reads a channel of marketing.
pub(crate) fn marketing() -> impl TypedValueParser<Value = Channel> {
    ChannelParser { shown: MARKETING }
}

/// Reads a channel of transactional messages.
pub(crate) fn transactional() -> impl TypedValueParser<Value = Channel> {
    ChannelParser { shown: TRANSACTIONAL }
}

/// Klaviyo adds channels without asking, so any name is taken. Klaviyo refuses those that it does not have.
#[derive(Clone)]
struct ChannelParser {
    /// The channels that the help and the completions of shells show.
    shown: &'static [&'static str],
}

impl TypedValueParser for ChannelParser {
    type Value = Channel;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, text: &OsStr) -> Result<Channel, clap::Error> {
        StringValueParser::new().try_map(|text| of_name(&text)).parse_ref(command, arg, text)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.shown.iter().map(PossibleValue::new)))
    }
}

fn of_name(name: &str) -> Result<Channel, String> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    match name {
        "email" => Ok(Channel::Email),
        "sms" => Ok(Channel::Sms),
        "whatsapp" => Ok(Channel::Whatsapp),
        "push" => Ok(Channel::Push),
        other => match MARKETING.iter().find(|known| is_typo_of(other, known)) {
            Some(meant) => Err(format!("did you mean {meant}?")),
            None if !other.is_empty() && other.bytes().all(is_name) => Ok(Channel::Other(other.to_owned())),
            None => Err("write Klaviyo's name for a channel, in lower case, such as sms or rcs".to_owned()),
        },
    }
}

/// Whether one letter in four is wrong at most. A channel with a short name may be another one: mms is not sms.
fn is_typo_of(name: &str, known: &str) -> bool {
    strsim::osa_distance(name, known) * 4 <= known.len()
}

/// The name of a channel.
pub(crate) fn name(channel: &Channel) -> &str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
        Channel::Whatsapp => "whatsapp",
        Channel::Push => "push",
        Channel::Other(name) => name,
    }
}

/// A channel in the contract's JSON.
pub(crate) fn json(channel: &Channel) -> Value {
    match channel {
        Channel::Other(name) => json!({ "other": name }),
        known => json!(name(known)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_klaviyos_is_a_channel_also_where_the_contract_has_none() {
        for (text, expected) in [
            ("email", json!("email")),
            ("sms", json!("sms")),
            ("whatsapp", json!("whatsapp")),
            ("push", json!("push")),
            ("rcs", json!({ "other": "rcs" })),
            ("web_push2", json!({ "other": "web_push2" })),
            ("mms", json!({ "other": "mms" })),
        ] {
            assert_eq!(json(&of_name(text).unwrap()), expected);
        }
        for text in
            ["", "RCS", "Email", "r c", "rcs\n", "é", "e-mail", "emial", "emails", "whatsap", "watsap"]
        {
            assert!(of_name(text).is_err(), "{text:?}");
        }
    }
}
