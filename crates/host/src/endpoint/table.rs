//! Klaviyo's endpoints, from the OpenAPI documents of all revisions: where these differ, the lower rates.

use super::Use::{Api, Contract};
use super::{Endpoint, Rates};
use http::Method;

const EXTRA_SMALL: Rates = rates(1, 15);
const SMALL: Rates = rates(3, 60);
const MEDIUM: Rates = rates(10, 150);
const LARGE: Rates = rates(75, 700);
const EXTRA_LARGE: Rates = rates(350, 3_500);

const fn rates(burst: u32, steady: u32) -> Rates {
    Rates { burst, steady, daily: None }
}

const fn daily(rates: Rates, daily: u32) -> Rates {
    Rates { daily: Some(daily), ..rates }
}

const fn get(name: &'static str, path: &'static str, rates: Rates) -> Endpoint {
    Endpoint { name, method: Method::GET, path, rates, used_by: Contract, repeatable: true }
}

const fn write(name: &'static str, method: Method, path: &'static str, rates: Rates) -> Endpoint {
    Endpoint { name, method, path, rates, used_by: Contract, repeatable: true }
}

/// A write that makes or changes something more when it is sent again, or whose second answer denies the first.
const fn once(mut endpoint: Endpoint) -> Endpoint {
    endpoint.repeatable = false;
    endpoint
}

/// An endpoint that no function of the contract uses but `api.call`.
const fn api(mut endpoint: Endpoint) -> Endpoint {
    endpoint.used_by = Api;
    endpoint
}

/// What `api.call` asks for outside of the table. Klaviyo's answers lower the rates where they are lower.
pub(super) static UNKNOWN_READ: Endpoint = api(get("another read", "", MEDIUM));
pub(super) static UNKNOWN_WRITE: Endpoint = api(once(write("another write", POST, "", MEDIUM)));

const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

pub(super) static ENDPOINTS: &[Endpoint] = &[
    get("get lists", "/api/lists", LARGE),
    // A list of the same name again.
    once(write("create list", POST, "/api/lists", daily(MEDIUM, 150))),
    api(get("get list", "/api/lists/{}", LARGE)),
    api(write("update list", PATCH, "/api/lists/{}", MEDIUM)),
    api(write("delete list", DELETE, "/api/lists/{}", MEDIUM)),
    get("get profiles of list", "/api/lists/{}/profiles", LARGE),
    api(get("get members of list", "/api/lists/{}/relationships/profiles", LARGE)),
    write("add to list", POST, "/api/lists/{}/relationships/profiles", MEDIUM),
    write("remove from list", DELETE, "/api/lists/{}/relationships/profiles", MEDIUM),
    get("get segments", "/api/segments", LARGE),
    api(once(write("create segment", POST, "/api/segments", daily(EXTRA_SMALL, 100)))),
    api(get("get segment", "/api/segments/{}", LARGE)),
    api(write("update segment", PATCH, "/api/segments/{}", daily(EXTRA_SMALL, 100))),
    api(write("delete segment", DELETE, "/api/segments/{}", SMALL)),
    get("get profiles of segment", "/api/segments/{}/profiles", LARGE),
    api(get("get members of segment", "/api/segments/{}/relationships/profiles", LARGE)),
    get("get profiles", "/api/profiles", LARGE),
    // 409 to the second, which the component understands.
    write("create profile", POST, "/api/profiles", LARGE),
    get("get profile", "/api/profiles/{}", LARGE),
    // It may append to a property, and would append twice.
    once(write("update profile", PATCH, "/api/profiles/{}", LARGE)),
    get("get lists of profile", "/api/profiles/{}/lists", SMALL),
    api(get("get list ids of profile", "/api/profiles/{}/relationships/lists", SMALL)),
    get("get segments of profile", "/api/profiles/{}/segments", SMALL),
    api(get("get segment ids of profile", "/api/profiles/{}/relationships/segments", SMALL)),
    api(get("get conversation of profile", "/api/profiles/{}/conversation", SMALL)),
    api(get("get conversation id of profile", "/api/profiles/{}/relationships/conversation", SMALL)),
    api(get("get conversations of profile", "/api/profiles/{}/conversations", SMALL)),
    api(get("get conversation ids of profile", "/api/profiles/{}/relationships/conversations", SMALL)),
    api(once(write("create conversation message", POST, "/api/conversation-messages", SMALL))),
    write("create or update profile", POST, "/api/profile-import", LARGE),
    // The profile to merge from is gone once the first took effect, and a second is answered by 404.
    once(write("merge profiles", POST, "/api/profile-merge", MEDIUM)),
    write("bulk subscribe", POST, "/api/profile-subscription-bulk-create-jobs", LARGE),
    write("bulk unsubscribe", POST, "/api/profile-subscription-bulk-delete-jobs", LARGE),
    api(get("get suppression jobs", "/api/profile-suppression-bulk-create-jobs", LARGE)),
    write("bulk suppress", POST, "/api/profile-suppression-bulk-create-jobs", LARGE),
    api(get("get suppression job", "/api/profile-suppression-bulk-create-jobs/{}", LARGE)),
    api(get("get unsuppression jobs", "/api/profile-suppression-bulk-delete-jobs", LARGE)),
    write("bulk unsuppress", POST, "/api/profile-suppression-bulk-delete-jobs", LARGE),
    api(get("get unsuppression job", "/api/profile-suppression-bulk-delete-jobs/{}", LARGE)),
    get("get import jobs", "/api/profile-bulk-import-jobs", MEDIUM),
    // A second job.
    once(write("bulk import", POST, "/api/profile-bulk-import-jobs", MEDIUM)),
    get("get import job", "/api/profile-bulk-import-jobs/{}", MEDIUM),
    get("get import errors", "/api/profile-bulk-import-jobs/{}/import-errors", MEDIUM),
    api(get("get imported profiles", "/api/profile-bulk-import-jobs/{}/profiles", MEDIUM)),
    get("get events", "/api/events", EXTRA_LARGE),
    // The contract requires an id for each event, by which Klaviyo knows it again.
    write("create event", POST, "/api/events", EXTRA_LARGE),
    api(get("get event", "/api/events/{}", MEDIUM)),
    api(get("get metric of event", "/api/events/{}/metric", EXTRA_LARGE)),
    api(get("get profile of event", "/api/events/{}/profile", EXTRA_LARGE)),
    write("bulk create events", POST, "/api/event-bulk-create-jobs", MEDIUM),
    get("get metrics", "/api/metrics", MEDIUM),
    api(get("get metric", "/api/metrics/{}", MEDIUM)),
    get("get accounts", "/api/accounts", EXTRA_SMALL),
    api(get("get account", "/api/accounts/{}", EXTRA_SMALL)),
    write("delete profile", POST, "/api/data-privacy-deletion-jobs", SMALL),
];
