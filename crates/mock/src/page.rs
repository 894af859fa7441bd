//! Collections in pages: cursors, and the links that hold them.

use crate::answer::{ORIGIN, Refusal};
use crate::call::Call;
use crate::check::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};

const CURSOR: &str = "page[cursor]";
const SIZE: &str = "page[size]";
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The page that a request asks for.
pub(crate) struct Page {
    start: usize,
    size: usize,
}

impl Page {
    /// Reads the page from a query. `usual` is the default size and `most` the largest.
    pub(crate) fn of(call: &Call<'_>, usual: usize, most: usize) -> Result<Self> {
        let size = match call.query.get(SIZE).map(str::parse) {
            None => usual,
            Some(Ok(size)) if (1..=most).contains(&size) => size,
            Some(_) => {
                let detail = format!("Page size must be an integer between 1 and {most}.");
                return Err(Refusal::invalid_parameter(&detail, SIZE).into());
            }
        };
        let invalid = || Refusal::invalid_parameter("Invalid cursor provided.", CURSOR);
        let start = match call.query.get(CURSOR) {
            None => 0,
            Some(cursor) => read(call, cursor).ok_or_else(invalid)?,
        };
        Ok(Self { start, size })
    }

    /// A document with the items of this page.
    pub(crate) fn document<T>(
        &self,
        call: &Call<'_>,
        items: impl IntoIterator<Item = T>,
        resource: impl Fn(T) -> Value,
    ) -> Value {
        let mut items = items.into_iter().skip(self.start);
        let data: Vec<Value> = items.by_ref().take(self.size).map(resource).collect();
        let next = items.next().map(|_| link(call, "next", self.start.saturating_add(self.size)));
        let prev = (self.start > 0).then(|| link(call, "prev", self.start.saturating_sub(self.size)));
        let own = url(call, call.query.get(CURSOR));
        json!({ "data": data, "links": { "self": own, "next": next, "prev": prev } })
    }
}

/// A link to another page of the same collection.
fn link(call: &Call<'_>, direction: &str, start: usize) -> String {
    let cursor = URL_SAFE_NO_PAD.encode(format!("{direction}::{start}::{:016x}", seal(call, start)));
    url(call, Some(&cursor))
}

fn url(call: &Call<'_>, cursor: Option<&str>) -> String {
    let others = call.query.pairs().filter(|(name, _)| *name != CURSOR);
    let pairs = others.chain(cursor.map(|cursor| (CURSOR, cursor)));
    let encoded = |text| utf8_percent_encode(text, ENCODED);
    let query: Vec<String> =
        pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{ORIGIN}{}/{mark}{}", call.path, query.join("&"))
}

/// The start of a page, if this collection has given out this cursor.
fn read(call: &Call<'_>, cursor: &str) -> Option<usize> {
    // Klaviyo's SDK for Python takes the equals sign before a cursor in a link as a part of it.
    let cursor = cursor.strip_prefix('=').unwrap_or(cursor);
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (_direction, rest) = text.split_once("::")?;
    let (start, seal_of_it) = rest.split_once("::")?;
    let start = start.parse().ok()?;
    (seal_of_it == format!("{:016x}", seal(call, start))).then_some(start)
}

/// Ties a cursor to its collection. It stops clients that invent cursors; it does not stop attackers.
fn seal(call: &Call<'_>, start: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    let parts = [call.path, call.query.get("filter").unwrap_or(""), call.query.get("sort").unwrap_or("")];
    (parts, start, "klaviyo").hash(&mut hasher);
    hasher.finish()
}
