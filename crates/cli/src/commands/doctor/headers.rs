//! Checks of what the headers of an answer say: the API revision, the time, and the rates.

use super::check::Check;
use super::probe::Exchange;
use crate::exchange::ExchangeResult;
use klaviyo_host::types::Code;
use std::time::{Duration, SystemTime};

pub(super) const REVISION: &str = "revision";
pub(super) const CLOCK: &str = "clock";
pub(super) const RATES: &str = "rates";

const DAY: u64 = 24 * 60 * 60;
/// A revision that is retired sooner than this is a warning.
const NOTICE_DAYS: u64 = 120;
/// How far the clocks may be apart. The header has whole seconds, and the answer took a moment.
const TOLERANCE: Duration = Duration::from_secs(60);

/// The revision that was asked for, the one that was served, and how long Klaviyo serves it.
pub(super) fn revision(exchange: &Exchange) -> Check {
    let asked =
        exchange.request.headers.iter().find(|(name, _)| name == "revision").map(|(_, value)| value.as_str());
    let asked = asked.unwrap_or("none");
    let served = exchange.result.header("x-klaviyo-api-revision");
    if let Some(served) = served.filter(|served| *served != asked) {
        // Klaviyo does not refuse what it has retired.
        let found = format!(
            "{asked} was asked for, and Klaviyo answered by {served}: the first is retired or unknown"
        );
        let advice = "answers may have another form: ask for one that Klaviyo serves with --revision, or update this program";
        return Check::warning(REVISION, found, advice);
    }
    let Some(end) = exchange.result.header("x-klaviyo-api-retirement-date") else {
        return Check::unknown(REVISION, format!("{asked}; the answer does not say when it is retired"));
    };
    let Some(left) = days_until(end, exchange.at) else {
        return Check::unknown(REVISION, format!("{asked}; retired on {end}, which is no date"));
    };
    let day = end.get(..10).unwrap_or(end);
    let found = format!("{asked}, retired on {day}, in {left} days");
    if left < NOTICE_DAYS {
        Check::warning(REVISION, found, "ask for a newer one with --revision, or update this program")
    } else {
        Check::good(REVISION, found)
    }
}

/// This machine's clock beside Klaviyo's.
pub(super) fn clock(exchange: &Exchange) -> Check {
    let date = exchange.result.header("date").and_then(|date| httpdate::parse_http_date(date).ok());
    let Some(date) = date else { return Check::unknown(CLOCK, "the answer does not say what time it is") };
    let apart = exchange.at.duration_since(date).unwrap_or_else(|error| error.duration());
    let seconds = apart.as_secs();
    if apart > TOLERANCE {
        let direction = if exchange.at > date { "ahead of" } else { "behind" };
        let found = format!("{seconds} s {direction} Klaviyo's");
        Check::warning(CLOCK, found, "set this machine's clock: certificates and times are judged by it")
    } else {
        Check::good(CLOCK, "as Klaviyo's")
    }
}

/// How much of the account's rates is left.
pub(super) fn rates(exchange: &Exchange) -> Check {
    if matches!(exchange.result, ExchangeResult::Answer { status: 429, .. }) {
        let wait = exchange.result.header("retry-after").unwrap_or("some");
        let found = format!("too many requests: Klaviyo says to wait {wait} s");
        let fix = "wait, and see what else uses this account's keys: all of them share its rates";
        return Check::bad(RATES, Code::RateLimited, found, fix);
    }
    let Some(limit) = exchange.result.header("ratelimit-limit") else {
        return Check::unknown(RATES, "the answer does not say how many requests are left");
    };
    let remaining =
        exchange.result.header("ratelimit-remaining").and_then(|number| number.trim().parse::<u64>().ok());
    // `75, 75;w=1, 700;w=60`: the limit that is nearest, then each limit and its seconds.
    let mut parts = limit.split(',').map(str::trim);
    let first = parts.next().and_then(|number| number.parse::<u64>().ok());
    let windows: Vec<String> = parts.filter_map(|part| part.split_once(";w=")).map(window).collect();
    let (Some(remaining), Some(first)) = (remaining, first) else {
        return Check::unknown(RATES, format!("the answer says {limit:?}, which is not understood"));
    };
    let windows = if windows.is_empty() { String::new() } else { format!(" ({})", windows.join(", ")) };
    let found = format!("{remaining} of {first} requests left{windows}");
    if remaining.saturating_mul(10) < first {
        Check::warning(RATES, found, "see what else uses this account's keys: all of them share its rates")
    } else {
        Check::good(RATES, found)
    }
}

fn window((limit, seconds): (&str, &str)) -> String {
    match seconds {
        "1" => format!("{limit} a second"),
        "60" => format!("{limit} a minute"),
        seconds => format!("{limit} in {seconds} s"),
    }
}

/// Whole days until a date, 0 if it is over. None: the text is not a date.
fn days_until(date: &str, now: SystemTime) -> Option<u64> {
    let end = humantime::parse_rfc3339(&format!("{}T00:00:00Z", date.get(..10)?)).ok()?;
    Some(end.duration_since(now).unwrap_or_default().as_secs() / DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::SentRequest;

    fn exchange(headers: &[(&str, &str)]) -> Exchange {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Exchange {
            request: SentRequest {
                method: "GET".to_owned(),
                url: String::new(),
                headers: vec![owned(&("revision", "2025-01-15"))],
                body: String::new(),
            },
            result: ExchangeResult::Answer {
                status: 200,
                headers: headers.iter().map(owned).collect(),
                body: String::new(),
            },
            at: humantime::parse_rfc3339("2026-11-01T12:00:00Z").unwrap(),
        }
    }

    #[test]
    fn a_revision_is_good_until_its_end_is_near() {
        for (end, expected) in [
            ("2028-01-15", "good"),
            ("2028-01-15T00:00:00+00:00", "good"),
            ("2027-01-15", "warning"),
            ("2026-01-15", "warning"),
            ("soon", "unknown"),
            ("２０２８年", "unknown"),
        ] {
            assert_eq!(
                revision(&exchange(&[("x-klaviyo-api-retirement-date", end)])).state,
                expected,
                "{end}"
            );
        }
        assert_eq!(revision(&exchange(&[])).state, "unknown");
    }

    #[test]
    fn another_revision_than_the_one_asked_for_is_a_warning() {
        for (served, expected) in [("2025-01-15", "good"), ("2025-04-15", "warning")] {
            let headers =
                [("x-klaviyo-api-revision", served), ("x-klaviyo-api-retirement-date", "2028-01-15")];
            assert_eq!(revision(&exchange(&headers)).state, expected, "{served}");
        }
    }

    #[test]
    fn a_clock_may_be_a_minute_off() {
        for (date, expected) in [
            ("Sun, 01 Nov 2026 12:00:00 GMT", "good"),
            ("Sun, 01 Nov 2026 11:59:10 GMT", "good"),
            ("Sun, 01 Nov 2026 11:50:00 GMT", "warning"),
            ("Sun, 01 Nov 2026 12:10:00 GMT", "warning"),
            ("noon", "unknown"),
        ] {
            assert_eq!(clock(&exchange(&[("date", date)])).state, expected, "{date}");
        }
    }

    #[test]
    fn rates_are_read_from_their_header() {
        let of = |limit, remaining| {
            rates(&exchange(&[("ratelimit-limit", limit), ("ratelimit-remaining", remaining)]))
        };
        assert_eq!(of("75, 75;w=1, 700;w=60", "74").state, "good");
        assert_eq!(of("75, 75;w=1, 700;w=60", "7").state, "warning");
        assert_eq!(of("75", "74").state, "good");
        assert_eq!(of("many", "74").state, "unknown");
        assert_eq!(rates(&exchange(&[])).state, "unknown");
        let mut throttled = exchange(&[("retry-after", "7")]);
        assert_eq!(rates(&throttled).state, "unknown");
        if let ExchangeResult::Answer { status, .. } = &mut throttled.result {
            *status = 429;
        }
        assert_eq!(rates(&throttled).state, "bad");
    }
}
