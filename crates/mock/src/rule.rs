//! A rule about faults: the requests, the occasions and the fault. Its text is such as
//! `POST /api/profiles: 10% reset-after`.

use anyhow::{Context, Error, Result, bail, ensure};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const FORM: &str = "a rule is `<route>: <when> <fault>`, such as `POST /api/profiles: 10% reset-after`";
const ROUTES: &str = "a route is `*`, or a method or `*` and a path, such as `* /api/lists/*`";
const WHENS: &str =
    "when is `always`, a percentage such as `2.5%`, or numbers of requests such as `#1` or `#2-4,7`";
const FAULTS: &str = "a fault is `latency <duration>`, `status <code>`, \
    `status <code> retry-after <seconds>`, `status-after <code>`, `reset-before`, `reset-after`, `truncate`, \
    `html <code>`, `garbage` or `garbage-line`";

/// A rule about a fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The requests that it is about.
    pub route: Route,
    /// The ones of these that the fault happens to.
    pub when: When,
    /// The fault.
    pub fault: Fault,
}

/// Some requests, by method and path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// The method; none for all.
    pub method: Option<String>,
    /// The path without the slash at its end; none for all. A segment `*` matches any segment; as the last
    /// one it matches all that follow.
    pub path: Option<String>,
}

/// Which requests of a route.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// All.
    Always,
    /// Each with this chance, from 0 to 100.
    Percent(f64),
    /// Those with a number in these ranges: first and last, counted from 1.
    Numbers(Vec<(u64, u64)>),
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// A delay. The other rules apply after it.
    Latency(Duration),
    /// An error with this status instead of an effect. With 502, 504 and 524 it is a page of the network in
    /// front of Klaviyo, otherwise JSON of Klaviyo.
    Status {
        /// The status.
        code: u16,
        /// The seconds of `Retry-After`; none for an answer without the header, also with 429.
        retry_after: Option<u64>,
    },
    /// The request has its effect, and the answer is an error as with [`Fault::Status`], without
    /// `Retry-After`.
    StatusAfter(u16),
    /// The connection is reset, and the request has no effect.
    ResetBefore,
    /// The request has its effect, and the connection is reset instead of an answer.
    ResetAfter,
    /// The request has its effect, and the connection closes in the middle of the answer's body. If the body
    /// is empty, one byte is announced and not sent; 204 becomes 200, because clients expect no body with
    /// 204.
    Truncate,
    /// A network in front of Klaviyo answers with a page, and the request has no effect.
    Html(u16),
    /// The request has its effect, and the answer is 200 with a body of meaningless bytes.
    Garbage,
    /// The request has its effect, and the answer is not HTTP.
    GarbageLine,
}

impl Route {
    /// Whether a request is one of these. The slash at the end of its path makes no difference.
    #[must_use]
    pub fn matches(&self, method: &str, path: &str) -> bool {
        let Some(wanted) = &self.path else { return self.is_method(method) };
        let mut segments = path.trim_end_matches('/').split('/');
        let mut wanted = wanted.split('/').peekable();
        while let Some(pattern) = wanted.next() {
            match segments.next() {
                Some(_) if pattern == "*" && wanted.peek().is_none() => return self.is_method(method),
                Some(segment) if pattern == "*" || pattern == segment => {}
                _ => return false,
            }
        }
        segments.next().is_none() && self.is_method(method)
    }

    fn is_method(&self, method: &str) -> bool {
        self.method.as_deref().is_none_or(|own| own == method)
    }
}

impl FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (route, rest) = text.split_once(": ").context(FORM)?;
            let (when, fault) = rest.trim().split_once(' ').context(FORM)?;
            Ok(Self { route: route.trim().parse()?, when: when.parse()?, fault: fault.trim().parse()? })
        };
        let parsed: Result<Self> = parse();
        parsed.with_context(|| format!("cannot read the rule {text:?}"))
    }
}

impl FromStr for Route {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "*" {
            return Ok(Self { method: None, path: None });
        }
        let (method, path) = text.split_once(' ').context(ROUTES)?;
        let path = path.trim();
        ensure!(path.starts_with('/') && !path.contains(char::is_whitespace), ROUTES);
        let is_method = !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase());
        ensure!(method == "*" || is_method, ROUTES);
        let method = (method != "*").then(|| method.to_owned());
        Ok(Self { method, path: Some(path.trim_end_matches('/').to_owned()) })
    }
}

impl FromStr for When {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "always" {
            return Ok(Self::Always);
        }
        if let Some(percent) = text.strip_suffix('%') {
            let percent: f64 = percent.parse().context(WHENS)?;
            ensure!((0.0..=100.0).contains(&percent), "a percentage is from 0% to 100%");
            return Ok(Self::Percent(percent));
        }
        let numbers = text.strip_prefix('#').context(WHENS)?;
        let range = |range: &str| -> Result<(u64, u64)> {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (first.parse().context(WHENS)?, last.parse().context(WHENS)?);
            ensure!(0 < first && first <= last, "requests are counted from 1, and a range goes up");
            Ok((first, last))
        };
        Ok(Self::Numbers(numbers.split(',').map(range).collect::<Result<_>>()?))
    }
}

impl FromStr for Fault {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match *words.as_slice() {
            ["latency", duration] => {
                Self::Latency(humantime::parse_duration(duration).context("a duration is such as `250ms`")?)
            }
            ["status", code] => Self::Status { code: status(code)?, retry_after: None },
            ["status", code, "retry-after", seconds] => {
                let seconds = seconds.parse().context("`retry-after` takes whole seconds")?;
                Self::Status { code: status(code)?, retry_after: Some(seconds) }
            }
            ["status-after", code] => Self::StatusAfter(status(code)?),
            ["reset-before"] => Self::ResetBefore,
            ["reset-after"] => Self::ResetAfter,
            ["truncate"] => Self::Truncate,
            ["html", code] => Self::Html(status(code)?),
            ["garbage"] => Self::Garbage,
            ["garbage-line"] => Self::GarbageLine,
            _ => bail!(FAULTS),
        })
    }
}

fn status(code: &str) -> Result<u16> {
    let code = code.parse().ok().filter(|code| (400..=599).contains(code));
    code.context("a status is from 400 to 599")
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.route, self.when, self.fault)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.method.as_deref(), self.path.as_deref()) {
            (None, None) => f.write_str("*"),
            (method, path) => write!(f, "{} {}", method.unwrap_or("*"), path.unwrap_or("/*")),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("always"),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Numbers(ranges) => {
                for (n, (first, last)) in ranges.iter().enumerate() {
                    f.write_str(if n == 0 { "#" } else { "," })?;
                    write!(f, "{first}")?;
                    if first != last {
                        write!(f, "-{last}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(duration) => {
                let duration = humantime::format_duration(*duration).to_string().replace(' ', "");
                write!(f, "latency {duration}")
            }
            Self::Status { code, retry_after: None } => write!(f, "status {code}"),
            Self::Status { code, retry_after: Some(seconds) } => {
                write!(f, "status {code} retry-after {seconds}")
            }
            Self::StatusAfter(code) => write!(f, "status-after {code}"),
            Self::ResetBefore => f.write_str("reset-before"),
            Self::ResetAfter => f.write_str("reset-after"),
            Self::Truncate => f.write_str("truncate"),
            Self::Html(code) => write!(f, "html {code}"),
            Self::Garbage => f.write_str("garbage"),
            Self::GarbageLine => f.write_str("garbage-line"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_and_written() {
        for text in [
            "*: always latency 250ms",
            "*: always latency 1s250ms",
            "POST /api/profiles: 10% reset-after",
            "* /api/lists/*: 2.5% status 503 retry-after 2",
            "GET /*: #1 status 429",
            "* /api/lists/*/relationships/profiles: #2-4,7 status-after 504",
            "PATCH /api/profiles/*: always reset-before",
            "GET /api/lists: always truncate",
            "GET /api/lists: always html 403",
            "GET /api/lists: always garbage",
            "GET /api/lists: always garbage-line",
        ] {
            let rule: Rule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
        }
        assert_eq!("GET /api/lists/".parse::<Route>().unwrap().to_string(), "GET /api/lists");
    }

    #[test]
    fn a_rule_that_cannot_be_read_says_what_can() {
        for (text, said) in [
            ("", FORM),
            ("POST /api/profiles 10% reset-after", FORM),
            ("POST /api/profiles: reset-after", FORM),
            ("/api/profiles: 10% reset-after", ROUTES),
            ("post /api/profiles: 10% reset-after", ROUTES),
            ("POST api/profiles: 10% reset-after", ROUTES),
            ("POST /api /profiles: 10% reset-after", ROUTES),
            ("*: sometimes reset-after", WHENS),
            ("*: x% reset-after", WHENS),
            ("*: 101% reset-after", "a percentage is from 0% to 100%"),
            ("*: NaN% reset-after", "a percentage is from 0% to 100%"),
            ("*: #0 reset-after", "requests are counted from 1, and a range goes up"),
            ("*: #3-2 reset-after", "requests are counted from 1, and a range goes up"),
            ("*: #x reset-after", WHENS),
            ("*: always reset", FAULTS),
            ("*: always status", FAULTS),
            ("*: always status 200", "a status is from 400 to 599"),
            ("*: always html 1000", "a status is from 400 to 599"),
            ("*: always status 503 retry-after soon", "`retry-after` takes whole seconds"),
            ("*: always latency long", "a duration is such as `250ms`"),
        ] {
            let error = format!("{:#}", text.parse::<Rule>().unwrap_err());
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn a_route_takes_the_requests_that_it_names() {
        for (route, method, path, matches) in [
            ("*", "GET", "/api/lists/", true),
            ("GET /api/lists", "GET", "/api/lists/", true),
            ("GET /api/lists", "GET", "/api/lists", true),
            ("GET /api/lists", "POST", "/api/lists", false),
            ("GET /api/lists", "GET", "/api/lists/X", false),
            ("* /api/lists/*", "POST", "/api/lists/X/relationships/profiles", true),
            ("* /api/lists/*", "POST", "/api/lists", false),
            ("* /api/*/X", "POST", "/api/lists/X", true),
            ("* /api/*/X", "POST", "/api/lists/Y", false),
            ("* /api/*/X", "POST", "/api/lists/a/X", false),
        ] {
            assert_eq!(
                route.parse::<Route>().unwrap().matches(method, path),
                matches,
                "{route} {method} {path}"
            );
        }
    }
}
