//! The name of contents: their SHA-256.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

const ALGORITHM: &str = "sha256:";

/// A SHA-256 of contents, as OCI writes it: `sha256:` and 64 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digits alone.
    pub(super) fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}{}", self.hex())
    }
}

impl FromStr for Digest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(ALGORITHM).ok_or("its digest does not begin with sha256:")?;
        let mut digest = [0; 32];
        // OCI allows small letters only: one digest has one spelling.
        let is_small = !digits.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(digits, &mut digest) {
            Ok(()) if is_small => Ok(Self(digest)),
            _ => Err("its digest does not have 64 digits of 0 to 9 and a to f"),
        }
    }
}
