//! Pages of changes with any answers, and any cursors: each cursor leads on, a changed one is refused, no item is told
//! twice, and no request leaves the collection.

use crate::Target;
use crate::oracle::request;
use crate::scenario::{Answers, Scenario};
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use host_test::Subject;
use host_test::native::Native;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The target.
pub const TARGET: Target = Target {
    name: "cursor",
    about: "a cursor of changes leads on, or is refused; no item is told twice, and no request leaves the collection",
    run,
    seeds,
    inputs: 3_000,
};

/// What begins a cursor that is given as its bytes, one a character, without the checksum.
const RAW: &str = "raw ";
/// How often the last answer comes again: what it has was told.
const AGAIN: usize = 2;
/// The most pages of one run.
const MAX_PAGES: usize = 30;

fn seeds() -> Result<Vec<Vec<u8>>> {
    let mut seeds: Vec<_> =
        Scenario::seeds()?.into_iter().filter(|seed| seed.starts_with(b"changes.")).collect();
    let with_raw: Result<Vec<_>> = seeds.iter().filter_map(|seed| raw_seed(seed).transpose()).collect();
    seeds.extend(with_raw?);
    Ok(seeds)
}

/// The same seed, begun at the cursor of its first page.
fn raw_seed(seed: &[u8]) -> Result<Option<Vec<u8>>> {
    let scenario = Scenario::parse(seed).context("a seed is a scenario")?;
    let answers = Arc::new(Mutex::new(Answers::new(&scenario.answers)));
    let returned = Native.call(&scenario.function, &scenario.arguments, answers)?;
    let Some(cursor) = returned.pointer("/ok/cursor").and_then(Value::as_str) else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(cursor)?;
    let (bytes, _) = bytes.split_last_chunk::<8>().context("a cursor has a checksum")?;
    let raw: String = std::iter::once(RAW.to_owned())
        .chain(bytes.iter().map(|byte| char::from(*byte).to_string()))
        .collect();
    let arguments = at(&scenario.arguments, &raw);
    let rest = seed
        .split(|byte| *byte == 0x1e)
        .skip(1)
        .flat_map(|part| [&[0x1e][..], part])
        .collect::<Vec<_>>()
        .concat();
    Ok(Some([format!("{} {}", scenario.function, Value::from(arguments)).into_bytes(), rest].concat()))
}

/// The same arguments, with a cursor as the last one.
fn at(arguments: &[Value], cursor: &str) -> Vec<Value> {
    let before = arguments.split_last().map_or(&[][..], |(_, before)| before);
    before.iter().cloned().chain([json!({ "cursor": cursor })]).collect()
}

/// The text of a cursor with these bytes.
fn sealed(raw: &str) -> String {
    let mut bytes: Vec<u8> = raw.chars().map(|c| u8::try_from(c).unwrap_or_default()).collect();
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// FNV-1a of 64 bits, and the last steps of MurmurHash3.
fn checksum(bytes: &[u8]) -> u64 {
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, fnv);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

fn run(input: &[u8]) -> Result<()> {
    let Some(scenario) = Scenario::parse(input).filter(|scenario| scenario.function.starts_with("changes."))
    else {
        return Ok(());
    };
    let Scenario { function, mut arguments, answers } = scenario;
    let raw = arguments.last().and_then(|last| last.get("cursor")?.as_str()?.strip_prefix(RAW)).map(sealed);
    if let Some(cursor) = &raw {
        arguments = at(&arguments, cursor);
    }
    let pages = (answers.len() + AGAIN).min(MAX_PAGES);
    let answers = Arc::new(Mutex::new(Answers::new(&answers)));
    let call = |arguments: &[Value]| Native.call(&function, arguments, answers.clone());
    let mut told = BTreeSet::new();
    for _ in 0..pages {
        let Ok(returned) = call(&arguments) else { return Ok(()) };
        if let Some(page) = returned.get("ok") {
            tell(page, &mut told)?;
            let cursor = page.get("cursor").and_then(Value::as_str).context("a page has no cursor")?;
            let before = answers.lock().sent.len();
            let changed = call(&at(&arguments, &changed(cursor)))?;
            ensure!(
                changed.pointer("/err/code") == Some(&json!("invalid-input")),
                "a changed cursor is {changed}"
            );
            ensure!(answers.lock().sent.len() == before, "something was sent for a changed cursor");
            arguments = at(&arguments, cursor);
        } else {
            // The first one may be any text; those that follow are the function's own.
            let is_own = !told.is_empty();
            let refused = returned.pointer("/err/details/0/pointer") == Some(&json!("from/cursor"));
            ensure!(!(is_own && refused), "its own cursor is refused: {returned}");
        }
    }
    let collection = collection(&function, &arguments);
    for sent in &answers.lock().sent {
        let parts = request::check(sent)?;
        let path = parts.segments.join("/");
        ensure!(path.trim_end_matches('/') == collection, "it asked for {path:?}, and reads {collection:?}");
    }
    Ok(())
}

/// Notes the items of a page; those without a time may come again.
fn tell(page: &Value, told: &mut BTreeSet<String>) -> Result<()> {
    let items = page.get("items").and_then(Value::as_array).context("a page has no items")?;
    let time = |item: &Value| {
        let time = ["joined", "time", "updated"].iter().find_map(|name| item.get(name)?.as_str())?;
        // The library takes any letter between the date and the time.
        OffsetDateTime::parse(time, &Rfc3339).ok().filter(|_| time.as_bytes().get(10) == Some(&b'T'))
    };
    for item in items.iter().filter(|item| time(item).is_some()) {
        ensure!(told.insert(item.to_string()), "it is told twice: {item}");
    }
    Ok(())
}

/// A cursor with another character in its middle.
fn changed(cursor: &str) -> String {
    let middle = cursor.len() / 2;
    let change = |(index, c)| {
        if index != middle {
            c
        } else if c == 'A' {
            'B'
        } else {
            'A'
        }
    };
    cursor.chars().enumerate().map(change).collect()
}

/// The path of what a function reads.
fn collection(function: &str, arguments: &[Value]) -> String {
    let group = arguments.first().unwrap_or(&Value::Null);
    let id = |kind| group.get(kind).and_then(Value::as_str);
    match (function, id("list"), id("segment")) {
        ("changes.members", Some(list), _) => format!("api/lists/{list}/profiles"),
        ("changes.members", _, Some(segment)) => format!("api/segments/{segment}/profiles"),
        (function, ..) => format!("api/{}", function.trim_start_matches("changes.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_given_as_bytes_is_the_functions_own() {
        let seeds = seeds().unwrap();
        let raw: Vec<_> = seeds.iter().filter(|seed| seed.windows(4).any(|part| part == b"raw ")).collect();
        assert!(raw.len() > 5, "{}", raw.len());
        for seed in raw {
            let Scenario { function, arguments, answers } = Scenario::parse(seed).unwrap();
            let cursor = arguments.last().unwrap()["cursor"].as_str().unwrap();
            let arguments = at(&arguments, &sealed(cursor.strip_prefix(RAW).unwrap()));
            let answers = Arc::new(Mutex::new(Answers::new(&answers)));
            let returned = Native.call(&function, &arguments, answers).unwrap();
            assert_ne!(returned.pointer("/err/code"), Some(&json!("invalid-input")), "{returned}");
        }
    }

    #[test]
    fn an_item_that_is_told_twice_is_found() {
        let page = |time: Option<&str>| json!({ "items": [{ "id": "P1", "updated": time }] });
        let mut told = BTreeSet::new();
        tell(&page(Some("2025-03-01T12:00:00Z")), &mut told).unwrap();
        tell(&page(Some("2025-03-01T12:00:01Z")), &mut told).unwrap();
        assert!(tell(&page(Some("2025-03-01T12:00:00Z")), &mut told).is_err());
        for none in [None, None, Some("2025-03-01V12:00:00Z"), Some("2025-03-01V12:00:00Z")] {
            tell(&page(none), &mut told).unwrap();
        }
    }
}
