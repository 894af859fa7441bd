//! Reads the private key from its file or variable, and says what cannot be right about it.

use crate::account::Account;
use crate::argv_key_guard;
use crate::failure::Failure;
use klaviyo_host::{Secret, SecretError};
use std::fs::Metadata;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No key is as long.
const FILE_BYTES: usize = 4096;
const VARIABLE: &str = "KLAVIYO_API_KEY";

/// A key that can be sent.
pub(crate) struct Key {
    pub(crate) secret: Secret,
    /// Whether it begins as private keys do.
    pub(crate) looks_private: bool,
    /// The file that it was read from, if others on this machine may read the file or change it.
    pub(crate) open_file: Option<PathBuf>,
}

impl Key {
    /// What is wrong with such a file, and what to do about it.
    pub(crate) fn exposure(&self) -> Option<(String, String)> {
        self.open_file.as_deref().map(exposure)
    }
}

/// What is wrong with a file that others can read or change, and what to do about it.
pub(crate) fn exposure(file: &Path) -> (String, String) {
    let file = file.display();
    let found = format!("others on this machine have access to the key file {file}");
    (found, format!("chmod 600 {file}"))
}

/// Why there is no key to send.
#[derive(Debug)]
pub(crate) struct KeyError {
    pub(crate) found: String,
    pub(crate) fix: &'static str,
    /// Neither the variable nor the option was set.
    pub(crate) missing: bool,
}

impl From<KeyError> for Failure {
    fn from(KeyError { found, fix, missing }: KeyError) -> Self {
        let failure = Self::invalid(None, &format!("{found}; {fix}"));
        if !missing {
            return failure;
        }
        failure
            .hint("--key-file takes a file with the key instead")
            .hint("`klaviyo-connector mock` is a Klaviyo to try things on, and prints a key for it")
    }
}

const CREATE: &str = "create a private key in Klaviyo, under Settings > API keys, with profiles:read, profiles:write, \
                      lists:read and lists:write, and put it into the variable KLAVIYO_API_KEY";

const FILE: &str = "--key-file names a file that has the private key and nothing else: correct the path, or put the key there";

/// What the text that should be a private key looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Private,
    /// Six characters, which every page of the shop shows.
    PublicSiteId,
    /// It begins with the name of an authorization scheme.
    Scheme,
    /// It has quotation marks around it.
    Quoted,
    /// It has characters that no key has: white space, control characters, characters outside ASCII.
    Characters,
    /// It does not begin with `pk_`.
    Other,
}

impl Shape {
    /// What cannot be right about it, and what to do about that.
    fn fault(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Private | Self::Other => None,
            Self::PublicSiteId => Some((
                "this is the public site id, of 6 characters",
                "a private key begins with pk_: create one in Klaviyo, under Settings > API keys",
            )),
            Self::Scheme => Some((
                "it begins with the name of an authorization scheme",
                "give the key alone (pk_…); `Authorization: Klaviyo-API-Key` and one space are put before it",
            )),
            Self::Quoted => Some(("it has quotation marks around it", "remove them")),
            Self::Characters => {
                Some(("it has characters that no key has", "copy it again, all of it and nothing else"))
            }
        }
    }
}

/// Reads the key. It opens a file once, because that may be a pipe.
pub(crate) fn read_key(account: &Account) -> Result<Key, KeyError> {
    let wrong = |found, fix, missing| KeyError { found, fix, missing };
    let none = if account.key_file.is_some() { FILE } else { CREATE };
    let (text, is_open) = match &account.key_file {
        Some(file) => contents(file).map_err(|error| {
            wrong(format!("cannot read a key from {}: {error}", source(account)), FILE, false)
        })?,
        None => (std::env::var_os(VARIABLE).unwrap_or_default().to_string_lossy().into_owned(), false),
    };
    let text = Zeroizing::new(text);
    let shape = shape(text.trim());
    match (shape.fault(), Secret::new(&text)) {
        (_, Err(SecretError::Empty)) => {
            Err(wrong(format!("there is no key in {}", source(account)), none, account.key_file.is_none()))
        }
        (Some((found, fix)), _) => {
            Err(wrong(format!("the key, from {}: {found}", source(account)), fix, false))
        }
        (None, Ok(secret)) => {
            let open_file = account.key_file.clone().filter(|_| is_open);
            Ok(Key { secret, looks_private: shape == Shape::Private, open_file })
        }
        (None, Err(error)) => Err(wrong(format!("the key, from {}: {error}", source(account)), none, false)),
    }
}

/// The beginning of a file, and whether others may read or change the file. A key file is short; something else, such
/// as a device, may have no end.
pub(crate) fn contents(file: &Path) -> std::io::Result<(String, bool)> {
    let file = std::fs::File::open(file)?;
    let is_open = is_open_to_others(&file.metadata()?);
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES));
    file.take(FILE_BYTES as u64).read_to_end(&mut text)?;
    Ok((String::from_utf8_lossy(&text).into_owned(), is_open))
}

/// Users outside its group may read or write it. The group does not count: somebody chose it. Nor does a pipe, which has
/// no name.
#[cfg(unix)]
fn is_open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.is_file() && metadata.mode() & 0o006 != 0
}

/// Elsewhere a file has no mode that says so.
#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata) -> bool {
    false
}

/// Where the key comes from, for a sentence.
pub(crate) fn source(account: &Account) -> String {
    match &account.key_file {
        Some(file) if argv_key_guard::is_key(&file.to_string_lossy()) => {
            "a file that has a private key for its name (the variable for the key itself is KLAVIYO_API_KEY)"
                .to_owned()
        }
        Some(file) => format!("the file {}", file.display()),
        None => format!("the variable {VARIABLE}"),
    }
}

fn shape(key: &str) -> Shape {
    let first_word = key.split_whitespace().next().unwrap_or_default();
    let scheme = first_word.trim_end_matches(':').to_ascii_lowercase();
    if ["klaviyo-api-key", "authorization", "bearer", "api-key"].contains(&scheme.as_str()) {
        Shape::Scheme
    } else if key.starts_with(['"', '\'', '“', '‘']) {
        Shape::Quoted
    } else if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Shape::Characters
    } else if key.starts_with("pk_") {
        Shape::Private
    } else if key.len() == 6 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Shape::PublicSiteId
    } else {
        Shape::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_is_told_apart() {
        for (key, expected) in [
            ("pk_0123456789abcdef", Shape::Private),
            ("pk_UdR4mA_0123456789abcdef", Shape::Private),
            ("UdR4mA", Shape::PublicSiteId),
            ("Klaviyo-API-Key pk_0123456789abcdef", Shape::Scheme),
            ("Authorization: Klaviyo-API-Key pk_0123456789abcdef", Shape::Scheme),
            ("Bearer pk_0123456789abcdef", Shape::Scheme),
            ("\"pk_0123456789abcdef\"", Shape::Quoted),
            ("pk_0123 456789abcdef", Shape::Characters),
            ("pk_0123456789abcdéf", Shape::Characters),
            ("0123456789abcdef", Shape::Other),
        ] {
            assert_eq!(shape(key), expected, "{key}");
        }
    }
}
