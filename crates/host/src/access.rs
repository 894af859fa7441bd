//! What may be done for a tenant: the functions of the contract that may be called, and what `api.call`, which can ask
//! Klaviyo for anything, may ask for.

mod api;
#[cfg(test)]
mod cases;
mod path;

pub use api::{ApiAccess, ApiAccessError};

use crate::endpoint::Endpoint;
use http::Method;
use std::collections::HashSet;

/// The function that asks for any path.
const API_CALL: &str = "api.call";
/// The beginning of the names of the contract's interfaces.
const CONTRACT: &str = "klaviyo:connector/";
/// How much is told of a name that a component has made up.
const SHOWN: usize = 40;

/// Which functions of the contract may be called for a tenant. Default: all but `api.call`.
///
/// The host refuses a call before it starts, and a request of a call that is for another function than the one that
/// was called. What code of the tenant's calls, in a component that is composed with it, is refused when it sends its
/// first request. The sentence names the setting.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// None: all.
    functions: Option<HashSet<String>>,
    api: ApiAccess,
}

impl Access {
    /// These functions and no others: names such as `contacts.opt-in`, or of a whole interface, such as `contacts`.
    /// `api.call` is not among them: see [`Access::api`].
    #[must_use]
    pub fn only<S: Into<String>>(functions: impl IntoIterator<Item = S>) -> Self {
        let functions = functions.into_iter().map(Into::into).collect();
        Self { functions: Some(functions), ..Self::default() }
    }

    /// What `api.call` may ask for. Default: nothing.
    #[must_use]
    pub fn api(mut self, api: ApiAccess) -> Self {
        self.api = api;
        self
    }

    /// Whether a call of this function may start. The functions of a tenant's own code may: what they call is looked at
    /// when it sends.
    pub(crate) fn permit_call(&self, function: &str) -> Result<(), String> {
        contract_name(function).map_or(Ok(()), |function| self.permit(&function))
    }

    /// Whether a request may be sent for `function` while `called` runs.
    ///
    /// The name is the component's word. So `called` is compared with it, and an endpoint that no other function has a
    /// use for is only for who may use `api.call`, whatever the name. The endpoint is known by the path: one that a
    /// server could read as another is refused.
    pub(crate) fn permit_request(
        &self,
        called: &str,
        function: &str,
        endpoint: &Endpoint,
        method: &Method,
        path: &str,
    ) -> Result<(), String> {
        if contract_name(called).is_some_and(|called| called != function) {
            return Err(format!(
                "the request is for another function ({}) than the call is of; this is a defect in the component",
                shown(function)
            ));
        }
        self.permit(function)?;
        if function == API_CALL || !endpoint.is_of_the_contract() {
            return self.api.permit(method, path);
        }
        path::segments(path).map(drop).map_err(|reason| format!("the request's path is refused: {reason}"))
    }

    fn permit(&self, function: &str) -> Result<(), String> {
        if function == API_CALL {
            return self.api.permit_any();
        }
        let Some(functions) = &self.functions else { return Ok(()) };
        let interface = function.split('.').next().unwrap_or_default();
        if functions.contains(function) || functions.contains(interface) {
            return Ok(());
        }
        Err(format!("{} may not be called for this tenant; Access::only does not have it", shown(function)))
    }
}

/// Whether a request is of `api.call`, whose body is its caller's.
pub(crate) fn is_api_call(function: &str) -> bool {
    function == API_CALL
}

/// Whether a name is one of a function, and can be logged as it is.
pub(crate) fn is_function_name(name: &str) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !name.is_empty() && name.len() <= SHOWN && name.bytes().all(is_part)
}

/// The name of a function of the contract in its short form; none for one of a tenant's own code. Both
/// `contacts.lookup` and `klaviyo:connector/contacts@0.1.0#lookup` are `contacts.lookup`.
fn contract_name(function: &str) -> Option<String> {
    let Some((interface, name)) = function.split_once('#') else { return Some(function.to_owned()) };
    let interface = interface.strip_prefix(CONTRACT)?;
    let interface = interface.split('@').next().unwrap_or_default();
    Some(format!("{interface}.{name}"))
}

fn shown(function: &str) -> String {
    function.chars().take(SHOWN).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(access: &Access, called: &str, function: &str, method: &Method, path: &str) -> bool {
        access.permit_request(called, function, Endpoint::of(method, path), method, path).is_ok()
    }

    #[test]
    fn everything_but_the_api_is_allowed_where_nothing_is_said() {
        let access = Access::default();
        for function in ["contacts.opt-in", "privacy.delete", "shop:code/automation#welcome"] {
            assert!(access.permit_call(function).is_ok(), "{function}");
        }
        for function in ["api.call", "klaviyo:connector/api@0.1.0#call", "klaviyo:connector/api#call"] {
            assert!(access.permit_call(function).is_err(), "{function}");
        }
    }

    #[test]
    fn only_what_is_named_is_called() {
        let access = Access::only(["contacts.lookup", "lists"]);
        for (function, allowed) in [
            ("contacts.lookup", true),
            ("lists.all", true),
            ("klaviyo:connector/lists@0.1.0#all", true),
            ("contacts.create", false),
            ("klaviyo:connector/contacts@0.1.0#create", false),
            ("klaviyo:connector/contacts@9.9.9#create", false),
            ("contacts", false),
            ("contacts.lookup-many", false),
            ("listsx.all", false),
            ("", false),
            ("api.call", false),
            ("shop:code/automation#welcome", true),
        ] {
            assert_eq!(access.permit_call(function).is_ok(), allowed, "{function}");
        }
        // No interface is called like a function of the list.
        assert!(Access::only(["api", "api.call"]).permit_call("api.call").is_err());
    }

    #[test]
    fn a_request_is_for_the_function_that_was_called() {
        let access = Access::default();
        let get = &Method::GET;
        assert!(sent(&access, "contacts.lookup", "contacts.lookup", get, "/api/profiles/"));
        assert!(sent(
            &access,
            "klaviyo:connector/contacts@0.1.0#lookup",
            "contacts.lookup",
            get,
            "/api/profiles/"
        ));
        for function in ["lists.all", "", "contacts.lookup ", "CONTACTS.LOOKUP", "api.call"] {
            assert!(!sent(&access, "contacts.lookup", function, get, "/api/profiles/"), "{function}");
        }
    }

    #[test]
    fn code_of_a_tenant_gets_what_the_tenant_may_have() {
        let (get, code) = (&Method::GET, "shop:code/automation#welcome");
        let access = Access::only(["lists"]);
        assert!(sent(&access, code, "lists.all", get, "/api/lists/"));
        assert!(!sent(&access, code, "contacts.lookup", get, "/api/profiles/"));
        assert!(!sent(&access, code, code, get, "/api/lists/"));
        assert!(!sent(&access, code, "api.call", get, "/api/lists/"));
        assert!(sent(&access.api(ApiAccess::read()), code, "api.call", get, "/api/webhooks/"));
    }

    #[test]
    fn what_no_other_function_asks_for_needs_the_permission_of_the_api() {
        let claimed = "contacts.lookup";
        let may_read = Access::default().api(ApiAccess::read());
        for (method, path, default, reading) in [
            (Method::GET, "/api/profiles/01X/", true, true),
            (Method::GET, "/api/webhooks/", false, true),
            (Method::GET, "/api/profiles/01X/conversation/", false, true),
            (Method::DELETE, "/api/lists/Y6nRLr/", false, false),
            (Method::DELETE, "/api/segments/Y6nRLr/", false, false),
            (Method::GET, "/api//profiles/", false, false),
            (Method::GET, "/api/profiles/..%2fwebhooks/", false, false),
            (Method::GET, "/api/lists/..%2f..%2foauth/profiles", false, false),
            (Method::GET, "/oauth/token", false, false),
            (Method::GET, "/", false, false),
        ] {
            assert_eq!(sent(&Access::default(), claimed, claimed, &method, path), default, "{method} {path}");
            assert_eq!(sent(&may_read, claimed, claimed, &method, path), reading, "{method} {path}");
        }
    }
}
