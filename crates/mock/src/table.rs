//! The table of operations: path, scopes, query, rate, and the function that carries each out.

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::check::Result;
use crate::operations::{account, imports, lists, members, profiles, subscriptions};
use crate::rates::{RARE, Rate, SLOW, USUAL};
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

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const LISTS_READ: &str = "lists:read";
const LISTS_WRITE: &str = "lists:write";
const PROFILES_READ: &str = "profiles:read";
const PROFILES_WRITE: &str = "profiles:write";
const SUBSCRIPTIONS_WRITE: &str = "subscriptions:write";
const LIST_MEMBERS: &str = "/api/lists/{id}/relationships/profiles";

static OPERATIONS: &[Operation] = &[
    Operation {
        name: "get_accounts",
        method: GET,
        path: "/api/accounts",
        scopes: &["accounts:read"],
        rate: RARE,
        query: &["fields[account]"],
        run: account::get,
    },
    Operation {
        name: "get_lists",
        method: GET,
        path: "/api/lists",
        scopes: &[LISTS_READ],
        rate: USUAL,
        query: &["fields[list]", "filter", "page[cursor]", "page[size]", "sort"],
        run: lists::get_all,
    },
    Operation {
        name: "get_list",
        method: GET,
        path: "/api/lists/{id}",
        scopes: &[LISTS_READ],
        rate: USUAL,
        query: &["additional-fields[list]", "fields[list]"],
        run: lists::get,
    },
    Operation {
        name: "get_profiles_for_list",
        method: GET,
        path: "/api/lists/{id}/profiles",
        scopes: &[LISTS_READ, PROFILES_READ],
        rate: USUAL,
        query: &["additional-fields[profile]", "fields[profile]", "page[cursor]", "page[size]"],
        run: members::get,
    },
    Operation {
        name: "get_profile_ids_for_list",
        method: GET,
        path: LIST_MEMBERS,
        scopes: &[LISTS_READ, PROFILES_READ],
        rate: USUAL,
        query: &["page[cursor]", "page[size]"],
        run: members::get_ids,
    },
    Operation {
        name: "add_profiles_to_list",
        method: POST,
        path: LIST_MEMBERS,
        scopes: &[LISTS_WRITE, PROFILES_WRITE],
        rate: SLOW,
        query: &[],
        run: members::add,
    },
    Operation {
        name: "remove_profiles_from_list",
        method: Method::DELETE,
        path: LIST_MEMBERS,
        scopes: &[LISTS_WRITE, PROFILES_WRITE],
        rate: SLOW,
        query: &[],
        run: members::remove,
    },
    Operation {
        name: "get_profiles",
        method: GET,
        path: "/api/profiles",
        scopes: &[PROFILES_READ],
        rate: USUAL,
        query: &[
            "additional-fields[profile]",
            "fields[profile]",
            "filter",
            "page[cursor]",
            "page[size]",
            "sort",
        ],
        run: profiles::get_all,
    },
    Operation {
        name: "get_profile",
        method: GET,
        path: "/api/profiles/{id}",
        scopes: &[PROFILES_READ],
        rate: USUAL,
        query: &["additional-fields[profile]", "fields[profile]"],
        run: profiles::get,
    },
    Operation {
        name: "create_profile",
        method: POST,
        path: "/api/profiles",
        scopes: &[PROFILES_WRITE],
        rate: USUAL,
        query: &["additional-fields[profile]"],
        run: profiles::create,
    },
    Operation {
        name: "update_profile",
        method: Method::PATCH,
        path: "/api/profiles/{id}",
        scopes: &[PROFILES_WRITE],
        rate: USUAL,
        query: &["additional-fields[profile]"],
        run: profiles::update,
    },
    Operation {
        name: "create_or_update_profile",
        method: POST,
        path: "/api/profile-import",
        scopes: &[PROFILES_WRITE],
        rate: USUAL,
        query: &["additional-fields[profile]"],
        run: profiles::create_or_update,
    },
    Operation {
        name: "bulk_subscribe_profiles",
        method: POST,
        path: "/api/profile-subscription-bulk-create-jobs",
        scopes: &[LISTS_WRITE, PROFILES_WRITE, SUBSCRIPTIONS_WRITE],
        rate: USUAL,
        query: &[],
        run: subscriptions::subscribe,
    },
    Operation {
        name: "bulk_unsubscribe_profiles",
        method: POST,
        path: "/api/profile-subscription-bulk-delete-jobs",
        scopes: &[LISTS_WRITE, PROFILES_WRITE, SUBSCRIPTIONS_WRITE],
        rate: USUAL,
        query: &[],
        run: subscriptions::unsubscribe,
    },
    Operation {
        name: "bulk_import_profiles",
        method: POST,
        path: "/api/profile-bulk-import-jobs",
        scopes: &[LISTS_WRITE, PROFILES_WRITE],
        rate: SLOW,
        query: &["fields[profile-bulk-import-job]"],
        run: imports::submit,
    },
    Operation {
        name: "get_bulk_import_profiles_jobs",
        method: GET,
        path: "/api/profile-bulk-import-jobs",
        scopes: &[LISTS_READ, PROFILES_READ],
        rate: SLOW,
        query: &["fields[profile-bulk-import-job]", "filter", "page[cursor]", "page[size]", "sort"],
        run: imports::get_all,
    },
    Operation {
        name: "get_bulk_import_profiles_job",
        method: GET,
        path: "/api/profile-bulk-import-jobs/{id}",
        scopes: &[LISTS_READ, PROFILES_READ],
        rate: SLOW,
        query: &["fields[profile-bulk-import-job]"],
        run: imports::get,
    },
    Operation {
        name: "get_errors_for_bulk_import_profiles_job",
        method: GET,
        path: "/api/profile-bulk-import-jobs/{id}/import-errors",
        scopes: &[PROFILES_READ],
        rate: SLOW,
        query: &["fields[import-error]", "page[cursor]", "page[size]"],
        run: imports::get_errors,
    },
];

/// The names of the simulated operations, which are Klaviyo's.
pub fn operations() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

/// The operation of a request, and the variable in its path, still encoded.
pub(crate) fn route<'a>(method: &Method, path: &'a str) -> Result<(&'static Operation, &'a str)> {
    let mut found = OPERATIONS.iter().filter_map(|own| Some((own, variable(own.path, path)?))).peekable();
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
        let asked: BTreeSet<&str> =
            OPERATIONS.iter().flat_map(|operation| operation.scopes).copied().collect();
        assert_eq!(asked.into_iter().collect::<Vec<_>>(), Account::SCOPES);
    }

    #[test]
    fn a_request_has_one_operation() {
        for operation in OPERATIONS {
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
