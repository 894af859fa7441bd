//! Seals what a store keeps, with a key that is made of the client secret: whoever can read the store has no tokens.

use super::installation::Client;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// Changes with the form of what is sealed.
const PURPOSE: &[u8] = b"klaviyo-connector tokens 1";

/// Seals and opens texts with one key.
pub(super) struct Sealer(LessSafeKey);

/// The system has no random numbers to give, or a text is not one that this sealer has sealed for this place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SealError;

impl Sealer {
    /// The sealer of an app.
    pub(super) fn new(client: &Client) -> Result<Self, SealError> {
        let secret = Salt::new(HKDF_SHA256, PURPOSE).extract(client.secret.expose().as_bytes());
        let info = [client.id.as_bytes()];
        let key = secret.expand(&info, &AES_256_GCM).map_err(|_| SealError)?;
        Ok(Self(LessSafeKey::new(UnboundKey::from(key))))
    }

    /// Seals a text for a place: it cannot be opened at another one.
    pub(super) fn seal(&self, place: &str, text: &str) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_LEN];
        // Each text has a nonce of its own. There are few: one for each refresh.
        SystemRandom::new().fill(&mut nonce).map_err(|_| SealError)?;
        let mut sealed = text.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
            .map_err(|_| SealError)?;
        Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what was sealed for this place.
    pub(super) fn open(&self, place: &str, sealed: &str) -> Result<Zeroizing<String>, SealError> {
        let bytes = Zeroizing::new(STANDARD.decode(sealed).map_err(|_| SealError)?);
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let text = self.0.open_in_place(nonce, Aad::from(place), &mut text).map_err(|_| SealError)?;
        std::str::from_utf8(text).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| SealError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_secret_at_its_place_only() {
        let sealer = |id, secret| Sealer::new(&Client::new(id, secret).unwrap()).unwrap();
        let own = sealer("app", "secret-1234");
        let sealed = own.seal("shop-1", "a refresh token").unwrap();
        assert_ne!(sealed, own.seal("shop-1", "a refresh token").unwrap());
        assert!(!STANDARD.decode(&sealed).unwrap().windows(7).any(|bytes| bytes == b"refresh"));
        assert_eq!(own.open("shop-1", &sealed).unwrap().as_str(), "a refresh token");
        assert_eq!(own.open("shop-2", &sealed), Err(SealError));
        assert_eq!(sealer("app", "secret-1235").open("shop-1", &sealed), Err(SealError));
        assert_eq!(sealer("other", "secret-1234").open("shop-1", &sealed), Err(SealError));
        for broken in ["", "AAAA", "no base64"] {
            assert_eq!(own.open("shop-1", broken), Err(SealError), "{broken}");
        }
    }
}
