//! Klaviyo's endpoints: their rates, and whether a request may be sent twice.

use http::Method;

/// One endpoint, with Klaviyo's published rates for one account. Source: `x-klaviyo-ratelimit` of the OpenAPI
/// document of revision 2025-01-15.
#[derive(Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The name in logs. It contains no personal data, which addresses do.
    pub name: &'static str,
    method: Method,
    /// The segments of the path; `{}` matches any.
    path: &'static [&'static str],
    /// The most requests in a second.
    pub burst: u32,
    /// The most requests in a minute.
    pub steady: u32,
    /// Whether a request that may have taken effect can be sent again without a second effect. Reads can, and
    /// writes of the same values. Creating a profile again is answered by 409, which the component
    /// understands. An import again is a second job.
    pub(crate) repeatable: bool,
}

const fn endpoint(
    name: &'static str,
    method: Method,
    path: &'static [&'static str],
    (burst, steady): (u32, u32),
    repeatable: bool,
) -> Endpoint {
    Endpoint { name, method, path, burst, steady, repeatable }
}

const MEDIUM: (u32, u32) = (10, 150);
const LARGE: (u32, u32) = (75, 700);

static ENDPOINTS: [Endpoint; 12] = [
    endpoint("get lists", Method::GET, &["api", "lists"], LARGE, true),
    endpoint("get profiles", Method::GET, &["api", "profiles"], LARGE, true),
    endpoint("get profile", Method::GET, &["api", "profiles", "{}"], LARGE, true),
    endpoint("create profile", Method::POST, &["api", "profiles"], LARGE, true),
    endpoint("create or update profile", Method::POST, &["api", "profile-import"], LARGE, true),
    endpoint("add to list", Method::POST, &["api", "lists", "{}", "relationships", "profiles"], MEDIUM, true),
    endpoint("bulk subscribe", Method::POST, &["api", "profile-subscription-bulk-create-jobs"], LARGE, true),
    endpoint(
        "bulk unsubscribe",
        Method::POST,
        &["api", "profile-subscription-bulk-delete-jobs"],
        LARGE,
        true,
    ),
    endpoint("bulk import", Method::POST, &["api", "profile-bulk-import-jobs"], MEDIUM, false),
    endpoint("get import jobs", Method::GET, &["api", "profile-bulk-import-jobs"], MEDIUM, true),
    endpoint("get import job", Method::GET, &["api", "profile-bulk-import-jobs", "{}"], MEDIUM, true),
    endpoint(
        "get import errors",
        Method::GET,
        &["api", "profile-bulk-import-jobs", "{}", "import-errors"],
        MEDIUM,
        true,
    ),
];

/// Requests that are not in the table have the lowest rates in it.
static UNKNOWN_READ: Endpoint = endpoint("another read", Method::GET, &[], MEDIUM, true);
static UNKNOWN_WRITE: Endpoint = endpoint("another write", Method::POST, &[], MEDIUM, false);

impl Endpoint {
    /// The endpoint of a request. An unknown one has the lowest rates.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> &'static Self {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let is = |endpoint: &&Self| {
            endpoint.method == *method
                && endpoint.path.len() == segments.len()
                && endpoint.path.iter().zip(&segments).all(|(own, given)| *own == "{}" || own == given)
        };
        let unknown = if *method == Method::GET { &UNKNOWN_READ } else { &UNKNOWN_WRITE };
        ENDPOINTS.iter().find(is).unwrap_or(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (Method::GET, "/api/segments/", "another read"),
            (Method::DELETE, "/api/lists/Y6nRLr/", "another write"),
            (Method::PATCH, "/api/profiles/01ABC/", "another write"),
        ] {
            assert_eq!(Endpoint::of(&method, path).name, name, "{method} {path}");
        }
    }
}
