//! What `api.call` may ask for: methods, and paths, which are compared segment by segment.

use http::Method;

/// What `api.call` may ask Klaviyo for. Default: nothing.
#[derive(Clone, Debug, Default)]
pub struct ApiAccess {
    methods: Methods,
    /// The segments of the paths below which it may ask. Empty: everywhere below `/api/`.
    paths: Vec<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Methods {
    #[default]
    None,
    Read,
    All,
}

/// A path that requests cannot be limited to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is no path of Klaviyo's API: {reason}; write one such as /api/events")]
pub struct ApiAccessError {
    path: String,
    reason: &'static str,
}

impl ApiAccess {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// `GET` of everything that the tenant's key may read.
    #[must_use]
    pub fn read() -> Self {
        Self { methods: Methods::Read, paths: Vec::new() }
    }

    /// Everything that the tenant's key may do.
    #[must_use]
    pub fn all() -> Self {
        Self { methods: Methods::All, paths: Vec::new() }
    }

    /// The same at these paths and below them alone: `/api/events` is also `/api/events/1234`, and neither
    /// `/api/events-2` nor `/api/event-bulk-create-jobs`.
    ///
    /// # Errors
    /// When one of them is not below `/api`, or can be read in two ways.
    pub fn below<S: AsRef<str>>(
        mut self,
        paths: impl IntoIterator<Item = S>,
    ) -> Result<Self, ApiAccessError> {
        for path in paths {
            let path = path.as_ref();
            let wrong = |reason| ApiAccessError { path: path.to_owned(), reason };
            let segments = segments(path).map_err(wrong)?;
            self.paths.push(segments.into_iter().map(str::to_owned).collect());
        }
        // No path would mean every path.
        if self.paths.is_empty() { Ok(Self::none()) } else { Ok(self) }
    }

    /// Whether there is anything that it may ask for.
    pub(super) fn permit_any(&self) -> Result<(), String> {
        match self.methods {
            Methods::None => {
                Err("api.call may not be called for this tenant; Access::api would allow it".to_owned())
            }
            Methods::Read | Methods::All => Ok(()),
        }
    }

    pub(super) fn permit(&self, method: &Method, path: &str) -> Result<(), String> {
        match self.methods {
            Methods::None => {
                return Err(format!(
                    "{method} of this path is for api.call alone, which may not be called for this tenant; \
                     Access::api would allow it"
                ));
            }
            Methods::Read if *method != Method::GET => {
                return Err(format!(
                    "api.call may only read for this tenant, and this is a {method}; ApiAccess::all would allow it"
                ));
            }
            Methods::Read | Methods::All => {}
        }
        let asked =
            segments(path).map_err(|reason| format!("api.call cannot ask for this path: {reason}"))?;
        if self.paths.is_empty() || self.paths.iter().any(|allowed| begins_with(&asked, allowed)) {
            return Ok(());
        }
        Err("api.call may not ask for this path for this tenant; ApiAccess::below does not have it"
            .to_owned())
    }
}

fn begins_with(asked: &[&str], allowed: &[String]) -> bool {
    asked.len() >= allowed.len() && asked.iter().zip(allowed).all(|(asked, allowed)| asked == allowed)
}

/// The segments of a path below `/api`, if every server reads the same ones. A slash at the end does not count.
///
/// What could be read in two ways is refused: servers and what stands before them differ in when they decode, whether
/// they join empty segments, and what they cut off behind a semicolon.
fn segments(path: &str) -> Result<Vec<&str>, &'static str> {
    let rest = path.strip_prefix('/').ok_or("it does not begin with a slash")?;
    let segments: Vec<&str> = rest.strip_suffix('/').unwrap_or(rest).split('/').collect();
    if segments.first() != Some(&"api") {
        return Err("it is not below /api");
    }
    for segment in &segments {
        if segment.is_empty() {
            return Err("it has an empty segment");
        }
        if matches!(*segment, "." | "..") {
            return Err("it has a segment of dots");
        }
        if !is_unambiguous(segment) {
            return Err("it has a character that could be read in two ways");
        }
    }
    Ok(segments)
}

/// Whether a segment has only characters that stand for themselves, and encoded UTF-8 that does not separate, name a
/// parent, or encode another time.
fn is_unambiguous(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
            let Some(byte) = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
            else {
                return false;
            };
            if byte.is_ascii_control() || b"/\\.%;?#".contains(&byte) {
                return false;
            }
            decoded.push(byte);
        } else if byte.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,=".contains(&byte) {
            decoded.push(byte);
        } else {
            return false;
        }
    }
    // Decoders that are not strict take a longer form of a dot or a slash for one.
    std::str::from_utf8(&decoded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permitted(api: &ApiAccess, method: &Method, path: &str) -> bool {
        api.permit(method, path).is_ok()
    }

    #[test]
    fn methods() {
        let methods = [Method::GET, Method::POST, Method::PATCH, Method::DELETE];
        for (api, expected) in [
            (ApiAccess::none(), [false; 4]),
            (ApiAccess::read(), [true, false, false, false]),
            (ApiAccess::all(), [true; 4]),
        ] {
            let found = methods.each_ref().map(|method| permitted(&api, method, "/api/webhooks/"));
            assert_eq!(found, expected, "{api:?}");
        }
    }

    #[test]
    fn paths_are_compared_by_whole_segments() {
        let api = ApiAccess::read().below(["/api/events", "/api/lists/Y6nRLr/"]).unwrap();
        for (path, expected) in [
            ("/api/events", true),
            ("/api/events/", true),
            ("/api/events/4vRpBT/metric/", true),
            ("/api/events/a%20b", true),
            ("/api/lists/Y6nRLr", true),
            ("/api/lists/Y6nRLr/relationships/profiles/", true),
            ("/api/lists/", false),
            ("/api/lists/UdR4mA/", false),
            ("/api/lists/y6nrlr/", false),
            ("/api/events2/", false),
            ("/api/event", false),
            ("/api/Events/", false),
            ("/api/", false),
            ("/", false),
            ("", false),
        ] {
            assert_eq!(permitted(&api, &Method::GET, path), expected, "{path}");
        }
    }

    #[test]
    fn nothing_leads_out_of_an_allowed_path() {
        let api = ApiAccess::all().below(["/api/events"]).unwrap();
        for path in [
            "/api/events/../webhooks/",
            "/api/events/..",
            "/api/events/./../webhooks",
            "/api/events/%2e%2e/webhooks/",
            "/api/events/%2E./webhooks/",
            "/api/events/.%2e/webhooks/",
            "/api/events/..%2fwebhooks/",
            "/api/events/..%2Fwebhooks/",
            "/api/events/%2e%2e%2fwebhooks/",
            "/api/events/..%5cwebhooks/",
            "/api/events/..\\webhooks/",
            "/api/events/%252e%252e/webhooks/",
            "/api/events/..%252fwebhooks/",
            "/api/events%2f..%2fwebhooks/",
            "/api/events/..;/webhooks/",
            "/api/events;/../webhooks/",
            "/api/events/..%3b/webhooks/",
            "/api/events/..%00/webhooks/",
            "/api/events/%0d%0a",
            "/api/events//../webhooks",
            "//api/events/",
            "/api//events/",
            "/api/events//",
            "/x/../api/events",
            "api/events",
            "/api%2fevents",
            "/%61pi/events",
            "/api/%65vents",
            "/api/events/%",
            "/api/events/%2",
            "/api/events/%zz",
            "/api/events/%c0%ae%c0%ae%c0%afwebhooks",
            "/api/events/a?b",
            "/api/events/a#b",
            "/api/events/a b",
            "/api/events/ａ",
        ] {
            assert!(!permitted(&api, &Method::GET, path), "{path}");
        }
    }

    #[test]
    fn what_is_nowhere_is_not_everywhere() {
        let api = ApiAccess::all().below([] as [&str; 0]).unwrap();
        assert!(!permitted(&api, &Method::GET, "/api/events/"));
        assert!(!permitted(&ApiAccess::all(), &Method::GET, "/oauth/token"));
        assert!(permitted(&ApiAccess::all().below(["/api"]).unwrap(), &Method::GET, "/api/events/"));
        for path in
            ["", "/", "events", "/events", "/api/../x", "/api/a%2fb", "/api//a", "https://a.klaviyo.com/api/"]
        {
            assert!(ApiAccess::all().below([path]).is_err(), "{path}");
        }
    }
}
