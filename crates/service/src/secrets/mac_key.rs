//! The keys with which requests are signed.

use super::text::{InvalidSecret, SecretText, at_least};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::Zeroizing;

/// The shortest app secret, in characters. Meta's have 32 hexadecimal digits. Klaviyo asks for as many characters in the
/// secret of a webhook.
const APP_SECRET: usize = 16;

/// The key of an HMAC-SHA256, decoded and never empty. Its memory is overwritten when it is dropped, and
/// printing it prints no part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct MacKey(Zeroizing<Vec<u8>>);

impl MacKey {
    /// How many bytes a signing secret has, by Standard Webhooks.
    const SIGNING: std::ops::RangeInclusive<usize> = 24..=64;
    /// The bytes of a generated key.
    const NEW: usize = 32;
    const PREFIX: &str = "whsec_";

    /// A key that takes the place of a missing one, so that a check takes as long. The result of the check is
    /// to be ignored.
    pub(crate) fn decoy() -> Self {
        Self(Zeroizing::new(vec![0; Self::NEW]))
    }

    /// A new key for signing, from the system's source of random numbers.
    ///
    /// # Errors
    /// When the system has no random numbers to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new(vec![0; Self::NEW]);
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The signing secret with this key: `whsec_` and base64.
    #[must_use]
    pub fn to_signing_secret(&self) -> SecretText {
        let base64 = Zeroizing::new(STANDARD.encode(self.as_bytes()));
        Zeroizing::new(format!("{}{}", Self::PREFIX, *base64))
    }

    /// Parses `whsec_`, which may be left out, and base64.
    ///
    /// # Errors
    /// When it is not the base64 of 24 to 64 bytes.
    pub fn signing_secret(text: &str) -> Result<Self, InvalidSecret> {
        let base64 = text.strip_prefix(Self::PREFIX).unwrap_or(text);
        let key = STANDARD.decode(base64).map(Zeroizing::new).map_err(|_| InvalidSecret::NotBase64)?;
        if !Self::SIGNING.contains(&key.len()) {
            return Err(InvalidSecret::Bytes(key.len()));
        }
        if key.iter().all(|byte| key.first() == Some(byte)) {
            return Err(InvalidSecret::Same);
        }
        Ok(Self(key))
    }

    /// Takes the text itself as the key.
    pub(crate) fn app_secret(text: &str) -> Result<Self, InvalidSecret> {
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(InvalidSecret::Characters);
        }
        at_least(text, APP_SECRET)?;
        Ok(Self(Zeroizing::new(text.as_bytes().to_vec())))
    }

    /// Takes the text itself as the key, whatever characters its owner chose.
    pub(crate) fn webhook_secret(text: &str) -> Result<Self, InvalidSecret> {
        at_least(text, APP_SECRET)?;
        Ok(Self(Zeroizing::new(text.as_bytes().to_vec())))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(…)")
    }
}
