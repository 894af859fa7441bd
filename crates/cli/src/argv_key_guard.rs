//! Refuses a command line that has a private key in it: other users of the machine can read it, and the shell keeps it.

use crate::failure::Failure;
use std::ffi::OsString;

const BEGIN: &str = "pk_";
/// Shorter words may well be something other than a key.
const KEY_BYTES: usize = 8;
/// Klaviyo's keys are at least as long, and names of people and files are shorter.
const CERTAIN_BYTES: usize = 30;

/// Whether an argument has what looks like a private key in it.
pub(crate) fn has_key(words: &[OsString]) -> bool {
    words.iter().skip(1).any(|word| holds_key(&word.to_string_lossy()))
}

/// Whether there is a key in a text, whatever stands around it.
fn holds_key(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(BEGIN).filter_map(|(start, _)| text.split_at_checked(start)).any(|(before, rest)| {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let Some((word, after)) = rest.split_at_checked(end) else { return false };
        let is_whole = !before.ends_with(is_part);
        is_whole && is_key(word) && (word.len() >= CERTAIN_BYTES || !is_in_name(before, after))
    })
}

/// Whether a word between these is the first part of a file's name, or of an email address.
fn is_in_name(before: &str, after: &str) -> bool {
    let is_local = |c: char| c.is_alphanumeric() || "._-+%".contains(c);
    let is_file = after.strip_prefix('.').is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    let is_user = before.rsplit_once("//").is_some_and(|(_, user)| !user.contains(['/', '?', '#']));
    is_file || (after.trim_start_matches(is_local).starts_with('@') && !is_user)
}

/// Whether a word is `pk_` and a long rest with a digit in it, which is unusual in an email or the name of a list.
pub(crate) fn is_key(word: &str) -> bool {
    word.strip_prefix(BEGIN).is_some_and(|rest| {
        rest.len() >= KEY_BYTES
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
            && rest.bytes().any(|byte| byte.is_ascii_digit())
    })
}

/// Why such a command line is not run.
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
        assert!(has(&["klaviyo-connector", "lists", "pk_0123456789abcdef"]));
        assert!(has(&["klaviyo-connector", "lists", "--api-key=pk_0123456789abcdef"]));
        assert!(has(&[
            "klaviyo-connector",
            "lists",
            "-H",
            "Authorization: Klaviyo-API-Key pk_UdR4mA_0123456789abcdef"
        ]));
        assert!(has(&["klaviyo-connector", "mock", "--key", "pk_0123456789abcdef=lists:read"]));
        for around in [
            "/PK",
            "a/PK/b",
            "PK;x",
            "x;PK",
            "(PK)",
            "[PK]",
            "{PK}",
            "<PK>",
            "'PK'",
            "“PK”",
            "`PK`",
            "$PK",
            "PK|x",
            "PK&x=y",
            "?key=PK#x",
            "PK.",
            "PK. Then",
            "PK\\n",
            "a\tPK",
            "%PK",
            "*PK*",
            "@PK",
            "https://PK@host/",
            "https://user:PK@host",
            "user:PK:",
            "é PK é",
        ] {
            assert!(
                has(&["klaviyo-connector", "lists", &around.replace("PK", "pk_0123456789abcdef")]),
                "{around}"
            );
        }
        let long = "pk_0123456789abcdef0123456789abcdef";
        for around in ["PK@example.com", "PK.txt", "mailto:PK@example.com"] {
            assert!(has(&["klaviyo-connector", "lists", &around.replace("PK", long)]), "{around}");
        }
    }

    #[test]
    fn other_words_are_not_keys() {
        assert!(!has(&["pk_0123456789abcdef", "lists"]));
        assert!(!has(&["klaviyo-connector", "lookup", "--email", "pk_0123456789@example.com"]));
        assert!(!has(&["klaviyo-connector", "lists", "--name", "pk_customers"]));
        assert!(!has(&["klaviyo-connector", "lists", "--name", "pk_12"]));
        for word in [
            "pk_kumar1985@gmail.com",
            "--email=pk_kumar1985+news@gmail.com",
            "pk_kumar1985.in@gmail.com",
            "mailto:pk_kumar1985@gmail.com",
            "https://example.com/?mail=pk_kumar1985@gmail.com",
            "exports/pk_export_20261101.csv",
            "pk_export_20261101.csv.gz",
            "xpk_0123456789",
            "x_pk_0123456789",
            "pk_kunden2026ä",
        ] {
            assert!(!has(&["klaviyo-connector", "sync", word]), "{word}");
        }
    }
}
