//! What the cursors of `changes` promise, against a Klaviyo whose items appear late and out of order.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use klaviyo_core::{Code, Position, Request, Response, Start, TransportError, changes};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::{Duration, OffsetDateTime};

const LOOK_BACK: u32 = 100;
/// The items on a page of the model.
const PAGE: usize = 4;
const BEGIN: i64 = 1_750_000_000;

/// A version of an item: its time in milliseconds, and when it becomes visible.
#[derive(Clone, Copy, Debug)]
struct Version {
    id: u32,
    time: i64,
    visible: i64,
}

/// A Klaviyo with events, or with profiles, of which each has one visible version.
#[derive(Debug)]
struct Klaviyo {
    now: i64,
    profiles: bool,
    dates: bool,
    versions: Vec<Version>,
}

impl Klaviyo {
    fn visible(&self) -> Vec<Version> {
        let mut visible: Vec<_> = self.versions.iter().filter(|v| v.visible <= self.now).copied().collect();
        if self.profiles {
            let mut last = BTreeMap::new();
            for version in visible {
                let known = last.entry(version.id).or_insert(version);
                if version.time >= known.time {
                    *known = version;
                }
            }
            visible = last.into_values().collect();
        }
        visible.sort_by_key(|version| (version.time, version.id));
        visible
    }

    /// Answers as Klaviyo does: pages by a link that names the last item.
    fn answer(&self, request: &Request) -> Result<Response, TransportError> {
        let url = url::Url::parse(&request.url).unwrap();
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        let filter = &query["filter"];
        let (operator, rest) = filter.split_once('(').unwrap();
        let (_, bound) = rest.trim_end_matches(')').split_once(',').unwrap();
        let bound = OffsetDateTime::parse(bound, &Rfc3339).unwrap().unix_timestamp() * 1_000;
        let after = query.get("page[cursor]").map(|after| {
            let (time, id) = after.split_once('_').unwrap();
            (time.parse::<i64>().unwrap(), id.parse::<u32>().unwrap())
        });
        let mut items = self.visible();
        items.retain(|item| match operator {
            "greater-than" => item.time > bound,
            "greater-or-equal" => item.time >= bound,
            _ => unreachable!("{operator}"),
        });
        items.retain(|item| after.is_none_or(|after| (item.time, item.id) > after));
        let next = (items.len() > PAGE).then(|| {
            let last = items[PAGE - 1];
            let filter = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
            format!(
                "https://a.klaviyo.com{}?filter={filter}&page[cursor]={}_{}",
                url.path(),
                last.time,
                last.id
            )
        });
        let field = if self.profiles { "updated" } else { "datetime" };
        let data: Vec<_> = items
            .iter()
            .take(PAGE)
            .map(|item| {
                let time = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(item.time);
                let time = time.format(&Rfc3339).unwrap();
                serde_json::json!({ "id": item.id.to_string(), "attributes": { field: time } })
            })
            .collect();
        let body = serde_json::json!({ "data": data, "links": { "next": next } });
        let date = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(self.now);
        let date = date.format(&Rfc2822).unwrap().replace("+0000", "GMT");
        let headers = if self.dates { vec![("Date".to_owned(), date)] } else { Vec::new() };
        Ok(Response { status: 200, headers, body: body.to_string().into_bytes() })
    }
}

/// A reader that keeps its cursors, with what was told up to each.
struct Reader {
    kept: Vec<(Position, usize)>,
    told: Vec<(String, String)>,
}

impl Reader {
    fn new() -> Self {
        let time = OffsetDateTime::from_unix_timestamp(BEGIN).unwrap().format(&Rfc3339).unwrap();
        let start = Position::Since(Start { time, look_back: Some(LOOK_BACK) });
        Self { kept: vec![(start, 0)], told: Vec::new() }
    }

    fn read(&mut self, klaviyo: &Klaviyo) -> bool {
        self.read_over(klaviyo.profiles, &mut |request| klaviyo.answer(&request))
    }

    fn read_over(
        &mut self,
        profiles: bool,
        mut http: &mut dyn FnMut(Request) -> Result<Response, TransportError>,
    ) -> bool {
        let (from, _) = self.kept.last().unwrap();
        let (items, cursor, more): (Vec<_>, _, _) = if profiles {
            let page = changes::profiles(&mut http, from).unwrap();
            let items = page.items.into_iter().map(|item| (item.id, item.updated.unwrap()));
            (items.collect(), page.cursor, page.more)
        } else {
            let page = changes::events(&mut http, from).unwrap();
            let items = page.items.into_iter().map(|item| (item.id, item.time.unwrap()));
            (items.collect(), page.cursor, page.more)
        };
        self.told.extend(items);
        self.kept.push((Position::Cursor(cursor), self.told.len()));
        more
    }

    /// Reads to the end, which comes.
    fn read_all(&mut self, klaviyo: &Klaviyo) {
        assert!((0..2_000).any(|_| !self.read(klaviyo)), "the pages have no end");
    }

    /// Reads to the end, and keeps no cursor between.
    fn read_at_once(&mut self, klaviyo: &Klaviyo) {
        let kept = self.kept.len();
        self.read_all(klaviyo);
        self.kept.drain(kept..self.kept.len() - 1);
    }

    /// Goes on with an earlier cursor.
    fn crash(&mut self, lost: usize) {
        let kept = self.kept.len().saturating_sub(lost).max(1);
        self.kept.truncate(kept);
        self.told.truncate(self.kept[kept - 1].1);
    }

    fn check(&self, klaviyo: &Klaviyo) {
        let told: BTreeSet<_> = self.told.iter().collect();
        assert_eq!(told.len(), self.told.len(), "something was told twice");
        for version in klaviyo.visible() {
            let time = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(version.time);
            let item = (version.id.to_string(), time.format(&Rfc3339).unwrap());
            assert!(told.contains(&item), "{item:?} was missed");
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// So many items change now, and are visible later.
    Change {
        ids: Vec<u32>,
        late: i64,
        ahead: i64,
    },
    Wait(i64),
    Read,
    ReadAll,
    Crash(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let late = prop_oneof![Just(0), 0..i64::from(LOOK_BACK) * 1_000];
    let ahead = prop_oneof![9 => Just(0), 1 => 0..10_000_000_i64];
    let step = prop_oneof![
        4 => (prop::collection::vec(0..30_u32, 1..12), late, ahead)
            .prop_map(|(ids, late, ahead)| Step::Change { ids, late, ahead }),
        3 => prop_oneof![0..3_000_i64, 0..300_000_i64, 0..20_000_000_i64].prop_map(Step::Wait),
        4 => Just(Step::Read),
        1 => Just(Step::ReadAll),
        1 => (1..4_usize).prop_map(Step::Crash),
    ];
    prop::collection::vec(step, 1..80)
}

fn run(profiles: bool, dates: bool, whole_seconds: bool, steps: &[Step]) {
    let mut klaviyo = Klaviyo { now: BEGIN * 1_000, profiles, dates, versions: Vec::new() };
    let mut reader = Reader::new();
    for step in steps {
        match step {
            Step::Change { ids, late, ahead } => {
                for id in ids {
                    // The time of an event is the caller's, that of a profile is Klaviyo's.
                    let ahead = if profiles || !dates { 0 } else { *ahead };
                    let mut time = klaviyo.now + ahead;
                    if whole_seconds {
                        time -= time % 1_000;
                    }
                    let count = u32::try_from(klaviyo.versions.len()).unwrap();
                    let id = if profiles { *id } else { count };
                    klaviyo.versions.push(Version { id, time, visible: klaviyo.now + late });
                }
            }
            Step::Wait(time) => klaviyo.now += time,
            Step::Read if dates => {
                reader.read(&klaviyo);
            }
            Step::ReadAll if dates => reader.read_all(&klaviyo),
            Step::Read | Step::ReadAll => reader.read_at_once(&klaviyo),
            Step::Crash(lost) => reader.crash(*lost),
        }
    }
    klaviyo.now += i64::from(LOOK_BACK) * 1_000;
    reader.read_all(&klaviyo);
    reader.read_all(&klaviyo);
    reader.check(&klaviyo);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// However long the reader takes between two pages, and however it crashes.
    #[test]
    fn nothing_is_missed_or_told_twice(profiles in any::<bool>(), whole in any::<bool>(), steps in steps()) {
        run(profiles, true, whole, &steps);
    }

    /// A host without the date of the answers: as long as a pass is read at once.
    #[test]
    fn without_dates_a_pass_that_is_read_at_once_misses_nothing(
        profiles in any::<bool>(), whole in any::<bool>(), steps in steps()
    ) {
        run(profiles, false, whole, &steps);
    }
}

/// Many joined or changed at once, and then nothing happens: they are not read again for ever.
#[test]
fn what_was_read_is_not_read_again_when_nothing_is_new_for_long() {
    let versions = (0..40).map(|id| Version { id, time: BEGIN * 1_000, visible: 0 }).collect();
    let mut klaviyo = Klaviyo { now: BEGIN * 1_000, profiles: true, dates: true, versions };
    let mut reader = Reader::new();
    let mut pages = |klaviyo: &Klaviyo| {
        let before = reader.kept.len();
        reader.read_all(klaviyo);
        reader.kept.len() - before
    };
    assert_eq!(pages(&klaviyo), 10);
    // One of them may be late yet.
    klaviyo.now += 3_600_000;
    assert_eq!(pages(&klaviyo), 10);
    klaviyo.now += i64::from(LOOK_BACK) * 1_000 + 1_000;
    assert_eq!(pages(&klaviyo), 10);
    assert_eq!(pages(&klaviyo), 1);
    klaviyo.versions.push(Version { id: 41, time: klaviyo.now - 1_000, visible: klaviyo.now + 1 });
    assert_eq!(pages(&klaviyo), 1);
    klaviyo.now += 1;
    pages(&klaviyo);
    reader.check(&klaviyo);
    assert_eq!(reader.told.len(), 41);
}

/// Who tracks an event says when it was.
#[test]
fn an_event_that_is_tracked_long_after_its_time_is_told_where_it_is_the_newest() {
    let version = |id, time| Version { id, time: BEGIN * 1_000 + time, visible: 0 };
    let mut klaviyo =
        Klaviyo { now: BEGIN * 1_000, profiles: false, dates: true, versions: vec![version(1, 0)] };
    let mut reader = Reader::new();
    reader.read_all(&klaviyo);
    klaviyo.now += 30 * 24 * 3_600_000;
    reader.read_all(&klaviyo);
    klaviyo.versions.push(version(2, 60_000));
    reader.read_all(&klaviyo);
    reader.check(&klaviyo);
    assert_eq!(reader.told.len(), 2);
}

/// The last page of a second that takes several reaches beyond it, and the rest comes much later.
#[test]
fn a_link_that_leads_into_the_present_is_near_it() {
    let change = |count, late, ahead| Step::Change { ids: vec![0; count], late, ahead };
    let present = [Step::Wait(160_000), change(1, 1, 0), Step::ReadAll, Step::Read, Step::Read];
    let steps =
        [&[change(2, 0, 285_532), change(11, 0, 0)][..], &present, &[Step::Wait(61_000), Step::Crash(3)]];
    run(false, true, false, &steps.concat());
}

/// A profile that changes while Klaviyo answers: it is in its old place, with its new time.
#[test]
fn an_item_in_its_old_place_hides_none() {
    let now = (BEGIN + 100_000) * 1_000;
    let versions =
        (0..30).map(|id| Version { id, time: (BEGIN + i64::from(id) * 1_000) * 1_000, visible: 0 }).collect();
    let klaviyo = Klaviyo { now, profiles: true, dates: true, versions };
    for place in 0..PAGE {
        let mut reader = Reader::new();
        let changed = std::cell::Cell::new(Some(place));
        reader.read_over(true, &mut |request| {
            let mut response = klaviyo.answer(&request)?;
            if let Some(place) = changed.take() {
                let mut body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
                body["data"][place]["attributes"]["updated"] = "2025-06-16T18:53:20Z".into();
                response.body = body.to_string().into_bytes();
            }
            Ok(response)
        });
        reader.read_all(&klaviyo);
        let told: BTreeSet<_> = reader.told.iter().map(|(id, _)| id).collect();
        assert_eq!(told.len(), 30, "at place {place}");
    }
}

#[test]
fn a_start_in_the_future_waits_for_it() {
    let version = |id, time| Version { id, time, visible: 0 };
    let versions = vec![version(1, (BEGIN - 1) * 1_000), version(2, BEGIN * 1_000)];
    let now = (BEGIN - 10_000) * 1_000;
    let mut klaviyo = Klaviyo { now, profiles: true, dates: true, versions: Vec::new() };
    let mut reader = Reader::new();
    reader.read_all(&klaviyo);
    klaviyo.versions = versions;
    klaviyo.now = BEGIN * 1_000;
    reader.read_all(&klaviyo);
    assert_eq!(reader.told.len(), 1);
    assert_eq!(reader.told[0].0, "2");
}

#[test]
fn an_item_without_a_time_is_told_once() {
    let body = r#"{"data":[{"id":"1","attributes":{"datetime":null}},{"id":"2","attributes":{"datetime":"soon"}},
        {"id":"3","attributes":{"datetime":"2025-06-15T15:06:40+00:00"}}]}"#;
    let mut http = |_: Request| Ok(Response { status: 200, headers: Vec::new(), body: body.into() });
    let start = Start { time: "2025-06-15T15:06:40Z".to_owned(), look_back: None };
    let first = changes::events(&mut http, &Position::Since(start)).unwrap();
    assert_eq!(first.items.len(), 3);
    let second = changes::events(&mut http, &Position::Cursor(first.cursor)).unwrap();
    assert_eq!((second.items.len(), second.more), (0, false));
}

/// A cursor leads below the path of its function only, whoever made it.
#[test]
fn a_link_is_followed_on_its_own_path_only() {
    for next in ["https://a.klaviyo.com/api/lists/", "https://a.klaviyo.com/api/profiles/../lists/?x=1"] {
        let data = r#"{"id":"1","attributes":{"updated":"2025-06-15T15:06:40Z"}}"#;
        let body = format!(r#"{{"data":[{data}],"links":{{"next":"{next}"}}}}"#);
        let mut http =
            |_: Request| Ok(Response { status: 200, headers: Vec::new(), body: body.clone().into_bytes() });
        let start = Start { time: "2025-06-15T15:06:40Z".to_owned(), look_back: None };
        let error = changes::profiles(&mut http, &Position::Since(start)).unwrap_err();
        assert_eq!(error.code, Code::Malformed, "{next}");
    }
}
