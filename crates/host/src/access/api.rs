//! What `api.call` may ask for: methods, and paths, which are compared segment by segment.

use super::path::segments;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::cases::{Case, cases};

    #[test]
    fn what_is_allowed_is_permitted_and_nothing_else() {
        let cases = cases().cases;
        assert!(cases.len() > 7);
        for Case { allow, below, permitted, refused } in cases {
            let mut api = match allow.as_str() {
                "none" => ApiAccess::none(),
                "read" => ApiAccess::read(),
                "all" => ApiAccess::all(),
                other => panic!("{other}"),
            };
            if let Some(below) = &below {
                api = api.below(below).unwrap();
            }
            for (requests, expected) in [(permitted, true), (refused, false)] {
                for request in requests {
                    let (method, path) = request.split_once(' ').unwrap();
                    let found = api.permit(&method.parse().unwrap(), path).is_ok();
                    assert_eq!(found, expected, "{request:?} where {allow} is allowed below {below:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_path_of_the_api_is_refused_where_it_is_set() {
        for path in cases().no_paths {
            assert!(ApiAccess::all().below([&path]).is_err(), "{path:?}");
        }
    }
}
