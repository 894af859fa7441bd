//! People's addresses, masked: enough to tell one person from another, not enough to write to them.

use serde_json::Value;

/// The fields of a message that say whom it is about, those that people know first.
const WHO: [&str; 3] = ["phone_number", "email", "external_id"];
/// The fewest digits that can be a number of somebody's.
const FEWEST_DIGITS: usize = 7;
const HIDDEN: &str = "•••";

/// Whom a message in the queue is about; none if it does not say, or is no JSON.
pub(super) fn person(message: &str) -> Option<String> {
    let message: Value = serde_json::from_str(message).ok()?;
    let who = WHO.iter().find_map(|name| message.get(name)?.as_str().map(str::trim));
    who.filter(|who| !who.is_empty())
        .map(|who| if is_address(who) { masked_word(who) } else { ends(who, 2, 2) })
}

/// A sentence with every email address and long number in it masked.
pub(super) fn text(text: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || "+@._%-".contains(c);
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        masked.push_str(before);
        masked.push_str(&masked_word(word));
        rest = after;
    }
    masked + rest
}

fn is_address(word: &str) -> bool {
    word.contains('@') || is_number(word)
}

/// Whether this is a number of somebody's. An id of Klaviyo's or of a message has letters among its digits.
fn is_number(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    digits >= FEWEST_DIGITS && word.chars().all(|c| c.is_ascii_digit() || "+-.".contains(c))
}

fn masked_word(word: &str) -> String {
    if let Some((name, domain)) = word.rsplit_once('@') {
        return format!("{}@{domain}", ends(name, 1, 0));
    }
    if is_number(word) { ends(word, 3, 2) } else { word.to_owned() }
}

/// The first and the last characters, where more than those are hidden.
fn ends(word: &str, first: usize, last: usize) -> String {
    let count = word.chars().count();
    let (first, last) = if count > first + last + 2 { (first, last) } else { (first.min(1), 0) };
    let start: String = word.chars().take(first).collect();
    let end: String = word.chars().skip(count - last.min(count)).collect();
    format!("{start}{HIDDEN}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked_wherever_they_stand() {
        for (plain, masked) in [
            ("priya@example.com is not valid (400)", "p•••@example.com is not valid (400)"),
            ("number '+919820000001' of 2026-11", "number '+91•••01' of 2026-11"),
            (
                "the list Y6nRLr12345678 is gone, request 01KMM0FM7K",
                "the list Y6nRLr12345678 is gone, request 01KMM0FM7K",
            ),
            ("ada@example.com,bob.b@example.org", "a•••@example.com,b•••@example.org"),
            ("x@é", "x•••@é"),
            ("@", "•••@"),
            ("", ""),
        ] {
            assert_eq!(text(plain), masked);
        }
    }

    #[test]
    fn a_message_says_whom_it_is_about_by_what_people_know() {
        let person = |message: &str| super::person(message).unwrap_or_default();
        assert_eq!(person(r#"{"email": "priya@example.com", "phone_number": "+919820000001"}"#), "+91•••01");
        assert_eq!(person(r#"{"email": "priya@example.com"}"#), "p•••@example.com");
        assert_eq!(person(r#"{"external_id": "IN.1234567890abc"}"#), "IN•••bc");
        assert_eq!(person(r#"{"external_id": "7"}"#), "7•••");
        for nobody in ["", "7", "[]", r#"{"email": 7}"#, r#"{"email": " "}"#] {
            assert_eq!(person(nobody), "", "{nobody}");
        }
    }
}
