//! The name of an account, which is part of subjects, keys of buckets and names of files.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The operator's own name for a Klaviyo account: 1 to 64 of the letters a to z in either case, digits, `-`
/// and `_`. So it can be a token of a NATS subject, and the beginning of a file's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Account(String);

/// The text is no account's name.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("an account's name has 1 to 64 letters, digits, - and _")]
pub struct AccountError;

impl Account {
    /// The account of a process that has the secrets of a single account, in its environment.
    pub const DEFAULT: &str = "default";
    const LONGEST: usize = 64;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Account {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Account {
    type Error = AccountError;

    fn try_from(text: String) -> Result<Self, AccountError> {
        let fits = (1..=Self::LONGEST).contains(&text.len());
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if fits && text.bytes().all(known) { Ok(Self(text)) } else { Err(AccountError) }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_subjects_and_files() {
        for good in ["default", "shop-1", "Shop_2", &"a".repeat(64)] {
            assert_eq!(good.parse::<Account>().unwrap().as_str(), good);
        }
        for bad in ["", "a.b", "a b", "*", ">", "../x", "caf\u{e9}", "a\n", &"a".repeat(65)] {
            assert_eq!(bad.parse::<Account>(), Err(AccountError), "{bad:?}");
        }
    }
}
