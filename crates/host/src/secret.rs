//! The private key, which nothing prints.

use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A private key. `Display` and `Debug` print no part of it, and its memory is overwritten when it is
/// dropped.
///
/// ```
/// let key = klaviyo_host::Secret::new("pk_1234567890")?;
/// assert_eq!(format!("{key:?} {key}"), "Secret(…) …");
/// # Ok::<(), klaviyo_host::SecretError>(())
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The key is empty.
    #[error("there is no key; it is the account's private key (pk_…), and nothing else")]
    Empty,
    /// The key has characters that a header cannot have.
    #[error(
        "the key has characters that no key has, such as spaces; it is the account's private key (pk_…) alone"
    )]
    Characters,
    /// The variable has no key.
    #[error("the environment variable {0} has no key that can be used")]
    Variable(String, #[source] Box<SecretError>),
    /// The file cannot be read.
    #[error("cannot read a key from {}", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// The file has no key.
    #[error("the file {} has no key that can be used", .0.display())]
    Contents(PathBuf, #[source] Box<SecretError>),
}

impl Secret {
    /// Takes a key. White space around it is dropped, since a line end is the most common mistake with files.
    ///
    /// # Errors
    /// When there is none, or it has characters that cannot be sent.
    pub fn new(key: &str) -> Result<Self, SecretError> {
        let key = key.trim();
        if key.is_empty() {
            return Err(SecretError::Empty);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SecretError::Characters);
        }
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    /// Reads the key from an environment variable.
    ///
    /// # Errors
    /// When the variable is not set, or has no key.
    pub fn from_env(variable: &str) -> Result<Self, SecretError> {
        let key = std::env::var(variable).map(Zeroizing::new).unwrap_or_default();
        Self::new(&key).map_err(|error| SecretError::Variable(variable.to_owned(), error.into()))
    }

    /// Reads the key from a file that holds nothing else, as Kubernetes and Docker mount secrets.
    ///
    /// # Errors
    /// When the file cannot be read, or has no key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SecretError> {
        let path = path.as_ref();
        let key = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| SecretError::File(path.to_owned(), error))?;
        Self::new(&key).map_err(|error| SecretError::Contents(path.to_owned(), error.into()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
