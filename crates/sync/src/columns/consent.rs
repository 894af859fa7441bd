//! Who consents to which channels: everybody, or the people for whom a column says yes.

use crate::columns::words::Words;
use klaviyo_host::types;
use std::fmt;
use std::str::FromStr;

/// A channel that a sync gives consent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Email.
    Email,
    /// Text messages.
    Sms,
    /// WhatsApp.
    Whatsapp,
    /// Mobile push.
    Push,
}

impl From<Channel> for types::Channel {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Email,
            Channel::Sms => Self::Sms,
            Channel::Whatsapp => Self::Whatsapp,
            Channel::Push => Self::Push,
        }
    }
}

/// The channels and their names.
pub const CHANNELS: [(&str, Channel); 4] = [
    ("email", Channel::Email),
    ("sms", Channel::Sms),
    ("whatsapp", Channel::Whatsapp),
    ("push", Channel::Push),
];

/// A column that says who has consented to a channel, or opted out of it.
///
/// It is written as `email=Accepts Email Marketing`. A `!` before the column means that a yes there is an
/// opt-out. The column is named by its heading, or by its position from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentColumn {
    pub(crate) channel: Channel,
    pub(crate) column: String,
    pub(crate) is_opt_out: bool,
}

/// The consent that a sync gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// The channels that everybody has consented to.
    pub(crate) everybody: Vec<Channel>,
    /// The columns that say who has consented to the other channels.
    pub(crate) columns: Vec<ConsentColumn>,
    pub(crate) words: Words,
    /// Whether the consent was collected earlier, so that its time is needed.
    pub(crate) historical: bool,
}

impl FromStr for ConsentColumn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (channel, column) =
            text.split_once('=').ok_or("write CHANNEL=COLUMN, such as 'email=Accepts Email Marketing'")?;
        let channel = self::channel(channel.trim())?;
        let column = column.trim();
        let (column, is_opt_out) =
            column.strip_prefix('!').map_or((column, false), |column| (column.trim(), true));
        if column.is_empty() {
            return Err(
                "write the column after the channel, as in 'email=Accepts Email Marketing'".to_owned()
            );
        }
        Ok(Self { channel, column: column.to_owned(), is_opt_out })
    }
}

/// The channel of a name, in any case.
///
/// # Errors
/// No channel has this name. The sentence lists the names.
pub fn channel(text: &str) -> Result<Channel, String> {
    let named =
        CHANNELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, channel)| *channel);
    named.ok_or_else(|| "there is no such channel; there are email, sms, whatsapp and push".to_owned())
}

impl Rules {
    /// The channels that anybody in the input may consent to.
    pub(crate) fn channels(&self) -> Vec<Channel> {
        let mut channels = self.everybody.clone();
        for channel in self.columns.iter().map(|column| column.channel) {
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        channels
    }
}

/// The name of a channel.
pub(crate) fn name(channel: Channel) -> &'static str {
    CHANNELS.iter().find(|(_, own)| *own == channel).map_or("", |(name, _)| name)
}

impl fmt::Display for ConsentColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}{}", name(self.channel), if self.is_opt_out { "!" } else { "" }, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_column_is_a_channel_and_a_column() {
        let read = |text: &str| {
            text.parse::<ConsentColumn>().map(|column| (column.channel, column.column, column.is_opt_out))
        };
        assert_eq!(
            read("email=Accepts Email Marketing"),
            Ok((Channel::Email, "Accepts Email Marketing".to_owned(), false))
        );
        assert_eq!(read("SMS = ! 7"), Ok((Channel::Sms, "7".to_owned(), true)));
        for wrong in ["email", "mail=x", "email=", "email=!", "=x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
