//! Parsing a secret: what each kind has to look like.

use super::kind::SecretKind;
use super::mac_key::MacKey;
use klaviyo_host::{Secret, SecretError};
use zeroize::Zeroizing;

/// The text of a secret, without the white space around it. Its memory is overwritten when it is dropped.
pub type SecretText = Zeroizing<String>;

/// Why a text is no secret of its kind. The sentences repeat no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// There is nothing but white space.
    #[error("it is empty")]
    Empty,
    /// It has quotation marks around it.
    #[error("it has quotation marks around it; remove them")]
    Quoted,
    /// It begins with a byte order mark.
    #[error("it begins with a byte order mark; save it as UTF-8 without one")]
    ByteOrderMark,
    /// It is not UTF-8.
    #[error("it is not text")]
    NotText,
    /// It has characters that such a secret never has.
    #[error("it has characters that such a secret never has; copy it again, all of it and nothing else")]
    Characters,
    /// The part behind `whsec_` is not base64.
    #[error("it is not base64; `klaviyo-connector secret` makes one that can be used")]
    NotBase64,
    /// It decodes to too few bytes, or too many, for a signing secret.
    #[error(
        "it has {0} bytes, and a signing secret has 24 to 64; `klaviyo-connector secret` makes one that can be used"
    )]
    Bytes(usize),
    /// A signing secret that is one byte over and over; of zeros, it signs as no secret at all does.
    #[error("it is the same byte over and over; `klaviyo-connector secret` makes one that can be used")]
    Same,
    /// It is shorter than such a secret ever is.
    #[error("it has {0} characters, which is too few; at least {1} are needed")]
    Short(usize, usize),
    /// It is not the id of a phone number.
    #[error(
        "it is not the id of a phone number, which has digits only; Meta shows it beside the number, under \
         WhatsApp > API setup"
    )]
    NotAnId,
    /// It is not a file that can be read to its end.
    #[error("it is not a regular file")]
    NotAFile,
    /// The file is larger than any secret.
    #[error("it has more than {0} bytes, which no secret has")]
    Large(u64),
}

/// A valid secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(SecretText),
    Mac(MacKey),
}

impl Value {
    /// Parses the text of a file or a variable.
    pub(super) fn parse(kind: SecretKind, text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidSecret::Empty);
        }
        if text.starts_with('\u{feff}') {
            return Err(InvalidSecret::ByteOrderMark);
        }
        // The name of a list may begin with one.
        if kind != SecretKind::WhatsappList && text.starts_with(['"', '\'', '“', '‘']) {
            return Err(InvalidSecret::Quoted);
        }
        if text.contains(char::is_control) && kind != SecretKind::WhatsappPhoneNumberId {
            return Err(InvalidSecret::Characters);
        }
        match kind {
            SecretKind::SigningSecret => return MacKey::signing_secret(text).map(Self::Mac),
            SecretKind::WhatsappAppSecret => return MacKey::app_secret(text).map(Self::Mac),
            SecretKind::ApiKey => {
                Secret::new(text).map_err(|error| match error {
                    SecretError::Empty => InvalidSecret::Empty,
                    _ => InvalidSecret::Characters,
                })?;
            }
            SecretKind::WhatsappVerifyToken => at_least(text, VERIFY_TOKEN)?,
            SecretKind::WhatsappList => {}
            SecretKind::WhatsappPhoneNumberId => {
                if !text.split_whitespace().all(|id| id.bytes().all(|byte| byte.is_ascii_digit())) {
                    return Err(InvalidSecret::NotAnId);
                }
            }
        }
        Ok(Self::Text(Zeroizing::new(text.to_owned())))
    }
}

/// The shortest verify token, in characters. The operator chooses it, and it guards only the set-up of a
/// webhook.
const VERIFY_TOKEN: usize = 8;
/// Fails if a text has fewer characters than this.
pub(super) fn at_least(text: &str, least: usize) -> Result<(), InvalidSecret> {
    let count = text.chars().count();
    if count < least { Err(InvalidSecret::Short(count, least)) } else { Ok(()) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    /// A key for the tests of other modules.
    pub(crate) fn mac_key(kind: SecretKind, text: &str) -> MacKey {
        match Value::parse(kind, text).unwrap() {
            Value::Mac(key) => key,
            Value::Text(_) => panic!("{kind:?} is no key"),
        }
    }

    fn invalid(kind: SecretKind, text: &str) -> Option<InvalidSecret> {
        Value::parse(kind, text).err()
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
            (format!("{good}\n{good}"), InvalidSecret::Characters),
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
