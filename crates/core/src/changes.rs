//! What changed since the last look.
//!
//! A round reads all items from its start to the newest one, in the order of their times, a page for each call. The next
//! round starts the look-back before the newest item, since Klaviyo shows items late and out of order; the cursor remembers
//! which of them were told. Where the times are of Klaviyo's own clock, the newest item counts as an hour old at most.

mod cursor;
mod fingerprint;

use crate::encode::next_link;
use crate::operation::Operation;
use crate::operation::changes::{
    ReadPage, get_changed_profiles, get_changed_profiles_at, get_joined_members, get_joined_members_at,
    get_new_events, get_new_events_at,
};
use crate::{ChangePage, Code, Error, Event, Group, Http, Member, ORIGIN, Position, Profile, check, rfc3339};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};
use cursor::{Cursor, Told};
use fingerprint::Fingerprint;

/// The look-back where none is given, in seconds.
const LOOK_BACK: u32 = 600;
/// A page is left at the earliest time of so many items at its end, for an answer that does not say when it was made: an
/// item that changes while Klaviyo answers can be in its old place with its new time, and what is between the two was not
/// read.
const LAST_ITEMS: usize = 3;
/// The longest look-back, in seconds.
const LONGEST_LOOK_BACK: u32 = 86_400;
/// How far the clock of Klaviyo's answers and the times of its items may be apart, in milliseconds: an hour.
const CLOCKS: i64 = 3_600_000;

/// The profiles that were created or changed since, in the order of `updated`.
///
/// # Errors
/// [`Code::InvalidInput`] before anything is sent, and the errors of Klaviyo and of the transport.
pub fn profiles(http: &mut dyn Http, from: &Position) -> Result<ChangePage<Profile>, Box<Error>> {
    let feed = Feed {
        subject: "profiles",
        path: "/api/profiles",
        first: &get_changed_profiles,
        at: &get_changed_profiles_at,
        time: |profile: &Profile| profile.updated.as_deref(),
        is_by_klaviyos_clock: true,
        // Klaviyo's `updated` may have whole seconds, in which a profile can change twice.
        fingerprint: Fingerprint::of,
    };
    feed.page(http, from)
}

/// The events that happened since, in the order of `time`, with the names of their metrics.
///
/// # Errors
/// As [`profiles`].
pub fn events(http: &mut dyn Http, from: &Position) -> Result<ChangePage<Event>, Box<Error>> {
    let feed = Feed {
        subject: "events",
        path: "/api/events",
        first: &get_new_events,
        at: &get_new_events_at,
        time: |event: &Event| event.time.as_deref(),
        // Whoever tracks an event says when it was.
        is_by_klaviyos_clock: false,
        // An event has its id and its time for good, while the name of its metric can change.
        fingerprint: |event| Fingerprint::of(&(&event.id, &event.time)),
    };
    feed.page(http, from)
}

/// The members of a list or a segment who joined since, in the order of `joined`.
///
/// # Errors
/// As [`profiles`]; [`Code::InvalidInput`] also when the id is empty.
pub fn members(http: &mut dyn Http, of: &Group, from: &Position) -> Result<ChangePage<Member>, Box<Error>> {
    check::path_segment("of", of.id())?;
    let path = of.path();
    let feed = Feed {
        subject: &path,
        path: &path,
        first: &|from| get_joined_members(of, from),
        at: &|url| get_joined_members_at(of, url),
        time: |member: &Member| member.joined.as_deref(),
        is_by_klaviyos_clock: true,
        // A profile can change while it stays, and can leave and join again.
        fingerprint: |member| Fingerprint::of(&(&member.profile.id, &member.joined)),
    };
    let about_list = |error: Box<Error>| match of {
        Group::List(list) => error.about_list(list),
        Group::Segment(_) => error,
    };
    feed.page(http, from).map_err(about_list)
}

/// A collection that is read in the order of a time.
struct Feed<'a, T> {
    /// What binds a cursor to the collection.
    subject: &'a str,
    /// The path of the collection: a cursor's link does not leave it.
    path: &'a str,
    /// The operation that reads the items at and after a time, in milliseconds since 1970. It may also read earlier ones.
    first: &'a dyn Fn(i64) -> Operation<ReadPage<T>>,
    /// The operation that reads the page at a link.
    at: &'a dyn Fn(String) -> Operation<ReadPage<T>>,
    time: fn(&T) -> Option<&str>,
    /// Whether the times are those at which Klaviyo was told.
    is_by_klaviyos_clock: bool,
    fingerprint: fn(&T) -> u64,
}

impl<T> Feed<'_, T> {
    fn page(&self, http: &mut dyn Http, from: &Position) -> Result<ChangePage<T>, Box<Error>> {
        let mut cursor = self.cursor(from)?;
        let link = cursor.link.take();
        let read = match &link {
            // Encoded again: whoever has the cursor may have changed it.
            Some(link) => {
                let url = next_link(&format!("{ORIGIN}{link}"));
                let url = url.ok_or_else(|| Error::invalid("from/cursor", "its link leads elsewhere"))?;
                match self.send(http, (self.at)(url)) {
                    // A link that was kept may be none any more. What was told is remembered.
                    Err(error) if error.code == Code::Rejected => self.send(http, (self.first)(cursor.from)),
                    read => read,
                }
            }
            None => self.send(http, (self.first)(cursor.from)),
        };
        let ReadPage { page, now } = read?;
        let next = page.next.as_deref().map(|next| next.strip_prefix(ORIGIN).unwrap_or(next).to_owned());
        let (mut items, mut told, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for item in page.items {
            // An item without a time cannot be late: it is told now.
            let before = times.last().copied().unwrap_or(cursor.from);
            let time = (self.time)(&item).and_then(milliseconds).unwrap_or(before);
            times.push(time);
            let seen = Told { time, fingerprint: (self.fingerprint)(&item) };
            // What is before was told, though Klaviyo may answer with it: its filter may know whole seconds only.
            if time >= cursor.from && !cursor.has(&seen) && !told.contains(&seen) {
                told.push(seen);
                items.push(item);
            }
        }
        cursor.add(told);
        cursor.began = cursor.began.or(now);
        let settled = cursor.settled();
        let last = times.iter().rev().filter(|time| **time <= settled).take(LAST_ITEMS).min();
        let last = last.copied().unwrap_or(cursor.from);
        let newest = match cursor.began {
            // Events can also have times in the future, and others happen before them.
            Some(began) => times.iter().max().map(|newest| began.min(*newest)),
            // Behind the last page there is nothing to pass over.
            None if next.is_none() => times.iter().max().copied(),
            None => Some(last),
        };
        cursor.newest = cursor.newest.max(newest.unwrap_or(cursor.newest));
        let more = next.is_some();
        if !more {
            // The end of the round. Where nothing is new for long, what was read need not be read again and again: what
            // was not visible long after its time is not promised.
            if self.is_by_klaviyos_clock
                && let Some(began) = cursor.began
            {
                cursor.newest = cursor.newest.max(began.saturating_sub(CLOCKS));
            }
            cursor.start = cursor.horizon();
            cursor.from = cursor.start;
            cursor.began = None;
        } else if last > cursor.from {
            // Asks anew from the last time, since links may pass over items while others change their places. What they
            // pass over among the items of the look-back is read in the next round.
            cursor.from = last;
        } else {
            cursor.link = next;
        }
        cursor.forget();
        Ok(ChangePage { items, cursor: cursor.encode(), more })
    }

    /// Reads a page whose link to the next one, if there is one, leads on.
    fn send(
        &self,
        http: &mut dyn Http,
        operation: Operation<ReadPage<T>>,
    ) -> Result<ReadPage<T>, Box<Error>> {
        let asked = operation.request.url.clone();
        operation.send_and(http, |read| match &read.page.next {
            Some(next) if *next == asked => {
                Err("the link to the next page leads to the same page".to_owned())
            }
            Some(next) if !self.has_path(next.strip_prefix(ORIGIN).unwrap_or_default()) => {
                Err(format!("the link to the next page leads away from {}", self.path))
            }
            _ => Ok(read),
        })
    }

    fn cursor(&self, from: &Position) -> Result<Cursor, Box<Error>> {
        let start = match from {
            Position::Since(start) => start,
            Position::Cursor(text) => return self.given(text),
        };
        let Some(time) = milliseconds(&start.time) else {
            return Err(Error::invalid(
                "from/since/time",
                "it is not a date and time of RFC 3339, such as 2025-03-01T12:00:00Z",
            ));
        };
        let look_back = start.look_back.unwrap_or(LOOK_BACK);
        if look_back > LONGEST_LOOK_BACK {
            return Err(Error::invalid(
                "from/since/look-back",
                "it is more than 86,400 seconds, which is a day",
            ));
        }
        let subject = self.subject.to_owned();
        // Klaviyo cuts its times to the second: what happens later within the second has an earlier time.
        let time = time.div_euclid(1_000) * 1_000;
        Ok(Cursor {
            subject,
            look_back,
            start: time,
            from: time,
            newest: time,
            began: None,
            link: None,
            told: Vec::new(),
        })
    }

    /// Whether a link without the origin has the path of the collection.
    fn has_path(&self, link: &str) -> bool {
        let path = link.split('?').next().unwrap_or_default();
        path.strip_suffix('/').unwrap_or(path) == self.path
    }

    /// The cursor in a text of the caller's.
    fn given(&self, text: &str) -> Result<Cursor, Box<Error>> {
        let invalid = |reason: &str| Err(Error::invalid("from/cursor", reason));
        let Some(cursor) = Cursor::decode(text) else {
            return invalid(
                "it is not a cursor, or was cut or altered; begin again with a time, or with a cursor that was kept",
            );
        };
        if cursor.subject != self.subject {
            return invalid(&format!("it is a cursor of {}, and not of {}", cursor.subject, self.subject));
        }
        if !cursor.link.iter().all(|link| self.has_path(link)) {
            return invalid("its link leads elsewhere");
        }
        Ok(cursor)
    }
}

/// Milliseconds since 1970; what is shorter is cut off.
fn milliseconds(text: &str) -> Option<i64> {
    let time = rfc3339::parse(text)?;
    let digits = time.fraction().bytes().chain(core::iter::repeat(b'0')).take(3);
    let fraction = digits.fold(0, |fraction, digit| fraction * 10 + i64::from(digit.saturating_sub(b'0')));
    Some(time.seconds() * 1_000 + fraction)
}

#[cfg(test)]
mod tests;
