//! Collections in pages whose cursor holds the key of an item, not a number: while items come, go and move,
//! no item that stays is read twice or left out.

use crate::call::Call;
use crate::check::Result;
use crate::page::{CURSOR, decoded, encoded, invalid_cursor, seal, size, url};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::Bound;

/// The place of an item in a collection: the value by which it is sorted, and its number, which is unique.
pub(crate) type Key = (String, usize);

/// A part of a collection: from a key (included) to a key (excluded).
#[derive(Debug, Default)]
pub(crate) struct Span {
    pub(crate) from: Option<Key>,
    pub(crate) to: Option<Key>,
}

/// The page that a request asks for.
pub(crate) struct KeysetPage {
    size: usize,
    descending: bool,
    cursor: Option<Cursor>,
}

/// The items after a key or before it, in the order of the request.
struct Cursor {
    direction: Direction,
    key: Key,
}

#[derive(Clone, Copy, Eq, Hash, PartialEq)]
enum Direction {
    Next,
    Prev,
}

impl KeysetPage {
    /// Reads the page from a query. `usual` is the default size and `most` the largest.
    pub(crate) fn of(call: &Call<'_>, usual: usize, most: usize, descending: bool) -> Result<Self> {
        let size = size(call, usual, most)?;
        let cursor = match call.query.get(CURSOR) {
            None => None,
            Some(cursor) => Some(read(call, cursor).ok_or_else(invalid_cursor)?),
        };
        Ok(Self { size, descending, cursor })
    }

    /// A document with the items of this page. `item` is the item with a key, if it is wanted.
    pub(crate) fn document<T>(
        &self,
        call: &Call<'_>,
        index: &BTreeSet<Key>,
        span: &Span,
        item: impl Fn(&Key) -> Option<T>,
        resource: impl Fn(T) -> Value,
    ) -> Value {
        let back = self.cursor.as_ref().is_some_and(|cursor| cursor.direction == Direction::Prev);
        let mut keys = self.keys(index, span, back);
        let wanted = |key: &Key| item(key).map(|item| (key.clone(), item));
        let mut items: Vec<(Key, T)> = keys.by_ref().filter_map(wanted).take(self.size).collect();
        let more = keys.any(|key| item(key).is_some());
        if back {
            items.reverse();
        }
        let (has_prev, has_next) = if back { (more, true) } else { (self.cursor.is_some(), more) };
        let link = |direction, item: Option<&(Key, T)>| item.map(|(key, _)| link(call, direction, key));
        let prev = link(Direction::Prev, items.first().filter(|_| has_prev));
        let next = link(Direction::Next, items.last().filter(|_| has_next));
        let own = url(call, call.query.get(CURSOR));
        let data: Vec<Value> = items.into_iter().map(|(_, item)| resource(item)).collect();
        json!({ "data": data, "links": { "self": own, "next": next, "prev": prev } })
    }

    /// The keys from the cursor on, away from where it comes from.
    fn keys<'a>(
        &'a self,
        index: &'a BTreeSet<Key>,
        span: &'a Span,
        back: bool,
    ) -> Box<dyn Iterator<Item = &'a Key> + 'a> {
        let cursor = self.cursor.as_ref().map(|cursor| &cursor.key);
        if back == self.descending {
            let start = match (cursor, &span.from) {
                (Some(cursor), Some(from)) if from > cursor => Bound::Included(from),
                (Some(cursor), _) => Bound::Excluded(cursor),
                (None, Some(from)) => Bound::Included(from),
                (None, None) => Bound::Unbounded,
            };
            let within = |key: &&Key| span.to.as_ref().is_none_or(|to| *key < to);
            Box::new(index.range::<Key, _>((start, Bound::Unbounded)).take_while(within))
        } else {
            let end = cursor.into_iter().chain(&span.to).min().map_or(Bound::Unbounded, Bound::Excluded);
            let within = |key: &&Key| span.from.as_ref().is_none_or(|from| *key >= from);
            Box::new(index.range::<Key, _>((Bound::Unbounded, end)).rev().take_while(within))
        }
    }
}

fn link(call: &Call<'_>, direction: Direction, key: &Key) -> String {
    let (name, (sorted, number)) = (direction.name(), key);
    url(call, Some(&encoded(&format!("{name}::{}::{number}::{sorted}", seal(call, (direction, key))))))
}

/// The cursor in a query, if this collection has given it out.
fn read(call: &Call<'_>, cursor: &str) -> Option<Cursor> {
    let text = decoded(cursor)?;
    let mut parts = text.splitn(4, "::");
    let (name, seal_of_it) = (parts.next()?, parts.next()?);
    let (number, sorted) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
    let direction = [Direction::Next, Direction::Prev].into_iter().find(|own| own.name() == name)?;
    let key = (sorted, number);
    (seal_of_it == seal(call, (direction, &key))).then_some(Cursor { direction, key })
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Prev => "prev",
        }
    }
}
