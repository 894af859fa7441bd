//! Points in time as users write them.

use klaviyo_service::moment::Moment;
use std::time::{Duration, SystemTime};

/// Reads RFC 3339, a day, or how long ago it was, as RFC 3339.
pub(crate) fn time(text: &str) -> Result<String, String> {
    if let Ok(ago) = humantime::parse_duration(text) {
        // Whole seconds: Klaviyo's times of events have no more.
        let then = SystemTime::now().checked_sub(ago).filter(|then| *then >= SystemTime::UNIX_EPOCH);
        let then = then.ok_or("that is before 1970")?;
        return Ok(humantime::format_rfc3339_seconds(then).to_string());
    }
    let is_day = text.len() == 10 && humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).is_ok();
    if is_day {
        return Ok(format!("{text}T00:00:00Z"));
    }
    if text.contains(['T', 't']) && text.starts_with(|c: char| c.is_ascii_digit()) {
        // The connector reads it, with its offset from UTC.
        return Ok(text.to_owned());
    }
    Err("write a time such as 2026-11-01T12:00:00Z, a day such as 2026-11-01, or 10m, 2h or 7d for a time ago".to_owned())
}

/// Reads a time like `time`; a later one than now is refused.
pub(crate) fn past_time(text: &str) -> Result<String, String> {
    let time = time(text)?;
    match time.parse::<Moment>() {
        Ok(then) if then > Moment::now() => {
            Err("it is in the future: all changes until then would be left out".to_owned())
        }
        // What is no time is refused where the time is used.
        _ => Ok(time),
    }
}

/// Reads a length of time.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a time such as 30s or 10m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_out_a_day_or_ago() {
        assert_eq!(time("2026-11-01").unwrap(), "2026-11-01T00:00:00Z");
        assert_eq!(time("2026-11-01T12:00:00+05:30").unwrap(), "2026-11-01T12:00:00+05:30");
        let hour = humantime::parse_rfc3339(&time("1h").unwrap()).unwrap();
        let ago = SystemTime::now().duration_since(hour).unwrap();
        assert!(ago >= Duration::from_secs(3600) && ago < Duration::from_secs(3660), "{ago:?}");
        for past in ["1h", "0s", "2026-11-01", "2026-11-01T12:00:00+05:30"] {
            assert_eq!(past_time(past).unwrap().get(..2), Some("20"), "{past}");
        }
        for future in ["2999-11-01", "2999-11-01T12:00:00Z", "2999-11-01T12:00:00+05:30"] {
            assert!(past_time(future).is_err() && time(future).is_ok(), "{future}");
        }
        for wrong in ["", "yesterday", "2026-13-01", "1000000w", "12"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
