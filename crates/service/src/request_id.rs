//! The id of a request, by which the lines of doors and workers about it are found: `X-Request-Id`.

use http::HeaderMap;
use http::header::HeaderName;
use std::fmt;

/// The header of a request and of its answer.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The header of a message in the queue.
pub(crate) const QUEUE_HEADER: &str = "Klaviyo-Request-Id";
/// The longest id of a caller's, in characters.
const LONGEST: usize = 128;

tokio::task_local! {
    /// The request that a task works on. It is not passed on as an argument: what a request leads to does not depend on it.
    static CURRENT: RequestId;
}

/// The id of a request: visible ASCII characters, 128 at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The caller's, if it can be one; otherwise a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).and_then(|id| id.to_str().ok());
        let fits =
            |id: &&str| (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        Self(given.filter(fits).map_or_else(|| format!("{:032x}", fastrand::u128(..)), str::to_owned))
    }

    /// The one that this task works on.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Works on the request.
    pub(crate) async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_callers_id_is_kept_if_it_is_short_and_visible() {
        let of = |id: &[u8]| {
            let value = HeaderValue::from_bytes(id).unwrap();
            RequestId::of(&HeaderMap::from_iter([(HEADER, value)])).0
        };
        let long = "x".repeat(LONGEST);
        for kept in ["a", "req_7", long.as_str(), "9f1c-02:\"{}"] {
            assert_eq!(of(kept.as_bytes()), kept);
        }
        for other in ["", "two words", "caf\u{e9}", &format!("{long}x"), "tab\tbed"] {
            let made = of(other.as_bytes());
            assert!(made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{other} {made}");
        }
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn the_id_is_that_of_the_task() {
        let id = RequestId::of(&HeaderMap::new());
        let seen = id.clone().scope(async { RequestId::current() }).await;
        assert_eq!((seen, RequestId::current()), (Some(id), None));
    }
}
