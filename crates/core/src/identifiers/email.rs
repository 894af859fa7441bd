//! Email addresses.

use crate::Error;
use crate::text::{is_blank, is_invisible, trimmed};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String};

/// Klaviyo's limit on an email address, in characters.
const CHARACTERS: usize = 100;

/// Cleans an email address: white space and what cannot be seen is taken off at both ends.
///
/// # Errors
/// [`InvalidInput`](crate::Code::InvalidInput) if what is left is no address: it needs one `@` with text on both
/// sides, has at most 100 characters, and no character in it that cannot be seen.
pub fn email(text: &str) -> Result<String, Box<Error>> {
    let invalid = |reason: &str| Err(Error::invalid("email", reason));
    let email = trimmed(text);
    if let Some(c) = email.chars().find(|c| is_invisible(*c) || c.is_control()) {
        let code = u32::from(c);
        return invalid(&format!("it has a character in it that cannot be seen (U+{code:04X}); take it out"));
    }
    if email.ends_with([';', ',']) {
        return invalid("it ends in a separator; leave it out");
    }
    if email.contains(['<', '>']) {
        return invalid("it has angle brackets; give the address between them and nothing else");
    }
    if email.get(..7).is_some_and(|link| link.eq_ignore_ascii_case("mailto:")) {
        return invalid("it is a link; leave `mailto:` out");
    }
    let (local, domain) = match email.split_once('@') {
        None => return invalid("it has no `@`"),
        Some((_, domain)) if domain.contains('@') => {
            return invalid("it has more than one `@`; give one address");
        }
        Some(parts) => parts,
    };
    if local.is_empty() || domain.is_empty() {
        return invalid("it needs text before and after the `@`");
    }
    if email.contains(is_blank) {
        return invalid("it has white space in it");
    }
    if email.chars().count() > CHARACTERS {
        return invalid("it is longer than 100 characters");
    }
    Ok(email.to_owned())
}

/// Checks what Klaviyo takes for no address, and refuses all rows of a bulk request for. One profile alone it may
/// judge itself.
pub(crate) fn bulk_email(email: &str) -> Result<(), Box<Error>> {
    let domain = email.split_once('@').map_or("", |(_, domain)| domain);
    if !domain.split('.').skip(1).any(|label| !label.is_empty()) || domain.starts_with('.') {
        return Err(Error::invalid("email", "its domain has no dot with text on both sides"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn an_email_has_one_at_sign_and_at_most_100_characters() {
        let longest = format!("{}@x", "é".repeat(98));
        for good in ["a@b", "o'brien+\"tag\"@example.com", longest.as_str()] {
            assert_eq!(email(good), Ok(good.to_owned()));
            assert_eq!(email(&format!("\u{200b} {good}\u{a0}\n")), Ok(good.to_owned()));
        }
        let too_long = format!("{}@x", "é".repeat(99));
        for bad in ["", "@", "a", "a@", "@b", "a@b@c", "\u{200b}", too_long.as_str()] {
            assert_eq!(email(bad).unwrap_err().code, Code::InvalidInput, "{bad}");
        }
    }

    #[test]
    fn what_stands_around_an_address_is_refused() {
        for bad in [
            "a @b.c",
            "a@b .c",
            "a@b\u{ad}.c",
            "a\0@b.c",
            "a\u{a0}b@c.d",
            "<a@b.c>",
            "Zed <a@b.c>",
            "mailto:a@b.c",
            "MAILTO:a@b.c",
            "a@b.c;",
            "a@b.c,",
            "a@b.c, d@e.f",
        ] {
            assert_eq!(email(bad).unwrap_err().details[0].pointer.as_deref(), Some("email"), "{bad}");
        }
    }

    #[test]
    fn an_email_in_bulk_has_a_domain_with_a_dot() {
        for good in ["a@b.c", "a@b.c.", "o'brien+\"tag\"@example.com", "é@é.example"] {
            assert_eq!(bulk_email(good), Ok(()), "{good}");
        }
        for bad in ["a@b", "a@b.", "a@.b", "a@."] {
            assert_eq!(bulk_email(bad).unwrap_err().details[0].pointer.as_deref(), Some("email"), "{bad}");
        }
    }
}
