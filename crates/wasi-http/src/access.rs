//! What requests may ask for: those of `api.call`, which can ask Klaviyo for anything, and those of any function.

use crate::bindings::exports::klaviyo::connector::http::{Error, Method, Request};
use crate::environment::variable;
use crate::path::segments;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const API: &str = "KLAVIYO_API";
const BELOW: &str = "KLAVIYO_API_BELOW";

/// The function that asks for any path.
const API_CALL: &str = "api.call";

/// What `api.call` may ask for.
pub(crate) struct ApiAccess<'a> {
    methods: Methods,
    /// The segments of the paths below which it may ask; none: everywhere below `/api`.
    below: Option<Vec<Vec<&'a str>>>,
}

#[derive(Clone, Copy)]
enum Methods {
    None,
    Read,
    All,
}

impl<'a> ApiAccess<'a> {
    /// Nothing, unless the environment says otherwise.
    pub(crate) fn of(environment: &'a [(String, String)]) -> Result<Self, Error> {
        let methods = match variable(environment, API).map(str::trim) {
            None => Methods::None,
            Some("read") => Methods::Read,
            Some("all") => Methods::All,
            Some(_) => {
                return Err(Error::Denied(format!(
                    "the environment variable {API} is neither read nor all; unset it, and api.call may ask for nothing"
                )));
            }
        };
        let below = variable(environment, BELOW).map(paths).transpose()?;
        Ok(Self { methods, below })
    }

    /// Refuses a request that is not allowed. `path` has no query. The function is the connector's word, which this
    /// crate is composed with.
    pub(crate) fn permit(&self, request: &Request, path: &str) -> Result<(), Error> {
        if request.function != API_CALL {
            let of_any = |reason| Error::Denied(format!("the request's path is refused: {reason}"));
            return segments(path).map(drop).map_err(of_any);
        }
        match self.methods {
            Methods::All => {}
            Methods::Read if matches!(request.method, Method::Get) => {}
            Methods::Read => {
                return Err(Error::Denied(format!(
                    "api.call may only read, since the environment variable {API} of the component is read; all would \
                     allow this"
                )));
            }
            Methods::None => {
                return Err(Error::Denied(format!(
                    "api.call is not allowed: set the environment variable {API} of the component to read or to all \
                     (in wasmtime: --env {API}=read)"
                )));
            }
        }
        let of_the_call = |reason| Error::Denied(format!("api.call cannot ask for this path: {reason}"));
        let asked = segments(path).map_err(of_the_call)?;
        let Some(below) = &self.below else { return Ok(()) };
        if below.iter().any(|allowed| asked.starts_with(allowed)) {
            return Ok(());
        }
        Err(Error::Denied(format!(
            "api.call may not ask for this path; the environment variable {BELOW} of the component, paths with spaces \
             between them, does not have it"
        )))
    }
}

/// The paths of a text, which white space separates: no path has any.
fn paths(text: &str) -> Result<Vec<Vec<&str>>, Error> {
    let paths: Result<Vec<_>, _> = text.split_ascii_whitespace().map(segments).collect();
    // None is a mistake, such as a variable that a script has not set.
    match paths.and_then(|paths| if paths.is_empty() { Err("it has none") } else { Ok(paths) }) {
        Ok(paths) => Ok(paths),
        Err(reason) => Err(Error::Denied(format!(
            "the environment variable {BELOW} is not paths of Klaviyo's API, with spaces between them, such as \
             /api/events /api/lists: {reason}; unset it, and api.call may ask for every path that {API} allows"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{Case, Paths, cases};
    use alloc::borrow::ToOwned;

    fn environment(variables: &[(&str, &str)]) -> Vec<(String, String)> {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn permit(variables: &[(&str, &str)], function: &str, method: &str, path: &str) -> Result<(), Error> {
        let method = match method {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            other => panic!("{other}"),
        };
        let request = Request {
            method,
            url: format!("https://a.klaviyo.com{path}"),
            headers: Vec::new(),
            auth: "Klaviyo-API-Key".to_owned(),
            body: Vec::new(),
            function: function.to_owned(),
        };
        ApiAccess::of(&environment(variables))?.permit(&request, path)
    }

    #[test]
    fn what_is_allowed_is_permitted_and_nothing_else() {
        let cases = cases().cases;
        assert!(cases.len() > 7);
        for Case { allow, below, permitted, refused } in cases {
            let below = below.map(|paths| paths.join(" "));
            let allowed = (allow != "none").then_some((API, allow.as_str()));
            let below = below.as_ref().map(|below| (BELOW, below.as_str()));
            let variables: Vec<_> = allowed.into_iter().chain(below).collect();
            for (requests, expected) in [(permitted, true), (refused, false)] {
                for request in requests {
                    let (method, path) = request.split_once(' ').unwrap();
                    let found = permit(&variables, API_CALL, method, path).is_ok();
                    assert_eq!(found, expected, "{request:?} where the environment is {variables:?}");
                }
            }
        }
    }

    #[test]
    fn the_other_functions_need_no_variable_and_a_path_that_is_read_in_one_way() {
        let Paths { permitted, refused } = cases().every_function;
        assert!(permitted.len() > 5 && refused.len() > 30);
        for (paths, expected) in [(permitted, true), (refused, false)] {
            for path in paths {
                for method in ["GET", "POST", "PATCH", "DELETE"] {
                    let found = permit(&[], "contacts.update", method, &path).is_ok();
                    assert_eq!(found, expected, "{method} {path:?}");
                }
            }
        }
    }

    #[test]
    fn a_refusal_names_the_variable_that_would_allow_it() {
        let below = [(API, "all"), (BELOW, "/api/events\n /api/lists/Y6nRLr")];
        for (variables, method, named) in [
            (&[][..], "GET", API),
            (&below[1..], "GET", API),
            (&[(API, "read")], "POST", API),
            (&below, "GET", BELOW),
        ] {
            match permit(variables, API_CALL, method, "/api/lists/") {
                Err(Error::Denied(reason)) => assert!(reason.contains(named), "{reason}"),
                _ => panic!("{variables:?}"),
            }
        }
        assert!(permit(&below, API_CALL, "DELETE", "/api/lists/Y6nRLr/").is_ok());
        assert!(permit(&[(API, " all\n")], API_CALL, "DELETE", "/api/lists/Y6nRLr/").is_ok());
    }

    #[test]
    fn an_impossible_value_is_denied_by_the_name_of_its_variable() {
        let no_paths = cases().no_paths;
        let methods = ["", "none", "READ", "read,all"].map(|value| (API, value.to_owned()));
        let paths = ["/api/events, x".to_owned(), "/api/events /x".to_owned(), " \n".to_owned()];
        // A line end behind a path separates it from nothing.
        let no_paths = no_paths.into_iter().filter(|path| path != "/api/\n");
        for (name, value) in methods.into_iter().chain(no_paths.chain(paths).map(|path| (BELOW, path))) {
            match ApiAccess::of(&environment(&[(name, &value)])) {
                Err(Error::Denied(reason)) => assert!(reason.contains(name), "{reason}"),
                _ => panic!("{name} {value:?}"),
            }
        }
    }
}
