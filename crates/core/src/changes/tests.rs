//! A Klaviyo whose profiles change while somebody reads them, and appear late and out of order.

use super::{LOOK_BACK, members, profiles};
use crate::{Code, Group, ORIGIN, Position, Request, Response, Start, rfc3339};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use proptest::prelude::*;
use std::string::ToString;
use url::Url;

/// Items on a page.
const PAGE: usize = 5;
/// When everything begins: 2025-01-01.
const BEGIN: i64 = 1_735_689_600;

/// One version of a profile. Times are seconds after [`BEGIN`].
#[derive(Clone, Debug)]
struct Version {
    id: u8,
    updated: i64,
    /// When a reader can see it.
    visible: i64,
}

/// The profiles as a reader sees them at a time: the last visible version of each, in the order of their times.
fn seen_at(versions: &[Version], now: i64) -> Vec<(i64, u8, usize)> {
    let mut last = BTreeMap::new();
    for (number, version) in versions.iter().enumerate() {
        if version.visible <= now {
            // A version that appears late does not take the place of a newer one.
            let entry = last.entry(version.id).or_insert((version.updated, number));
            *entry = (*entry).max((version.updated, number));
        }
    }
    let mut items: Vec<_> = last.into_iter().map(|(id, (updated, number))| (updated, id, number)).collect();
    items.sort_unstable();
    items
}

fn answer(versions: &[Version], now: i64, request: &Request) -> Response {
    let url = Url::parse(&request.url).unwrap();
    let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    let after = query["filter"].strip_prefix("greater-than(updated,").unwrap().strip_suffix(')').unwrap();
    let after = super::milliseconds(after).unwrap();
    let behind = query.get("page[cursor]").map(|text| {
        let (time, id) = text.split_once('.').unwrap();
        (time.parse::<i64>().unwrap(), id.parse::<u8>().unwrap())
    });
    let mut items: Vec<_> = seen_at(versions, now)
        .into_iter()
        .filter(|(updated, id, _)| {
            (BEGIN + updated) * 1_000 > after && behind.is_none_or(|behind| (*updated, *id) > behind)
        })
        .collect();
    let more = items.len() > PAGE;
    items.truncate(PAGE);
    let mut links = serde_json::json!({ "next": null });
    if more {
        let (updated, id, _) = items[PAGE - 1];
        let mut next = url.clone();
        let kept: Vec<_> = query.iter().filter(|(name, _)| *name != "page[cursor]").collect();
        next.query_pairs_mut()
            .clear()
            .extend_pairs(kept)
            .append_pair("page[cursor]", &format!("{updated}.{id}"));
        links["next"] = next.to_string().into();
    }
    let data: Vec<_> = items
        .into_iter()
        .map(|(updated, id, number)| {
            let updated = rfc3339::text((BEGIN + updated) * 1_000);
            serde_json::json!({
                "type": "profile", "id": format!("P{id}"),
                "attributes": { "updated": updated, "external_id": number.to_string() }
            })
        })
        .collect();
    let body = serde_json::json!({ "data": data, "links": links }).to_string().into_bytes();
    Response { status: 200, headers: Vec::from([("Date".to_owned(), http_date(now))]), body }
}

/// A time of the first hour after [`BEGIN`].
fn http_date(now: i64) -> String {
    format!("Wed, 01 Jan 2025 00:{:02}:{:02} GMT", now / 60, now % 60)
}

fn since(look_back: Option<u32>) -> Position {
    Position::Since(Start { time: rfc3339::text(BEGIN * 1_000), look_back })
}

/// Reads to the end of a round; adds the numbers of the versions that were told.
fn round(versions: &[Version], now: &mut i64, position: Position, told: &mut Vec<usize>) -> Position {
    let mut position = position;
    for _ in 0..1_000 {
        let mut http = |request: Request| Ok(answer(versions, *now, &request));
        let page = profiles(&mut http, &position).unwrap();
        told.extend(
            page.items
                .iter()
                .map(|profile| -> usize { profile.external_id.as_deref().unwrap().parse().unwrap() }),
        );
        position = Position::Cursor(page.cursor);
        *now += 1;
        if !page.more {
            return position;
        }
    }
    panic!("a round has no end");
}

fn versions() -> impl Strategy<Value = Vec<Version>> {
    let version = (0..30_u8, 0..120_i64, prop_oneof![Just(0), 0..60_i64])
        .prop_map(|(id, updated, late)| Version { id, updated, visible: updated + late });
    prop::collection::vec(version, 0..120)
}

proptest! {
    #[test]
    fn nothing_is_missed_and_nothing_told_twice(
        versions in versions(), pauses in prop::collection::vec(0..40_i64, 1..12),
        crash in prop::option::of((1..12_usize, 0..12_usize))
    ) {
        let (mut now, mut told, mut position) = (0, Vec::new(), since(Some(60)));
        let mut kept = Vec::new();
        for (number, pause) in pauses.iter().enumerate() {
            kept.push((position.clone(), told.len()));
            position = round(&versions, &mut now, position, &mut told);
            now += pause;
            if let Some((at, back)) = crash && at == number {
                // Goes on with a cursor that was kept earlier; what was told after it is told again.
                let (earlier, length) = kept[kept.len().saturating_sub(back + 1)].clone();
                position = earlier;
                told.truncate(length);
            }
        }
        now = now.max(200);
        position = round(&versions, &mut now, position, &mut told);
        round(&versions, &mut now, position, &mut told);
        let last: BTreeSet<usize> = seen_at(&versions, now).into_iter().map(|(_, _, number)| number).collect();
        let all: BTreeSet<usize> = told.iter().copied().collect();
        prop_assert!(last.is_subset(&all), "missed {:?}", last.difference(&all).collect::<Vec<_>>());
        prop_assert_eq!(all.len(), told.len(), "told twice");
    }

    #[test]
    fn a_cursor_of_anybodys_leads_nowhere_else(text in "[A-Za-z0-9_-]*", answer in any::<Vec<u8>>()) {
        let mut sent = 0;
        let mut http = |_: Request| {
            sent += 1;
            Ok(Response { status: 200, headers: Vec::new(), body: answer.clone() })
        };
        let error = profiles(&mut http, &Position::Cursor(text)).unwrap_err();
        prop_assert_eq!((error.code, sent), (Code::InvalidInput, 0));
    }
}

#[test]
fn more_than_a_page_in_one_second_is_read_by_links() {
    let versions: Vec<_> = (0..23).map(|id| Version { id, updated: 7, visible: 7 }).collect();
    let (mut now, mut told) = (10, Vec::new());
    let position = round(&versions, &mut now, since(None), &mut told);
    assert_eq!(told.len(), 23);
    round(&versions, &mut now, position, &mut told);
    assert_eq!(told.len(), 23);
}

#[test]
fn a_second_change_within_a_second_is_told() {
    let mut versions: Vec<_> = (0..3).map(|id| Version { id, updated: 7, visible: 7 }).collect();
    let (mut now, mut told) = (10, Vec::new());
    let position = round(&versions, &mut now, since(None), &mut told);
    versions.push(Version { id: 1, updated: 7, visible: 10 });
    round(&versions, &mut now, position, &mut told);
    assert_eq!(told, [0, 1, 2, 3]);
}

#[test]
fn a_start_within_a_second_has_the_whole_second() {
    let versions = [Version { id: 0, updated: 7, visible: 7 }];
    let time = rfc3339::text(BEGIN * 1_000 + 7_800);
    let mut told = Vec::new();
    round(&versions, &mut 10, Position::Since(Start { time, look_back: None }), &mut told);
    assert_eq!(told, [0]);
}

#[test]
fn a_page_of_items_that_all_change_hides_nothing_behind_it() {
    let item = |id: i64, updated: i64| {
        let updated = rfc3339::text((BEGIN + updated) * 1_000);
        format!(r#"{{"id":"P{id}","attributes":{{"updated":"{updated}"}}}}"#)
    };
    let (mut position, mut told) = (since(Some(60)), Vec::new());
    // The first three of six have changed, and the order does not know it yet.
    let mut is_known = false;
    for _ in 0..20 {
        let mut http = |request: Request| {
            let url = Url::parse(&request.url).unwrap();
            let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
            let after =
                query["filter"].strip_prefix("greater-than(updated,").unwrap().strip_suffix(')').unwrap();
            let after = super::milliseconds(after).unwrap();
            let behind: i64 = query.get("page[cursor]").map_or(-1, |text| text.parse().unwrap());
            let place = |id: i64| if is_known && id < 3 { 900 + id } else { id };
            let mut items: Vec<_> = (0..6)
                .filter(|id| (BEGIN + place(*id)) * 1_000 > after && place(*id) > behind)
                .map(|id| (place(id), item(id, if id < 3 { 900 + id } else { id })))
                .collect();
            items.sort_unstable();
            let next = (items.len() > 3).then(|| {
                let filter = crate::encode::percent_encode(&query["filter"]);
                format!("{ORIGIN}/api/profiles/?filter={filter}&page%5Bcursor%5D={}", items[2].0)
            });
            items.truncate(3);
            let data: Vec<_> = items.into_iter().map(|(_, text)| text).collect();
            let next = serde_json::json!(next);
            let body = format!(r#"{{"data":[{}],"links":{{"next":{next}}}}}"#, data.join(",")).into_bytes();
            Ok(Response { status: 200, headers: Vec::from([("Date".to_owned(), http_date(910))]), body })
        };
        let page = profiles(&mut http, &position).unwrap();
        told.extend(page.items.into_iter().map(|profile| profile.id));
        position = Position::Cursor(page.cursor);
        is_known |= !page.more;
    }
    told.sort_unstable();
    assert_eq!(told, ["P0", "P1", "P2", "P3", "P4", "P5"]);
}

#[test]
fn a_time_in_the_future_hides_nothing() {
    let day = 86_400;
    let mut versions = Vec::from([Version { id: 0, updated: day, visible: 0 }]);
    let mut told = Vec::new();
    let mut read = |versions: &[Version], position: &Position| {
        let mut http = |request: Request| Ok(answer(versions, 10, &request));
        let page = profiles(&mut http, position).unwrap();
        told.extend(page.items.into_iter().map(|profile| profile.id));
        Position::Cursor(page.cursor)
    };
    let position = read(&versions, &since(None));
    versions.push(Version { id: 1, updated: 9, visible: 9 });
    read(&versions, &position);
    assert_eq!(told, ["P0", "P1"]);
}

#[test]
fn what_is_no_position_is_refused() {
    let mut http = |_: Request| -> Result<Response, _> { panic!("nothing is sent") };
    let start = |time: &str, look_back| Position::Since(Start { time: time.to_owned(), look_back });
    for (position, field) in [
        (start("yesterday", None), "from/since/time"),
        (start("2025-01-01", None), "from/since/time"),
        (start("2025-01-01T00:00:00Z", Some(86_401)), "from/since/look-back"),
        (Position::Cursor(String::new()), "from/cursor"),
    ] {
        let error = profiles(&mut http, &position).unwrap_err();
        assert_eq!(error.code, Code::InvalidInput);
        assert_eq!(error.details[0].pointer.as_deref(), Some(field));
    }
}

#[test]
fn a_look_back_is_a_day_at_most() {
    let mut told = Vec::new();
    round(&[Version { id: 0, updated: 7, visible: 7 }], &mut 10, since(Some(86_400)), &mut told);
    assert_eq!(told, [0]);
}

#[test]
fn a_time_has_its_milliseconds() {
    for (fraction, milliseconds) in [("", 0), (".1", 100), (".12", 120), (".0129", 12), (".1239999", 123)] {
        let time = format!("2025-01-01T00:00:00{fraction}Z");
        assert_eq!(super::milliseconds(&time), Some(BEGIN * 1_000 + milliseconds), "{time}");
    }
}

#[test]
fn a_link_of_a_cursor_stays_below_its_path() {
    let cursor = |link: &str, subject: &str| {
        let text = super::Cursor {
            subject: subject.to_owned(),
            look_back: LOOK_BACK,
            start: 0,
            from: 0,
            newest: 0,
            began: None,
            link: Some(link.to_owned()),
            told: Vec::new(),
        };
        Position::Cursor(text.encode())
    };
    let mut urls = Vec::new();
    let mut http = |request: Request| {
        urls.push(request.url);
        Ok(Response { status: 200, headers: Vec::new(), body: br#"{"data":[]}"#.to_vec() })
    };
    for (link, subject) in [
        ("@example.com/api/profiles", "profiles"),
        (".example.com/api/profiles/", "profiles"),
        ("/api/profiles/01ABC/", "profiles"),
        ("/api/profiles/../lists/", "profiles"),
        ("/api/lists/?x", "profiles"),
        ("/api/profiles?x", "events"),
    ] {
        assert_eq!(
            profiles(&mut http, &cursor(link, subject)).unwrap_err().code,
            Code::InvalidInput,
            "{link}"
        );
    }
    profiles(&mut http, &cursor("/api/profiles?page%5Bcursor%5D=x", "profiles")).unwrap();
    assert_eq!(urls, [format!("{ORIGIN}/api/profiles?page%5Bcursor%5D=x")]);
}

#[test]
fn who_joins_again_is_told_again_and_a_change_of_the_profile_is_not() {
    let list = Group::List("Y6nRLr".to_owned());
    let member = |joined: &str, name: &str| {
        format!(r#"{{"id":"P1","attributes":{{"joined_group_at":"{joined}","first_name":"{name}"}}}}"#)
    };
    let mut urls = Vec::new();
    let mut read = |position: &Position, member: String| {
        let mut http = |request: Request| {
            urls.push(request.url);
            let body = format!(r#"{{"data":[{member}]}}"#).into_bytes();
            Ok(Response { status: 200, headers: Vec::new(), body })
        };
        let page = members(&mut http, &list, position).unwrap();
        (page.items.len(), Position::Cursor(page.cursor))
    };
    let (first, position) = read(&since(None), member("2025-01-01T00:00:05Z", "Priya"));
    let (second, position) = read(&position, member("2025-01-01T00:00:05Z", "Priya S."));
    let (third, position) = read(&position, member("2025-01-01T00:00:09Z", "Priya S."));
    assert_eq!([first, second, third], [1, 0, 1]);
    assert_eq!(
        urls[0],
        format!(
            "{ORIGIN}/api/lists/Y6nRLr/profiles/?filter=greater-or-equal%28joined_group_at%2C2025-01-01T00%3A00%3A00Z%29\
             &page%5Bsize%5D=100&sort=joined_group_at"
        )
    );
    let mut http = |_: Request| -> Result<Response, _> { panic!("nothing is sent") };
    for other in
        [Group::List("other1".to_owned()), Group::Segment("Y6nRLr".to_owned()), Group::List(String::new())]
    {
        assert_eq!(members(&mut http, &other, &position).unwrap_err().code, Code::InvalidInput);
    }
}
