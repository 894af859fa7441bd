//! Takes the key out of answers: a server that sends it back does not get it into the sandbox.

use crate::credentials::Authorization;
use crate::secret::Secret;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A shorter key is not searched for: too much other text would match it.
const MIN_KEY_BYTES: usize = 8;

/// The keys and tokens that a request was sent with, and those that belong to them: more than one key if it was
/// replaced between two attempts.
#[derive(Default)]
pub(crate) struct SentKeys(Vec<Arc<Secret>>);

impl SentKeys {
    pub(crate) fn add(&mut self, authorization: &Authorization) {
        self.add_secrets(authorization.secrets().cloned());
    }

    pub(crate) fn add_secrets(&mut self, secrets: impl IntoIterator<Item = Arc<Secret>>) {
        for secret in secrets {
            if !self.0.iter().any(|known| known.expose() == secret.expose()) {
                self.0.push(secret);
            }
        }
    }

    /// The bytes with every copy of a key overwritten, also in lower case, which names of headers have; none
    /// if they contain no key.
    pub(crate) fn redact(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut redacted: Option<Vec<u8>> = None;
        for key in self.0.iter().map(|key| key.expose()).filter(|key| key.len() >= MIN_KEY_BYTES) {
            let lower_case = Zeroizing::new(key.to_ascii_lowercase());
            for text in [key, lower_case.as_str()] {
                for start in memchr::memmem::find_iter(bytes, text) {
                    let redacted = redacted.get_or_insert_with(|| bytes.to_vec());
                    if let Some(copy) = redacted.get_mut(start..start + text.len()) {
                        copy.fill(b'*');
                    }
                }
            }
        }
        redacted
    }

    /// The bytes as text without any key.
    pub(crate) fn redact_text(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(self.redact(bytes).as_deref().unwrap_or(bytes)).into_owned()
    }
}
