//! Where the reading of a source goes on, as it is kept in the bucket.

use super::source::Page;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// How long after its own time an item may become visible, in seconds: what the contract takes where nothing is said.
const LOOK_BACK: u32 = 600;
/// The largest entry, in bytes. A message of NATS has at most a megabyte.
const LARGEST: usize = 512 << 10;

/// Where the reading of a source goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// A `position` of the contract.
    pub(super) position: Value,
    /// The time of the newest item that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<String>,
}

impl Kept {
    /// A beginning: what changes at or after a time, and without one what changes from now on. Klaviyo's clock may be a
    /// little behind.
    pub(super) fn begin(since: Option<&str>, now: OffsetDateTime) -> Self {
        let now = || (now - Duration::minutes(1)).format(&Rfc3339).unwrap_or_default();
        Self { position: since_time(&since.map_or_else(now, str::to_owned)), newest: None }
    }

    /// The position after a page whose newest item has this time.
    pub(super) fn after(&self, page: &Page, newest: Option<&str>) -> Self {
        let newest = newest.map(str::to_owned).or_else(|| self.newest.clone());
        Self { position: json!({ "cursor": page.cursor }), newest }
    }

    /// The entry for the bucket. A cursor that has no room in it is kept as the time at which the look-back begins: after
    /// a crash the items of the look-back are told again, and none is left out.
    pub(crate) fn to_entry(&self) -> Vec<u8> {
        let entry = serde_json::to_vec(self).unwrap_or_default();
        match &self.newest {
            Some(newest) if entry.len() > LARGEST => {
                let began = OffsetDateTime::parse(newest, &Rfc3339).ok().and_then(|time| {
                    time.checked_sub(Duration::seconds(LOOK_BACK.into()))?.format(&Rfc3339).ok()
                });
                let position = since_time(&began.unwrap_or_else(|| newest.clone()));
                serde_json::to_vec(&Self { position, newest: None }).unwrap_or_default()
            }
            _ => entry,
        }
    }
}

fn since_time(time: &str) -> Value {
    json!({ "since": { "time": time, "look-back": LOOK_BACK } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_without_room_is_kept_as_a_time() {
        let now = OffsetDateTime::parse("2026-11-01T00:00:00Z", &Rfc3339).unwrap();
        let begin = Kept::begin(None, now);
        assert_eq!(begin.position["since"]["time"], "2026-10-31T23:59:00Z");
        assert_eq!(
            Kept::begin(Some("2020-01-01T00:00:00Z"), now).position["since"]["time"],
            "2020-01-01T00:00:00Z"
        );
        let page = |length: usize| Page { items: Vec::new(), cursor: "x".repeat(length), more: false };
        let read = |kept: &Kept| serde_json::from_slice::<Kept>(&kept.to_entry()).unwrap();
        let kept = begin.after(&page(10), Some("2026-11-01T00:00:00+00:00"));
        assert_eq!(read(&kept), kept);
        let large = kept.after(&page(LARGEST), None);
        assert_eq!(large.position["cursor"].as_str().unwrap().len(), LARGEST);
        assert_eq!(read(&large).position["since"]["time"], "2026-10-31T23:50:00Z");
    }
}
