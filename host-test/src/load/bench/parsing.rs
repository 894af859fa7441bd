//! Large answers: what they take, and whether twice as much takes twice as long.

use super::answers::{body, email, profiles, tenant};
use super::clock::{each, in_turns};
use super::row::Row;
use anyhow::{Result, ensure};
use bytes::Bytes;
use klaviyo_host::types::Identifier;
use serde_json::json;
use std::time::Duration;
use tokio::runtime::Runtime;

const TURNS: usize = 20;
/// The most that twice as much may take.
const LINEAR: f64 = 2.2;
const PROFILES: usize = 100;
const BYTES: usize = 10_000_000;
const LISTS: usize = 1_000;
/// Lists on a page.
const PAGE: usize = 10;

pub(super) fn rows() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let whole_page = in_turns(TURNS, page(&runtime, PROFILES)?, page(&runtime, PROFILES / 2)?)?;
    let large = in_turns(TURNS, large(&runtime, BYTES)?, large(&runtime, BYTES / 2)?)?;
    let many = in_turns(TURNS, lists(&runtime, LISTS)?, lists(&runtime, LISTS / 2)?)?;
    let row = |what: String, (_, _, ratio): (f64, f64, f64), note: String| {
        Row::new(format!("{what}, beside half of it"), ratio, "×").at_most(LINEAR).note(note)
    };
    Ok(vec![
        row(
            format!("a page of {PROFILES} profiles"),
            whole_page,
            format!("{:.1} µs a profile", whole_page.0 / PROFILES as f64),
        ),
        row(format!("{} MB of JSON", BYTES / 1_000_000), large, format!("{:.0} ms", large.0 / 1e3)),
        row(format!("{LISTS} lists in pages of {PAGE}"), many, format!("{:.1} ms", many.0 / 1e3)),
    ])
}

/// Looks so many people up, who are all on one page.
fn page(runtime: &Runtime, count: usize) -> Result<impl FnMut() -> Result<Duration>> {
    let answer = profiles(count);
    let tenant = tenant(move |_| answer.clone())?;
    let people: Vec<_> = (0..count).map(|number| Identifier::Email(email(number))).collect();
    Ok(move || {
        each(20, || {
            let found = runtime.block_on(tenant.lookup_many(&people))?.value;
            ensure!(found.len() == count && found.iter().all(Option::is_some), "somebody was not found");
            Ok(())
        })
    })
}

/// Looks somebody up, whose profile has so many bytes.
fn large(runtime: &Runtime, bytes: usize) -> Result<impl FnMut() -> Result<Duration>> {
    let properties: serde_json::Map<_, _> =
        (0..bytes / 100).map(|number| (format!("property {number:08}"), "x".repeat(78).into())).collect();
    let attributes = json!({ "email": email(0), "properties": properties });
    let answer = body(
        &json!({ "data": [{ "type": "profile", "id": "01GMTZY2TEKN4KFRP30JZ59KGB", "attributes": attributes }] }),
    );
    let tenant = tenant(move |_| answer.clone())?;
    Ok(move || {
        each(1, || {
            let found = runtime.block_on(tenant.lookup(&super::answers::somebody()))?.value;
            ensure!(found.is_some(), "the lookup found nobody");
            Ok(())
        })
    })
}

/// Reads so many lists.
fn lists(runtime: &Runtime, count: usize) -> Result<impl FnMut() -> Result<Duration>> {
    let pages: Vec<Bytes> = (0..count / PAGE).map(|page| list_page(page, count)).collect();
    let tenant = tenant(move |url| {
        let cursor = url.split("cursor%5D=").nth(1).and_then(|cursor| cursor.parse().ok());
        pages.get(cursor.unwrap_or(0)).cloned().unwrap_or_default()
    })?;
    Ok(move || {
        each(2, || {
            let found = runtime.block_on(tenant.lists())?.value.len();
            ensure!(found == count, "{found} of {count} lists were found");
            Ok(())
        })
    })
}

fn list_page(page: usize, count: usize) -> Bytes {
    let list = |number: usize| json!({ "type": "list", "id": format!("L{number:05}"), "attributes": { "name": format!("List {number}") } });
    let data: Vec<_> = (page * PAGE..(page + 1) * PAGE).map(list).collect();
    let next = ((page + 1) * PAGE < count)
        .then(|| format!("https://a.klaviyo.com/api/lists/?page%5Bcursor%5D={}", page + 1));
    body(&json!({ "data": data, "links": { "next": next } }))
}
