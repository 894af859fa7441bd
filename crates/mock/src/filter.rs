//! Klaviyo's filter language, as far as lookups need it: `equals(field,"value")`.

/// Reads a filter: its field and value. A string stands between double or single quotes; in it a backslash
/// takes the next character as it is.
pub(crate) fn equals(filter: &str) -> Option<(String, String)> {
    let inner = filter.strip_prefix("equals(")?.strip_suffix(')')?;
    let (field, quoted) = inner.split_once(',')?;
    let mut chars = quoted.chars();
    let quote = chars.next().filter(|c| matches!(c, '"' | '\''))?;
    let mut value = String::new();
    loop {
        match chars.next()? {
            '\\' => value.push(chars.next()?),
            c if c == quote => break,
            c => value.push(c),
        }
    }
    chars.next().is_none().then(|| (field.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::equals;

    #[test]
    fn a_string_ends_at_its_own_quote() {
        for (filter, value) in [
            (r#"equals(email,"a@b")"#, Some("a@b")),
            (r"equals(email,'a\'b')", Some("a'b")),
            (r#"equals(email,"a\"b\\c'd")"#, Some(r#"a"b\c'd"#)),
            (r#"equals(email,"a"b")"#, None),
            (r#"equals(email,"a")x)"#, None),
            (r#"equals(email,"a)"#, None),
            (r#"equals(email,"a\")"#, None),
            ("equals(email,a)", None),
            ("any(email,[\"a\"])", None),
        ] {
            assert_eq!(equals(filter).map(|(_, value)| value).as_deref(), value, "{filter}");
        }
    }
}
