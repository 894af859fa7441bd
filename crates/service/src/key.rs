//! The key of an opt-in: its name wherever the service stores something about it.

use crate::account::Account;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The key of an opt-in or an opt-out in the queue, in the bucket of outcomes and among the dead letters: its
/// account and a digest of its id. Every process computes the same key from the same id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OptInKey {
    /// The account.
    pub account: Account,
    digest: String,
}

/// The text is no key.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("this is not the id of an opt-in, such as shop-1.0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5f")]
pub struct OptInKeyError;

impl OptInKey {
    /// 128 bits of a SHA-256.
    const BYTES: usize = 16;

    /// The key of an opt-in with this id.
    #[must_use]
    pub fn new(account: &Account, id: &str) -> Self {
        Self::of_digest(account, &Sha256::digest(id))
    }

    /// The key of an opt-out or a resume with this id. No opt-in has it, so a caller may give an opt-out the id
    /// that an opt-in had.
    #[must_use]
    pub fn of_opt_out(account: &Account, id: &str) -> Self {
        // No id has this byte: an id is UTF-8.
        Self::of_digest(account, &Sha256::new().chain_update([0xff]).chain_update(id).finalize())
    }

    fn of_digest(account: &Account, digest: &[u8]) -> Self {
        let digest = digest.first_chunk::<{ Self::BYTES }>().map(hex::encode).unwrap_or_default();
        Self { account: account.clone(), digest }
    }
}

impl fmt::Display for OptInKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.account, self.digest)
    }
}

impl FromStr for OptInKey {
    type Err = OptInKeyError;

    fn from_str(text: &str) -> Result<Self, OptInKeyError> {
        let (account, digest) = text.split_once('.').ok_or(OptInKeyError)?;
        let account = account.parse().map_err(|_| OptInKeyError)?;
        let bytes: [u8; Self::BYTES] = hex::FromHex::from_hex(digest).map_err(|_| OptInKeyError)?;
        // A digest in upper case is no key.
        let is_canonical = hex::encode(bytes) == digest;
        is_canonical.then(|| Self { account, digest: digest.to_owned() }).ok_or(OptInKeyError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_for_the_same_id_and_account_only() {
        let (one, other) = ("shop-1".parse().unwrap(), "shop-2".parse().unwrap());
        let key = OptInKey::new(&one, "wamid.1");
        assert_eq!(key, OptInKey::new(&one, "wamid.1"));
        assert_ne!(key, OptInKey::new(&one, "wamid.2"));
        assert_ne!(key, OptInKey::new(&other, "wamid.1"));
        assert_eq!(OptInKey::of_opt_out(&one, "wamid.1"), OptInKey::of_opt_out(&one, "wamid.1"));
        assert_ne!(key, OptInKey::of_opt_out(&one, "wamid.1"));
        assert_eq!(key.to_string().parse(), Ok(key));
        for wrong in ["", "shop-1", "shop-1.", "shop-1.xyz", &format!("a b.{}", "0".repeat(32))] {
            assert_eq!(wrong.parse::<OptInKey>(), Err(OptInKeyError));
        }
    }
}
