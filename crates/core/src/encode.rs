//! Encodes URLs and filters, so that no input changes their structure.

use crate::ORIGIN;
use alloc::{format, string::String, vec::Vec};

/// Percent-encodes everything but RFC 3986 `unreserved`, so that the text is data everywhere in a URL.
pub(crate) fn percent_encode(text: &str) -> String {
    encode_except(text, b"")
}

fn encode_except(text: &str, keep: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }));
            }
        }
    }
    out
}

/// The URL of a path and its query, which are not encoded. The path's slashes separate its segments.
pub(crate) fn url<'a>(path: &str, query: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut url = format!("{ORIGIN}{}", encode_except(path, b"/"));
    let mut separator = '?';
    for (name, value) in query {
        url.push(separator);
        url.push_str(&percent_encode(name));
        url.push('=');
        url.push_str(&percent_encode(value));
        separator = '&';
    }
    url
}

/// The filter for resources with this value: `equals(field,"value")`.
pub(crate) fn equals(field: &str, value: &str) -> String {
    format!("equals({field},{})", quoted(value))
}

/// The filter for resources with any of these quoted values: `any(field,["a","b"])`.
pub(crate) fn any_of(field: &str, quoted: &[&str]) -> String {
    format!("any({field},[{}])", quoted.join(","))
}

/// The most values of a filter: Klaviyo answers with as many profiles on a page.
const FILTER_VALUES: usize = 100;
/// The most bytes of the encoded values of a filter. Servers take addresses of 8 KB.
const FILTER_BYTES: usize = 7_000;

/// The quoted values of a filter, as many as one request has room for.
#[derive(Default)]
pub(crate) struct FilterValues {
    quoted: Vec<String>,
    /// Bytes of the encoded values.
    bytes: usize,
}

impl FilterValues {
    /// Adds a value; false if the request has no room for it. The first one always has.
    pub(crate) fn add(&mut self, value: &str) -> bool {
        let quoted = quoted(value);
        // Includes an encoded comma.
        let bytes = percent_encode(&quoted).len() + 3;
        let fits = self.quoted.len() < FILTER_VALUES && self.bytes + bytes <= FILTER_BYTES;
        if !fits && !self.quoted.is_empty() {
            return false;
        }
        self.bytes += bytes;
        self.quoted.push(quoted);
        true
    }

    /// The values, as [`any_of`] takes them.
    pub(crate) fn quoted(&self) -> Vec<&str> {
        self.quoted.iter().map(String::as_str).collect()
    }
}

/// A string in a filter: between double quotes, in which a backslash escapes the quote and itself.
pub(crate) fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Checks and encodes a link of Klaviyo's to the next page; none if it leaves the origin.
///
/// The origin is compared as text with its slash, so that no user information, port or look-alike host
/// passes. The rest keeps its meaning and is encoded as the connector's own URLs are.
pub(crate) fn next_link(link: &str) -> Option<String> {
    let rest = link.strip_prefix(ORIGIN)?;
    if !rest.starts_with('/') {
        return None;
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let mut url = format!("{ORIGIN}{}", reencode(path, b"/"));
    if let Some(query) = query {
        url.push('?');
        // In a query a plus sign means a space.
        url.push_str(&reencode(&query.replace('+', " "), b"=&"));
    }
    Some(url)
}

/// The query of a link that [`next_link`] encoded: its parameters, decoded. None if one is no text.
pub(crate) fn query(url: &str) -> Option<Vec<(String, String)>> {
    let Some((_, query)) = url.split_once('?') else { return Some(Vec::new()) };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode(name)?, decode(value)?))
    };
    query.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

/// The path of a link that [`next_link`] encoded, decoded. None if it is no text.
pub(crate) fn decoded_path(url: &str) -> Option<String> {
    decode(url.strip_prefix(ORIGIN)?.split('?').next()?)
}

/// Decodes a text that is percent-encoded to its last character. None if it is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(piece.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// Encodes the rest of a text that is partly encoded: a `%` that begins an escape is kept.
fn reencode(text: &str, delimiters: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('%');
    let first = pieces.next().unwrap_or_default();
    out.push_str(&encode_except(first, delimiters));
    for piece in pieces {
        let escape = piece.get(..2).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        out.push_str(if escape { "%" } else { "%25" });
        out.push_str(&encode_except(piece, delimiters));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_on_another_origin_is_not_followed() {
        for link in [
            "http://a.klaviyo.com/api/lists/",
            "https://a.klaviyo.com.evil.example/api/lists/",
            "https://a.klaviyo.com@evil.example/",
            "https://a.klaviyo.com:8443/api/lists/",
            "https://A.klaviyo.com/api/lists/",
            "https://evil.example/?https://a.klaviyo.com/",
            "//a.klaviyo.com/api/lists/",
            "/api/lists/",
            "https://a.klaviyo.com",
            "https://a.klaviyo.com\\@evil.example/",
            " https://a.klaviyo.com/",
            "",
        ] {
            assert_eq!(next_link(link), None, "{link}");
        }
    }

    #[test]
    fn a_next_link_keeps_its_meaning_and_is_encoded() {
        for (link, url) in [
            ("/api/lists/?page%5Bcursor%5D=bmV4dA", "/api/lists/?page%5Bcursor%5D=bmV4dA"),
            ("/api/lists/?page[cursor]=a==&x=1", "/api/lists/?page%5Bcursor%5D=a==&x=1"),
            ("/api/lists?a=b+c%2Bd", "/api/lists?a=b%20c%2Bd"),
            ("/api/lists?a=100%", "/api/lists?a=100%25"),
            ("/api/lists?a=%zz#x?y", "/api/lists?a=%25zz"),
            ("/a b\r\nHost: x/?é", "/a%20b%0D%0AHost%3A%20x/?%C3%A9"),
        ] {
            let expected = format!("{ORIGIN}{url}");
            assert_eq!(next_link(&format!("{ORIGIN}{link}")), Some(expected));
        }
    }

    #[test]
    fn a_filter_has_room_for_a_hundred_values_and_7000_bytes() {
        let added = |value: &str| {
            let mut values = FilterValues::default();
            let added = (0..=FILTER_VALUES).take_while(|_| values.add(value)).count();
            assert_eq!(values.quoted().len(), added);
            added
        };
        assert_eq!(added("a"), FILTER_VALUES);
        // Two quotes and a comma are three bytes each.
        let (share, around) = (FILTER_BYTES / 70, 9);
        assert_eq!(added(&"a".repeat(share - around)), 70);
        assert_eq!(added(&"a".repeat(share - around + 1)), 69);
        assert_eq!(added(&"a".repeat(FILTER_BYTES)), 1);
    }

    fn values() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), r#"["\\(),'+&=#%?/ @.é\[\]]{0,24}"#]
    }

    proptest! {
        #[test]
        fn a_query_reads_back_as_it_was_encoded(pairs in proptest::collection::vec((values(), values()), 0..4)) {
            let encoded: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value))).collect();
            prop_assert_eq!(query(&format!("{ORIGIN}/api/?{}", encoded.join("&"))), Some(pairs));
        }

        #[test]
        fn any_link_has_a_query_or_none(rest in values()) {
            let _ = next_link(&format!("{ORIGIN}/api/?{rest}")).as_deref().map(query);
        }

        #[test]
        fn encoding_keeps_only_unreserved_bytes_and_decodes_to_the_input(text in values()) {
            let encoded = percent_encode(&text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            let decoded = percent_encoding::percent_decode_str(&encoded).decode_utf8();
            prop_assert_eq!(decoded.unwrap(), text);
        }

        #[test]
        fn a_filter_reads_back_as_one_string(value in values()) {
            let filter = equals("external_id", &value);
            let quoted = filter
                .strip_prefix("equals(external_id,\"")
                .and_then(|f| f.strip_suffix("\")"))
                .unwrap();
            // Read it as Klaviyo does: a quote ends the string unless a backslash is before it.
            let mut read = String::new();
            let mut chars = quoted.chars();
            while let Some(c) = chars.next() {
                prop_assert_ne!(c, '"');
                read.push(if c == '\\' { chars.next().unwrap() } else { c });
            }
            prop_assert_eq!(read, value);
        }

        #[test]
        fn whatever_the_link_the_url_stays_on_the_origin(rest in values()) {
            if let Some(url) = next_link(&format!("{ORIGIN}{rest}")) {
                let parsed = url::Url::parse(&url).unwrap();
                prop_assert_eq!(parsed.origin().ascii_serialization(), ORIGIN);
                prop_assert_eq!(parsed.username(), "");
                prop_assert_eq!(parsed.fragment(), None);
                let query = url.split_once('?').map_or("", |(_, query)| query);
                prop_assert!(query.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%=&".contains(&b)));
            }
        }
    }
}
