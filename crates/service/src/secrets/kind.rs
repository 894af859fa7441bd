//! The kinds of secrets, with the names of their files and variables.

#[cfg(doc)]
use crate::account::Account;
use strum::{EnumString, IntoStaticStr};

/// The kinds of secrets that an account has. Each is in a file `<account>.<name>`, or in a variable for
/// [`Account::DEFAULT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum SecretKind {
    /// Klaviyo's private key. Workers need it, and a front door without a queue.
    ApiKey,
    /// The installation of an app, instead of a private key: JSON as `klaviyo-connector connect` writes it.
    Oauth,
    /// The secret with which callers sign opt-ins: `whsec_` and the base64 of 24 to 64 bytes.
    SigningSecret,
    /// The secret with which Meta signs the notifications of WhatsApp.
    WhatsappAppSecret,
    /// The token that Meta sends when it asks whether a webhook is wanted: 8 characters or more.
    WhatsappVerifyToken,
    /// The list that people join by WhatsApp, by id or exact name. It is no secret, but belongs to the
    /// account.
    WhatsappList,
    /// The ids of the account's WhatsApp numbers, with white space between them. They are no secret either.
    /// Meta signs for an app, which can have the numbers of many accounts.
    WhatsappPhoneNumberId,
    /// Where the account's changes go, as the JSON of [`FeedSettings`](crate::feed::FeedSettings). No secret.
    Changes,
    /// The secret with which changes are signed, of the form of a signing secret.
    ChangesSecret,
    /// The secret with which Klaviyo signs its own webhooks: 16 characters or more.
    KlaviyoWebhookSecret,
    /// The token with which replies are sent over WhatsApp's Cloud API: a system user's. It never enters the sandbox.
    WhatsappToken,
    /// What the account wants of its WhatsApp, as JSON: see
    /// [`WhatsappSettings`](crate::whatsapp_settings::WhatsappSettings). No secret.
    WhatsappSettings,
}

impl SecretKind {
    /// The end of the file's name.
    #[must_use]
    pub fn file(self) -> &'static str {
        self.into()
    }

    /// The name of the variable.
    #[must_use]
    pub fn variable(self) -> String {
        let name = self.file().strip_prefix("klaviyo-").unwrap_or(self.file());
        format!("KLAVIYO_{}", name.replace('-', "_").to_uppercase())
    }

    /// Whether it can have more than one line.
    pub(super) const fn has_lines(self) -> bool {
        matches!(
            self,
            Self::SigningSecret
                | Self::ChangesSecret
                | Self::WhatsappAppSecret
                | Self::KlaviyoWebhookSecret
                | Self::Oauth
                | Self::WhatsappPhoneNumberId
                | Self::Changes
        )
    }

    /// The largest file, in bytes: larger than any secret, or than settings with replies in many languages.
    pub(super) const fn largest(self) -> u64 {
        match self {
            Self::WhatsappSettings => 256 << 10,
            _ => 4096,
        }
    }

    /// Whether it has to stay secret.
    pub(super) const fn is_secret(self) -> bool {
        let settings = matches!(self, Self::Changes | Self::WhatsappSettings);
        !settings && !matches!(self, Self::WhatsappList | Self::WhatsappPhoneNumberId)
    }
}
