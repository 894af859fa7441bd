//! Email addresses.

use crate::Error;
use crate::text::{is_invisible, trimmed};
use alloc::{borrow::ToOwned, boxed::Box, string::String};

/// Klaviyo's limit on an email address, in characters.
const CHARACTERS: usize = 100;

/// Cleans an email address: removes white space and invisible characters at both ends.
///
/// # Errors
/// [`InvalidInput`](crate::Code::InvalidInput) if the rest is not an address: it needs one `@` with text on
/// both sides, at most 100 characters, and no invisible character.
pub fn email(text: &str) -> Result<String, Box<Error>> {
    let email = trimmed(text);
    check(email).map_err(|reason| Error::invalid("email", reason))?;
    Ok(email.to_owned())
}

fn check(email: &str) -> Result<(), &'static str> {
    let (mut ats, mut characters) = (0, 0);
    for c in email.chars() {
        characters += 1;
        ats += usize::from(c == '@');
        if is_invisible(c) || c.is_control() {
            return Err("it has a character in it that cannot be seen; write it anew");
        }
        if c.is_whitespace() {
            return Err("it has white space in it; give one address, without a name");
        }
        if matches!(c, '<' | '>') {
            return Err("it has angle brackets; give the address between them and nothing else");
        }
    }
    if email.ends_with(';') || email.ends_with(',') {
        return Err("it ends in a separator; leave it out");
    }
    if email.as_bytes().get(..7).is_some_and(|link| link.eq_ignore_ascii_case(b"mailto:")) {
        return Err("it is a link; leave `mailto:` out");
    }
    match ats {
        0 => Err("it has no `@`"),
        1 if email.starts_with('@') || email.ends_with('@') => Err("it needs text before and after the `@`"),
        1 if characters > CHARACTERS => Err("it is longer than 100 characters"),
        1 => Ok(()),
        _ => Err("it has more than one `@`; give one address"),
    }
}

/// Refuses addresses for which Klaviyo refuses all rows of a bulk request. In requests for one profile,
/// Klaviyo judges the address itself.
pub(crate) fn bulk_email(email: &str) -> Result<(), Box<Error>> {
    let invalid = |reason| Err(Error::invalid("email", reason));
    let domain = email.split_once('@').map_or("", |(_, domain)| domain);
    let (mut labels, mut last) = (0_usize, b'.');
    for byte in domain.bytes() {
        // Letters of other scripts and their marks are not checked.
        let is_fit = match byte {
            b'.' => last != b'.',
            b'-' | b'_' => true,
            byte => byte.is_ascii_alphanumeric() || !byte.is_ascii(),
        };
        if !is_fit {
            return invalid("its domain has a character where no domain has it");
        }
        labels += usize::from(last == b'.');
        last = byte;
    }
    if labels < 2 {
        return invalid("its domain has no dot with text on both sides");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;
    use alloc::format;

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
        for good in [
            "a@b.c",
            "a@b.c.",
            "o'brien+\"tag\"@example.com",
            "é@é.example",
            "a@e\u{301}.example",
            "a@b_c.d",
            "a@हिन्दी.example",
        ] {
            assert_eq!(bulk_email(good), Ok(()), "{good}");
        }
        for bad in [
            "a@b",
            "a@b.",
            "a@.b",
            "a@.",
            "a@.b.c",
            "a@b..c",
            "a@b.c..",
            "a@b,c",
            "a@b.c)",
            "a@b.c\"",
            "a@b.c/",
            "a@b.c?d",
            "a@b.c;d",
            "a@[1.2.3.4]",
        ] {
            assert_eq!(bulk_email(bad).unwrap_err().details[0].pointer.as_deref(), Some("email"), "{bad}");
        }
    }
}
