//! Klaviyo's endpoints: their rates, and whether a request may be sent twice.

mod table;

use http::Method;
use table::{ENDPOINTS, UNKNOWN_READ, UNKNOWN_WRITE};

/// One endpoint, with Klaviyo's published rates for one account: `x-klaviyo-ratelimit` of its OpenAPI documents.
#[derive(Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The name in logs. It contains no personal data, which addresses do.
    pub name: &'static str,
    method: Method,
    /// `{}` is any segment.
    path: &'static str,
    /// How many requests Klaviyo takes.
    pub rates: Rates,
    used_by: Use,
    /// Whether a request of the contract's functions that may have taken effect can be sent again without a second
    /// effect. Reads can, and most writes of the same values.
    repeatable: bool,
}

/// How many requests Klaviyo takes from one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// The most requests in a second.
    pub burst: u32,
    /// The most requests in a minute.
    pub steady: u32,
    /// The most requests in a day; none: as many as the other two allow.
    pub daily: Option<u32>,
}

/// Which functions of the contract have a use for an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// Functions that do one thing, such as `contacts.opt-in`.
    Contract,
    /// `api.call` alone.
    Api,
}

impl Endpoint {
    /// The endpoint of a request. One that is not in the table has Klaviyo's medium rates.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> &'static Self {
        let unknown = if *method == Method::GET { &UNKNOWN_READ } else { &UNKNOWN_WRITE };
        ENDPOINTS
            .iter()
            .find(|endpoint| endpoint.method == *method && matches(endpoint.path, path))
            .unwrap_or(unknown)
    }

    /// The endpoints for which functions of the contract, other than `api.call`, have a use.
    pub fn of_the_contract() -> impl Iterator<Item = &'static Self> {
        ENDPOINTS.iter().filter(|endpoint| endpoint.is_of_the_contract())
    }

    /// Whether a function of the contract, other than `api.call`, has a use for it.
    pub(crate) fn is_of_the_contract(&self) -> bool {
        self.used_by == Use::Contract
    }

    /// Whether a request that may have taken effect can be sent again without a second effect.
    ///
    /// The body of a request of `api.call` is the caller's, so nothing is known of what a second one would do. Only
    /// its reads are repeated.
    pub(crate) fn may_repeat(&self, through_api: bool) -> bool {
        self.repeatable && (!through_api || self.method == Method::GET)
    }
}

/// Whether a path is of this form. A slash at its end does not count.
fn matches(form: &str, path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.split('/');
    let fits = form.split('/').all(|own| {
        segments.next().is_some_and(|given| if own == "{}" { !given.is_empty() } else { own == given })
    });
    fits && segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::{BTreeMap, HashSet};
    use std::path::Path;

    #[test]
    fn paths_are_matched_whole() {
        for (method, path, name) in [
            (Method::GET, "/api/lists/", "get lists"),
            (Method::GET, "/api/profiles/01ABC/", "get profile"),
            (Method::POST, "/api/profiles", "create profile"),
            (Method::POST, "/api/lists/Y6nRLr/relationships/profiles/", "add to list"),
            (Method::POST, "/api/profile-bulk-import-jobs/", "bulk import"),
            (Method::GET, "/api/profile-bulk-import-jobs/", "get import jobs"),
            (Method::GET, "/api/profile-bulk-import-jobs/x/import-errors/", "get import errors"),
            (Method::GET, "/api/webhooks/", "another read"),
            (Method::GET, "/api//lists/", "another read"),
            (Method::GET, "//api/lists/", "another read"),
            (Method::GET, "/api/lists//", "another read"),
            (Method::GET, "/api/profiles//lists", "another read"),
            (Method::GET, "api/lists", "another read"),
            (Method::GET, "/v2/api/lists", "another read"),
            (Method::GET, "", "another read"),
            (Method::DELETE, "/api/profiles/01ABC/", "another write"),
        ] {
            assert_eq!(Endpoint::of(&method, path).name, name, "{method} {path}");
        }
    }

    #[test]
    fn each_endpoint_has_a_pace_of_its_own() {
        let names: HashSet<&str> = ENDPOINTS.iter().map(|endpoint| endpoint.name).collect();
        assert_eq!(names.len(), ENDPOINTS.len());
    }

    #[test]
    fn what_a_caller_writes_by_api_call_is_not_repeated() {
        let repeated = |method, path, through_api| Endpoint::of(&method, path).may_repeat(through_api);
        assert!(repeated(Method::POST, "/api/events", false));
        assert!(!repeated(Method::POST, "/api/events", true));
        assert!(!repeated(Method::DELETE, "/api/lists/x", true));
        assert!(!repeated(Method::POST, "/api/lists", false));
        assert!(!repeated(Method::PATCH, "/api/profiles/x", false));
        assert!(repeated(Method::GET, "/api/events", true));
        assert!(repeated(Method::GET, "/api/webhooks", true));
    }

    /// The table as the packages of other languages have it. `KLAVIYO_BLESS=1` writes their copies anew.
    #[test]
    fn the_packages_pace_and_repeat_by_this_table() {
        let described = |endpoint: &Endpoint| {
            let Endpoint { name, method, path, rates, repeatable, .. } = endpoint;
            let Rates { burst, steady, daily } = rates;
            let mut described = json!({
                "name": name, "method": method.as_str(), "path": path, "burst": burst, "steady": steady,
                "repeatable": repeatable,
            });
            if let Some(daily) = daily {
                described["daily"] = json!(daily);
            }
            described.to_string()
        };
        let rows: Vec<String> = ENDPOINTS.iter().map(described).collect();
        let (read, write) = (described(&UNKNOWN_READ), described(&UNKNOWN_WRITE));
        let rows = rows.join(",\n    ");
        let text = format!(
            "{{\n  \"endpoints\": [\n    {rows}\n  ],\n  \"another_read\": {read},\n  \"another_write\": {write}\n}}\n"
        );
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        for package in ["node/src", "python/src/klaviyo_connector"] {
            let file = examples.join(package).join("endpoints.json");
            if std::env::var_os("KLAVIYO_BLESS").is_some() {
                std::fs::write(&file, &text).unwrap();
            } else if examples.exists() {
                assert_eq!(
                    std::fs::read_to_string(&file).unwrap(),
                    text,
                    "KLAVIYO_BLESS=1 writes {}",
                    file.display()
                );
            }
        }
    }

    /// The lowest rates of each operation in Klaviyo's documents, which are not part of the project.
    fn published() -> BTreeMap<(String, String), [Option<u32>; 3]> {
        let folders = ["openapi", "openapi/next"]
            .map(|name| format!("{}/../../../shared/{name}", env!("CARGO_MANIFEST_DIR")));
        let mut rates = BTreeMap::new();
        let files = folders.iter().flat_map(std::fs::read_dir).flatten().flatten();
        for file in files.map(|entry| entry.path()) {
            if file.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let document: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            for (path, methods) in document["paths"].as_object().unwrap() {
                let path: Vec<_> =
                    path.split('/').map(|s| if s.starts_with('{') { "{}" } else { s }).collect();
                for (method, operation) in methods.as_object().unwrap() {
                    let Some(limits) = operation.get("x-klaviyo-ratelimit") else { continue };
                    let own = ["burst", "steady", "daily"].map(|name| {
                        limits.get(name).map(|limit| {
                            limit.as_str().unwrap().split_once('/').unwrap().0.parse::<u32>().unwrap()
                        })
                    });
                    let all = rates.entry((method.to_uppercase(), path.join("/"))).or_insert(own);
                    for (lowest, own) in all.iter_mut().zip(own) {
                        *lowest = [*lowest, own].into_iter().flatten().min();
                    }
                }
            }
        }
        rates
    }

    #[test]
    fn the_rates_are_those_that_klaviyo_publishes() {
        let published = published();
        if published.is_empty() {
            return;
        }
        let own: BTreeMap<_, _> = ENDPOINTS
            .iter()
            .map(|Endpoint { method, path, rates, .. }| {
                let key = (method.to_string(), (*path).to_owned());
                (key, [Some(rates.burst), Some(rates.steady), rates.daily])
            })
            .collect();
        assert_eq!(own, published);
    }
}
