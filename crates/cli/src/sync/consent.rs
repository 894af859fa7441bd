//! Who of an input consents to what: everybody, or those of whom a column says so.

use super::words::Words;
use klaviyo_host::types::Channel;
use std::fmt;

/// A channel as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ChannelName {
    Email,
    Sms,
    #[value(name = "whatsapp")]
    WhatsApp,
    Push,
}

/// One `--consent-column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConsentColumn {
    pub(super) channel: ChannelName,
    pub(super) column: String,
    /// A `!` says that the column is about those who do not want to.
    pub(super) is_opt_out: bool,
}

/// Which consent is given.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// The channels that everybody has consented to.
    pub(super) everybody: Vec<Channel>,
    /// Those of which a column says who has.
    pub(super) columns: Vec<ConsentColumn>,
    pub(super) words: Words,
    /// The consent was collected before, and its time is wanted.
    pub(super) historical: bool,
}

/// Reads `email=Accepts Email Marketing`.
pub(crate) fn consent_column(text: &str) -> Result<ConsentColumn, String> {
    let (channel, column) =
        text.split_once('=').ok_or("write CHANNEL=COLUMN, such as 'email=Accepts Email Marketing'")?;
    let channel = <ChannelName as clap::ValueEnum>::from_str(channel.trim(), true)
        .map_err(|_| "there is no such channel; there are email, sms, whatsapp and push".to_owned())?;
    let column = column.trim();
    let (column, is_opt_out) =
        column.strip_prefix('!').map_or((column, false), |column| (column.trim(), true));
    if column.is_empty() {
        return Err("write the column after the channel, as in 'email=Accepts Email Marketing'".to_owned());
    }
    Ok(ConsentColumn { channel, column: column.to_owned(), is_opt_out })
}

impl Rules {
    /// All channels that somebody may consent to.
    pub(super) fn channels(&self) -> Vec<Channel> {
        let mut channels = self.everybody.clone();
        for channel in self.columns.iter().map(|column| column.channel.channel()) {
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        channels
    }
}

impl ChannelName {
    pub(super) fn channel(self) -> Channel {
        match self {
            Self::Email => Channel::Email,
            Self::Sms => Channel::Sms,
            Self::WhatsApp => Channel::Whatsapp,
            Self::Push => Channel::Push,
        }
    }
}

/// The channel as it is written.
pub(super) fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
        Channel::Whatsapp => "whatsapp",
        Channel::Push => "push",
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name(self.channel()))
    }
}

impl fmt::Display for ConsentColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}{}", self.channel, if self.is_opt_out { "!" } else { "" }, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_column_is_a_channel_and_a_column() {
        let read =
            |text| consent_column(text).map(|column| (column.channel, column.column, column.is_opt_out));
        assert_eq!(
            read("email=Accepts Email Marketing"),
            Ok((ChannelName::Email, "Accepts Email Marketing".to_owned(), false))
        );
        assert_eq!(read("SMS = ! 7"), Ok((ChannelName::Sms, "7".to_owned(), true)));
        for wrong in ["email", "mail=x", "email=", "email=!", "=x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
