//! Keeping the key out of the command line.

use crate::failure::Failure;
use std::ffi::OsString;

/// Shorter words may well be something else.
const KEY_BYTES: usize = 8;

/// Whether an argument has what looks like a private key in it.
pub(crate) fn has_key(words: &[OsString]) -> bool {
    let is_separator = |c: char| c.is_whitespace() || matches!(c, '=' | ':' | ',' | '"' | '\'');
    words.iter().skip(1).any(|word| word.to_string_lossy().split(is_separator).any(is_key))
}

/// `pk_` and a long word with a digit in it: an email or the name of a list does not look so.
pub(crate) fn is_key(word: &str) -> bool {
    word.strip_prefix("pk_").is_some_and(|rest| {
        rest.len() >= KEY_BYTES
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
            && rest.bytes().any(|byte| byte.is_ascii_digit())
    })
}

/// Whether the answer is to be JSON, although the arguments may not be readable.
pub(crate) fn wants_json(words: &[OsString]) -> bool {
    words.iter().skip(1).take_while(|word| *word != "--").any(|word| word == "--json")
}

pub(crate) fn refusal() -> Failure {
    Failure::invalid(
        None,
        "an argument looks like a private key, and arguments stay in the shell's history and can be read by others \
         on this machine; put the key into the variable KLAVIYO_API_KEY, or into a file for --key-file, and replace \
         a real one that others may have seen",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(words: &[&str]) -> bool {
        has_key(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn keys_are_recognised_wherever_they_are() {
        assert!(has(&["klaviyo", "lists", "pk_0123456789abcdef"]));
        assert!(has(&["klaviyo", "lists", "--api-key=pk_0123456789abcdef"]));
        assert!(has(&[
            "klaviyo",
            "lists",
            "-H",
            "Authorization: Klaviyo-API-Key pk_UdR4mA_0123456789abcdef"
        ]));
        assert!(has(&["klaviyo", "mock", "--key", "pk_0123456789abcdef=lists:read"]));
    }

    #[test]
    fn other_words_are_not_keys() {
        assert!(!has(&["pk_0123456789abcdef", "lists"]));
        assert!(!has(&["klaviyo", "lookup", "--email", "pk_0123456789@example.com"]));
        assert!(!has(&["klaviyo", "lists", "--name", "pk_customers"]));
        assert!(!has(&["klaviyo", "lists", "--name", "pk_12"]));
    }
}
