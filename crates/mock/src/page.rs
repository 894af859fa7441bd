//! Collections in pages: cursors, and the links that hold them.

use crate::answer::{ORIGIN, Refusal};
use crate::call::Call;
use crate::check::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};

pub(crate) const CURSOR: &str = "page[cursor]";
pub(crate) const SIZE: &str = "page[size]";
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The page that a request asks for.
pub(crate) struct Page {
    start: usize,
    size: usize,
}

impl Page {
    /// Reads the page from a query. `usual` is the default size and `most` the largest.
    pub(crate) fn of(call: &Call<'_>, usual: usize, most: usize) -> Result<Self> {
        let size = size(call, usual, most)?;
        let start = match call.query.get(CURSOR) {
            None => 0,
            Some(cursor) => read(call, cursor).ok_or_else(invalid_cursor)?,
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

/// The size of a page. `usual` is the default and `most` the largest.
pub(crate) fn size(call: &Call<'_>, usual: usize, most: usize) -> Result<usize> {
    match call.query.get(SIZE).map(str::parse) {
        None => Ok(usual),
        Some(Ok(size)) if (1..=most).contains(&size) => Ok(size),
        Some(_) => {
            let detail = format!("Page size must be an integer between 1 and {most}.");
            Err(Refusal::invalid_parameter(&detail, SIZE).into())
        }
    }
}

pub(crate) fn invalid_cursor() -> Refusal {
    Refusal::invalid_parameter("Invalid cursor provided.", CURSOR)
}

/// A link to another page of the same collection.
fn link(call: &Call<'_>, direction: &str, start: usize) -> String {
    let cursor = encoded(&format!("{direction}::{start}::{}", seal(call, start)));
    url(call, Some(&cursor))
}

/// The address of a page of this collection.
pub(crate) fn url(call: &Call<'_>, cursor: Option<&str>) -> String {
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
    let text = decoded(cursor)?;
    let (_direction, rest) = text.split_once("::")?;
    let (start, seal_of_it) = rest.split_once("::")?;
    let start: usize = start.parse().ok()?;
    (seal_of_it == seal(call, start)).then_some(start)
}

/// The text of a cursor, as it is in a link.
pub(crate) fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

pub(crate) fn decoded(cursor: &str) -> Option<String> {
    // Klaviyo's SDK for Python takes the equals sign before a cursor in a link as a part of it.
    let cursor = cursor.strip_prefix('=').unwrap_or(cursor);
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

/// Ties a cursor to its collection. It stops clients that invent cursors; it does not stop attackers.
pub(crate) fn seal(call: &Call<'_>, place: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    let parts = [call.path, call.query.get("filter").unwrap_or(""), call.query.get("sort").unwrap_or("")];
    (parts, place, "klaviyo").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
