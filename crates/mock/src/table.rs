//! The table of operations: path, scopes, query, rate, and the function that carries each out.

mod groups;
mod privacy;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::check::Result;
use crate::operations::subscriptions::{subscribe, unsubscribe};
use crate::operations::{account, event_reports, events, imports, lists, members, metrics, profiles};
use crate::rates::{FAST, RARE, Rate, SLOW, USUAL};
use http::{Method, StatusCode};

/// One operation of Klaviyo's API.
pub(crate) struct Operation {
    /// Klaviyo's name for it.
    pub(crate) name: &'static str,
    method: Method,
    /// The path without the slash at its end; `{id}` is a variable.
    path: &'static str,
    /// The scopes that a key needs.
    pub(crate) scopes: &'static [&'static str],
    pub(crate) rate: Rate,
    /// The parameters that its query may have.
    pub(crate) query: &'static [&'static str],
    pub(crate) run: fn(&mut Call<'_>) -> Result<Answer>,
}

/// An operation at Klaviyo's usual rate, which needs no scope and takes no query.
const fn operation(
    name: &'static str,
    method: Method,
    path: &'static str,
    run: fn(&mut Call<'_>) -> Result<Answer>,
) -> Operation {
    Operation { name, method, path, scopes: &[], rate: USUAL, query: &[], run }
}

impl Operation {
    const fn scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.scopes = scopes;
        self
    }

    const fn rate(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    const fn query(mut self, query: &'static [&'static str]) -> Self {
        self.query = query;
        self
    }
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const LISTS_READ: &str = "lists:read";
const LISTS_WRITE: &str = "lists:write";
const PROFILES_READ: &str = "profiles:read";
const PROFILES_WRITE: &str = "profiles:write";
const SUBSCRIPTIONS_WRITE: &str = "subscriptions:write";
const LIST_MEMBERS: &str = "/api/lists/{id}/relationships/profiles";

const PROFILES_QUERY: &[&str] =
    &["additional-fields[profile]", "fields[profile]", "filter", "page[cursor]", "page[size]", "sort"];

static OPERATIONS: &[Operation] = &[
    operation("get_accounts", GET, "/api/accounts", account::get)
        .query(&["fields[account]"])
        .rate(RARE)
        .scopes(&["accounts:read"]),
    operation("get_lists", GET, "/api/lists", lists::get_all)
        .query(&["fields[list]", "filter", "page[cursor]", "page[size]", "sort"])
        .scopes(&[LISTS_READ]),
    operation("get_list", GET, "/api/lists/{id}", lists::get)
        .query(&["additional-fields[list]", "fields[list]"])
        .scopes(&[LISTS_READ]),
    operation("get_profiles_for_list", GET, "/api/lists/{id}/profiles", members::get)
        .query(PROFILES_QUERY)
        .scopes(&[LISTS_READ, PROFILES_READ]),
    operation("get_profile_ids_for_list", GET, LIST_MEMBERS, members::get_ids)
        .query(&["filter", "page[cursor]", "page[size]", "sort"])
        .scopes(&[LISTS_READ, PROFILES_READ]),
    operation("add_profiles_to_list", POST, LIST_MEMBERS, members::add)
        .rate(SLOW)
        .scopes(&[LISTS_WRITE, PROFILES_WRITE]),
    operation("remove_profiles_from_list", Method::DELETE, LIST_MEMBERS, members::remove)
        .rate(SLOW)
        .scopes(&[LISTS_WRITE, PROFILES_WRITE]),
    operation("get_profiles", GET, "/api/profiles", profiles::get_all)
        .query(PROFILES_QUERY)
        .scopes(&[PROFILES_READ]),
    operation("get_profile", GET, "/api/profiles/{id}", profiles::get)
        .query(&["additional-fields[profile]", "fields[profile]"])
        .scopes(&[PROFILES_READ]),
    operation("create_profile", POST, "/api/profiles", profiles::create)
        .query(&["additional-fields[profile]", "fields[profile]"])
        .scopes(&[PROFILES_WRITE]),
    operation("update_profile", Method::PATCH, "/api/profiles/{id}", profiles::update)
        .query(&["additional-fields[profile]", "fields[profile]"])
        .scopes(&[PROFILES_WRITE]),
    operation("create_or_update_profile", POST, "/api/profile-import", profiles::create_or_update)
        .query(&["additional-fields[profile]", "fields[profile]"])
        .scopes(&[PROFILES_WRITE]),
    operation("bulk_subscribe_profiles", POST, "/api/profile-subscription-bulk-create-jobs", subscribe)
        .scopes(&[LISTS_WRITE, PROFILES_WRITE, SUBSCRIPTIONS_WRITE]),
    operation("bulk_unsubscribe_profiles", POST, "/api/profile-subscription-bulk-delete-jobs", unsubscribe)
        .scopes(&[LISTS_WRITE, PROFILES_WRITE, SUBSCRIPTIONS_WRITE]),
    operation("bulk_import_profiles", POST, "/api/profile-bulk-import-jobs", imports::submit)
        .query(&["fields[profile-bulk-import-job]"])
        .rate(SLOW)
        .scopes(&[LISTS_WRITE, PROFILES_WRITE]),
    operation("get_bulk_import_profiles_jobs", GET, "/api/profile-bulk-import-jobs", imports::get_all)
        .query(&["fields[profile-bulk-import-job]", "filter", "page[cursor]", "page[size]", "sort"])
        .rate(SLOW)
        .scopes(&[LISTS_READ, PROFILES_READ]),
    operation("get_bulk_import_profiles_job", GET, "/api/profile-bulk-import-jobs/{id}", imports::get)
        .query(&["fields[profile-bulk-import-job]"])
        .rate(SLOW)
        .scopes(&[LISTS_READ, PROFILES_READ]),
    operation(
        "get_errors_for_bulk_import_profiles_job",
        GET,
        "/api/profile-bulk-import-jobs/{id}/import-errors",
        imports::get_errors,
    )
    .query(&["fields[import-error]", "page[cursor]", "page[size]"])
    .rate(SLOW)
    .scopes(&[PROFILES_READ]),
    operation("get_events", GET, "/api/events", events::get_all)
        .query(&[
            "fields[event]",
            "fields[metric]",
            "fields[profile]",
            "filter",
            "include",
            "page[cursor]",
            "page[size]",
            "sort",
        ])
        .rate(FAST)
        .scopes(&["events:read"]),
    operation("get_event", GET, "/api/events/{id}", events::get)
        .query(&["fields[event]", "fields[metric]", "fields[profile]", "include"])
        .rate(SLOW)
        .scopes(&["events:read"]),
    operation("create_event", POST, "/api/events", event_reports::create)
        .rate(FAST)
        .scopes(&["events:write"]),
    operation("bulk_create_events", POST, "/api/event-bulk-create-jobs", event_reports::create_many)
        .rate(SLOW)
        .scopes(&["events:write"]),
    operation("get_metrics", GET, "/api/metrics", metrics::get_all)
        .query(&["fields[metric]", "filter", "page[cursor]"])
        .rate(SLOW)
        .scopes(&["metrics:read"]),
    operation("get_metric", GET, "/api/metrics/{id}", metrics::get)
        .query(&["fields[metric]"])
        .rate(SLOW)
        .scopes(&["metrics:read"]),
];

/// The names of the simulated operations, which are Klaviyo's.
pub fn operations() -> impl Iterator<Item = &'static str> {
    all().map(|operation| operation.name)
}

fn all() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().chain(groups::OPERATIONS).chain(privacy::OPERATIONS)
}

/// The operation of a request, and the variable in its path, still encoded.
pub(crate) fn route<'a>(method: &Method, path: &'a str) -> Result<(&'static Operation, &'a str)> {
    let mut found = all().filter_map(|own| Some((own, variable(own.path, path)?))).peekable();
    if found.peek().is_none() {
        return Err(Refusal::not_found("The requested resource does not exist.").into());
    }
    found.find(|(operation, _)| operation.method == *method).ok_or_else(|| {
        // Unproven: what Klaviyo answers.
        let (status, detail) = (StatusCode::METHOD_NOT_ALLOWED, format!("Method \"{method}\" not allowed."));
        Refusal::new(status, "method_not_allowed", "Method not allowed.", &detail).into()
    })
}

/// The value of `{id}` if a path fits a pattern; empty if the pattern has no variable.
fn variable<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut variable = "";
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(variable),
            (Some("{id}"), Some(segment)) if !segment.is_empty() => variable = segment,
            (Some(own), Some(segment)) if own == segment => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use std::collections::BTreeSet;

    #[test]
    fn the_scopes_of_an_account_are_those_of_the_operations() {
        let asked: BTreeSet<&str> = all().flat_map(|operation| operation.scopes).copied().collect();
        assert_eq!(asked.into_iter().collect::<Vec<_>>(), Account::SCOPES);
    }

    #[test]
    fn a_request_has_one_operation() {
        for operation in all() {
            let path = operation.path.replace("{id}", "a%2Fb");
            let (found, variable) = route(&operation.method, &path).unwrap();
            assert_eq!(found.name, operation.name);
            assert_eq!(variable, if operation.path.contains("{id}") { "a%2Fb" } else { "" });
        }
        assert!(route(&Method::GET, "/api/lists/a/b").is_err());
        assert!(route(&Method::GET, "/api/lists//profiles").is_err());
        assert!(route(&Method::PUT, "/api/lists").is_err());
    }
}
