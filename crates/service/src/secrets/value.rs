//! Parsing a secret: what each kind has to look like.

use super::kind::SecretKind;
use super::mac_key::MacKey;
use super::mac_keys::MacKeys;
use super::text::{InvalidSecret, SecretText, at_least};
use crate::feed::FeedSettings;
use crate::whatsapp_settings::WhatsappSettings;
use klaviyo_host::oauth::Installation;
use klaviyo_host::{Secret, SecretError};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A valid secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum SecretValue {
    Text(SecretText),
    Mac(MacKeys),
    Whatsapp(Arc<WhatsappSettings>),
}

impl SecretValue {
    /// Parses the text of a file or a variable.
    pub(super) fn parse(kind: SecretKind, text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidSecret::Empty);
        }
        if text.starts_with('\u{feff}') {
            return Err(InvalidSecret::ByteOrderMark);
        }
        if kind == SecretKind::WhatsappSettings {
            let settings = WhatsappSettings::parse(text);
            let settings = settings.map_err(|invalid| InvalidSecret::Settings(invalid.to_string()))?;
            return Ok(Self::Whatsapp(Arc::new(settings)));
        }
        // The name of a list may begin with one.
        if kind != SecretKind::WhatsappList && text.starts_with(InvalidSecret::QUOTES) {
            return Err(InvalidSecret::Quoted);
        }
        if text.contains(char::is_control) && !kind.has_lines() {
            return Err(InvalidSecret::Characters);
        }
        match kind {
            SecretKind::SigningSecret | SecretKind::ChangesSecret => {
                return MacKeys::parse(text, MacKey::signing_secret).map(Self::Mac);
            }
            SecretKind::KlaviyoWebhookSecret => {
                return MacKeys::parse(text, MacKey::webhook_secret).map(Self::Mac);
            }
            SecretKind::Changes => {
                let settings = text.parse::<FeedSettings>();
                settings.map_err(|error| InvalidSecret::Settings(error.to_string()))?;
            }
            SecretKind::WhatsappAppSecret => return MacKeys::parse(text, MacKey::app_secret).map(Self::Mac),
            SecretKind::ApiKey => {
                Secret::new(text).map_err(|error| match error {
                    SecretError::Empty => InvalidSecret::Empty,
                    _ => InvalidSecret::Characters,
                })?;
            }
            SecretKind::Oauth => drop(Installation::from_json(text)?),
            SecretKind::WhatsappVerifyToken => at_least(text, VERIFY_TOKEN)?,
            SecretKind::WhatsappToken => {
                if text.contains(|character: char| !character.is_ascii_graphic()) {
                    return Err(InvalidSecret::Characters);
                }
                at_least(text, TOKEN)?;
            }
            SecretKind::WhatsappList | SecretKind::WhatsappSettings => {}
            SecretKind::WhatsappPhoneNumberId => {
                if !text.split_whitespace().all(|id| id.bytes().all(|byte| byte.is_ascii_digit())) {
                    return Err(InvalidSecret::NotAnId);
                }
            }
        }
        Ok(Self::Text(Zeroizing::new(text.to_owned())))
    }

    /// Whether both have the same secret; of two that are valid at once, one in common will do.
    pub(super) fn shares(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mac(own), Self::Mac(other)) => own.shares(other),
            _ => self == other,
        }
    }
}

/// The shortest token of the Cloud API, in characters. Meta's have more than a hundred.
const TOKEN: usize = 16;
/// The shortest verify token, in characters. The operator chooses it, and it guards only the set-up of a
/// webhook.
const VERIFY_TOKEN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    fn mac_key(kind: SecretKind, text: &str) -> MacKey {
        match SecretValue::parse(kind, text).unwrap() {
            SecretValue::Mac(keys) => keys.iter().next().unwrap().clone(),
            _ => panic!("{kind:?} is no key"),
        }
    }

    fn invalid(kind: SecretKind, text: &str) -> Option<InvalidSecret> {
        SecretValue::parse(kind, text).err()
    }

    #[test]
    fn a_signing_secret_has_24_to_64_bytes_in_base64() {
        let bytes = |count: u8| (0..count).collect::<Vec<u8>>();
        let of = |count: u8| STANDARD.encode(bytes(count));
        for count in [24, 32, 64] {
            for text in [of(count), format!("whsec_{}", of(count)), format!(" whsec_{}\r\n", of(count))] {
                assert_eq!(mac_key(SecretKind::SigningSecret, &text).as_bytes(), bytes(count), "{text}");
            }
        }
        let good = format!("whsec_{}", of(32));
        for (text, why) in [
            (String::new(), InvalidSecret::Empty),
            (" \n".to_owned(), InvalidSecret::Empty),
            ("whsec_".to_owned(), InvalidSecret::Bytes(0)),
            ("whsec_AAAA".to_owned(), InvalidSecret::Bytes(3)),
            ("password".to_owned(), InvalidSecret::Bytes(6)),
            ("hunter2".to_owned(), InvalidSecret::NotBase64),
            (format!("whsec_{}", "A".repeat(32)), InvalidSecret::Same),
            (of(23), InvalidSecret::Bytes(23)),
            (of(65), InvalidSecret::Bytes(65)),
            (format!("\"{good}\""), InvalidSecret::Quoted),
            (format!("'{good}'"), InvalidSecret::Quoted),
            (format!("{good}\""), InvalidSecret::NotBase64),
            (format!("\u{feff}{good}"), InvalidSecret::ByteOrderMark),
            (good.replace("whsec_", "whsec_ "), InvalidSecret::NotBase64),
            (format!("{good}\n{good}\n{good}"), InvalidSecret::Lines),
            (format!("{good}\n{good}\u{1}"), InvalidSecret::Characters),
            (format!("{good}\n\"{good}\""), InvalidSecret::Quoted),
            (format!("{good}\nwhsec_AAAA"), InvalidSecret::Bytes(3)),
            (good.trim_end_matches('=').to_owned(), InvalidSecret::NotBase64),
        ] {
            assert_eq!(invalid(SecretKind::SigningSecret, &text), Some(why), "{text}");
        }
    }

    #[test]
    fn what_meta_gives_has_a_shape_too() {
        let secret = "0123456789abcdef0123456789abcdef";
        assert_eq!(mac_key(SecretKind::WhatsappAppSecret, secret).as_bytes(), secret.as_bytes());
        for (text, why) in [
            ("", InvalidSecret::Empty),
            ("hunter2", InvalidSecret::Short(7, 16)),
            ("0123456789abcdef 123456789abcdef", InvalidSecret::Characters),
            ("“0123456789abcdef”", InvalidSecret::Quoted),
            ("\u{feff}0123456789abcdef", InvalidSecret::ByteOrderMark),
        ] {
            assert_eq!(invalid(SecretKind::WhatsappAppSecret, text), Some(why), "{text}");
        }
        assert_eq!(invalid(SecretKind::WhatsappVerifyToken, "our own token"), None);
        assert_eq!(invalid(SecretKind::WhatsappVerifyToken, "token"), Some(InvalidSecret::Short(5, 8)));
        assert_eq!(
            invalid(SecretKind::WhatsappVerifyToken, "our own\ntoken"),
            Some(InvalidSecret::Characters)
        );
        for (text, why) in [
            ("106540352242922", None),
            ("106540352242922\n206540352242922\n", None),
            ("+1 555 078 3881", Some(InvalidSecret::NotAnId)),
            ("wa-1", Some(InvalidSecret::NotAnId)),
        ] {
            assert_eq!(invalid(SecretKind::WhatsappPhoneNumberId, text), why, "{text}");
        }
        assert_eq!(invalid(SecretKind::WhatsappList, "\"Friends\" of Priya's"), None);
        assert_eq!(invalid(SecretKind::ApiKey, "pk_one two"), Some(InvalidSecret::Characters));
        assert_eq!(invalid(SecretKind::ApiKey, "pk_one"), None);
    }

    #[test]
    fn a_new_key_is_another_one_and_can_be_read() {
        let (one, other) = (MacKey::generate().unwrap(), MacKey::generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(mac_key(SecretKind::SigningSecret, &one.to_signing_secret()), one);
        assert_eq!(one.as_bytes().len(), 32);
        assert_eq!(format!("{one:?}"), "MacKey(…)");
    }
}
