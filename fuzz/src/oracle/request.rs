//! A request that leaves the connector: well formed whatever made it, and its filter reads back.

use anyhow::{Context, Result, bail, ensure};
use host_test::Sent;
use klaviyo_core::ORIGIN;
use percent_encoding::percent_decode_str;
use url::Url;

/// Headers that the host writes, or that change the length or the way of a message.
const HOSTS: [&str; 8] =
    ["authorization", "host", "content-length", "transfer-encoding", "connection", "cookie", "te", "upgrade"];

/// A request taken apart.
#[derive(Debug)]
pub struct Parts {
    /// The segments of the path, decoded.
    pub segments: Vec<String>,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
}

impl Parts {
    /// The strings in quotes that the filters of the query have, unescaped.
    ///
    /// # Errors
    /// When a filter is none.
    pub fn filtered(&self) -> Result<Vec<String>> {
        let filters = self.query.iter().filter(|(name, _)| name == "filter");
        let values =
            filters.map(|(_, filter)| values(filter).with_context(|| format!("the filter {filter:?}")));
        Ok(values.collect::<Result<Vec<_>>>()?.concat())
    }
}

/// Takes a request apart.
///
/// # Errors
/// When it is one that no connector may send.
pub fn check(sent: &Sent) -> Result<Parts> {
    checked(sent).with_context(|| format!("{} {:?} {:?}", sent.method, sent.url, sent.headers))
}

fn checked(Sent { method, url: text, headers, auth, body }: &Sent) -> Result<Parts> {
    ensure!(["GET", "POST", "PATCH", "DELETE"].contains(&method.as_str()), "its method is another");
    ensure!(auth == "Klaviyo-API-Key", "its scheme of authorization is {auth}");
    ensure!(text.bytes().all(|byte| byte.is_ascii_graphic()), "its URL has bytes that no URL has");
    let url = Url::parse(text)?;
    // Two parsers could read another form in two ways, and the host denies it.
    ensure!(url.as_str() == text, "its URL is not in its normal form, which is {url}");
    ensure!(
        url.origin().ascii_serialization() == ORIGIN,
        "it goes to {}",
        url.origin().ascii_serialization()
    );
    ensure!(url.username().is_empty() && url.password().is_none(), "its URL has user information");
    ensure!(url.fragment().is_none(), "its URL has a fragment");
    for (name, value) in headers {
        let is_token =
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        ensure!(is_token && !name.is_empty(), "the name of its header {name:?} is none");
        ensure!(
            value.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "the value of its header {name} is none"
        );
        ensure!(!HOSTS.contains(&name.as_str()), "its header {name} is the host's");
    }
    if !body.is_empty() {
        serde_json::from_slice::<&serde_json::value::RawValue>(body).context("its body is not JSON")?;
    }
    // A link of Klaviyo's may have escapes that are no text.
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let segments = url.path_segments().context("its URL has no path")?.map(decoded).collect();
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    let query = url.query().into_iter().flat_map(|query| query.split('&'));
    Ok(Parts { segments, query: query.map(pair).collect() })
}

/// Reads a filter as Klaviyo's grammar has it, several with commas between them: `equals(field,"value")`,
/// `any(field,["a","b"])`, `less-than(field,2025-03-01T00:00:00Z)`. Returns the strings in quotes.
fn values(filter: &str) -> Result<Vec<String>> {
    let (mut found, mut rest) = (Vec::new(), filter);
    loop {
        let (operator, inner) = rest.split_once('(').context("it has no operator")?;
        let known = ["equals", "any", "greater-than", "greater-or-equal", "less-than"];
        ensure!(known.contains(&operator), "its operator is {operator}");
        let (field, value) = inner.split_once(',').context("it has no value")?;
        ensure!(
            field.bytes().all(|byte| byte.is_ascii_lowercase() || b"_.".contains(&byte)),
            "its field is {field}"
        );
        let behind = match value.strip_prefix('[') {
            _ if value.starts_with('"') => string(value, &mut found)?,
            None => {
                let (time, _) = value.split_once(')').context("it has no end")?;
                let is_time = |byte: u8| byte.is_ascii_digit() || b"TZ:.+-".contains(&byte);
                ensure!(!time.is_empty() && time.bytes().all(is_time), "its value is {time}");
                value.strip_prefix(time).unwrap_or_default()
            }
            Some(mut list) => loop {
                let behind = string(list, &mut found)?;
                match behind.strip_prefix(',') {
                    Some(more) => list = more,
                    None => break behind.strip_prefix(']').context("its list has no end")?,
                }
            },
        };
        match behind.strip_prefix(')') {
            Some("") => return Ok(found),
            Some(more) => rest = more.strip_prefix(',').context("it goes on behind its end")?,
            None => bail!("it has no end"),
        }
    }
}

/// Reads a string in quotes; a backslash makes the next character a part of it. Returns what is behind it.
fn string<'a>(text: &'a str, found: &mut Vec<String>) -> Result<&'a str> {
    let mut chars = text.strip_prefix('"').context("it has no string")?.chars();
    let mut value = String::new();
    loop {
        match chars.next().context("its string has no end")? {
            '"' => break,
            '\\' => value.push(chars.next().context("its string has no end")?),
            c => value.push(c),
        }
    }
    found.push(value);
    Ok(chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(url: &str) -> Sent {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Sent {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![header("revision", "2025-01-15"), header("accept", "application/vnd.api+json")],
            auth: "Klaviyo-API-Key".to_owned(),
            body: Vec::new(),
        }
    }

    #[test]
    fn a_request_is_taken_apart() {
        let filter =
            "equals%28email%2C%22a%5C%22%26%40b%22%29%2Cless-than%28datetime%2C2025-03-01T00%3A00%3A00Z%29";
        let parts = check(&sent(&format!("{ORIGIN}/api/lists/a%20b/?filter={filter}&sort=-x"))).unwrap();
        assert_eq!(parts.segments, ["api", "lists", "a b", ""]);
        assert_eq!(parts.query[1], ("sort".to_owned(), "-x".to_owned()));
        assert_eq!(parts.filtered().unwrap(), ["a\"&@b"]);
        let any = Parts {
            segments: vec![],
            query: vec![("filter".to_owned(), "any(id,[\"a\",\"b\\\\\"])".to_owned())],
        };
        assert_eq!(any.filtered().unwrap(), ["a", "b\\"]);
    }

    #[test]
    fn what_no_connector_may_send_is_found() {
        for url in [
            "https://a.klaviyo.com.evil.example/api/",
            "https://key@a.klaviyo.com/api/",
            "https://a.klaviyo.com:8443/api/",
            "http://a.klaviyo.com/api/",
            "https://a.klaviyo.com/api/#x",
            "https://a.klaviyo.com/api/../x",
            "https://a.klaviyo.com/api/?filter=a\"b",
            "https://a.klaviyo.com/api/ x",
        ] {
            assert!(check(&sent(url)).is_err(), "{url}");
        }
        let good = || sent(&format!("{ORIGIN}/api/"));
        assert!(check(&good()).is_ok());
        for bad in [
            Sent { method: "PUT".to_owned(), ..good() },
            Sent { auth: "Bearer".to_owned(), ..good() },
            Sent { body: b"{".to_vec(), ..good() },
            Sent { headers: vec![("authorization".to_owned(), "x".to_owned())], ..good() },
            Sent { headers: vec![("revision".to_owned(), "x\r\ny: z".to_owned())], ..good() },
            Sent { headers: vec![("re vision".to_owned(), "x".to_owned())], ..good() },
        ] {
            assert!(check(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_filter_that_an_argument_has_broken_is_found() {
        for filter in [
            "",
            "equals",
            "equals(",
            "equals(email)",
            "equals(email,\"a)",
            "equals(email,\"a\"b\")",
            "equals(email,\"a\\\")",
            "equals(email,\"a\"),",
            "equals(email,\"a\"))",
            "any(id,[\"a\",])",
            "any(id,[\"a\"",
            "equals(email,a)",
            "has(email,\"a\")",
            "equals(Email,\"a\")",
            "equals(email,\"a\") ",
        ] {
            assert!(values(filter).is_err(), "{filter}");
        }
    }
}
