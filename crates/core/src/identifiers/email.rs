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
