//! When to send a request again.

use crate::transport::AttemptError;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::{HeaderMap, Response};
use std::time::{Duration, SystemTime};

/// The pauses between attempts where Klaviyo names none: half a second, doubling, up to 30 s. Each is
/// lengthened by a random part of itself, so that many callers do not come back at once.
pub(crate) fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(500))
        .with_factor(2.0)
        .with_max_delay(Duration::from_secs(30))
        .without_max_times()
        .with_jitter()
        .build()
}

/// Whether the same request may be sent again. A request without effect always may; one that may have taken
/// effect only if a second one is `harmless`.
pub(crate) fn may_repeat<T>(harmless: bool, outcome: &Result<Response<T>, AttemptError>) -> bool {
    match outcome {
        Ok(answer) => match answer.status().as_u16() {
            // Klaviyo refuses these before they have an effect.
            429 => true,
            // A gateway answers these; Klaviyo behind it may have carried out the request.
            502 | 503 | 504 | 524 => harmless,
            _ => false,
        },
        Err(AttemptError::Unreachable(_)) => true,
        Err(AttemptError::Connection(_) | AttemptError::Timeout(_)) => harmless,
        Err(AttemptError::Denied(_) | AttemptError::TooLarge(_) | AttemptError::Other(_)) => false,
    }
}

/// The time in the header `Retry-After` of an answer: seconds, or a date. None: there is no such header, or it cannot be
/// read.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large means a very long time.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn after(value: &str) -> Option<Duration> {
        let value = HeaderValue::from_str(value).unwrap();
        retry_after(&HeaderMap::from_iter([(http::header::RETRY_AFTER, value)]))
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(after("1"), Some(Duration::from_secs(1)));
        assert_eq!(after("0"), Some(Duration::ZERO));
        assert_eq!(after("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        let soon = after(&httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100))).unwrap();
        assert!((Duration::from_secs(90)..=Duration::from_secs(100)).contains(&soon));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        for odd in ["", "-1", "1.5", "soon", "+1"] {
            assert_eq!(after(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn what_may_have_taken_effect_is_repeated_only_where_that_is_harmless() {
        let status = |status: u16| Ok(Response::builder().status(status).body(()).unwrap());
        let reason = || "reason".to_owned();
        for (outcome, always, harmless) in [
            (status(429), true, true),
            (status(502), false, true),
            (status(503), false, true),
            (status(504), false, true),
            (status(524), false, true),
            (status(500), false, false),
            (status(200), false, false),
            (status(409), false, false),
            (Err(AttemptError::Unreachable(reason())), true, true),
            (Err(AttemptError::Connection(reason())), false, true),
            (Err(AttemptError::Timeout(reason())), false, true),
            (Err(AttemptError::Denied(reason())), false, false),
            (Err(AttemptError::TooLarge(reason())), false, false),
            (Err(AttemptError::Other(reason())), false, false),
        ] {
            assert_eq!(may_repeat(false, &outcome), always, "{outcome:?}");
            assert_eq!(may_repeat(true, &outcome), harmless, "{outcome:?}");
        }
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let pauses: Vec<Duration> = pauses().take(20).collect();
        assert!(pauses[0] >= Duration::from_millis(500));
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(60)), "{pauses:?}");
        assert!(pauses[19] >= Duration::from_secs(30));
    }
}
