//! Who is on a list or in a segment.

use crate::check::ID_BYTES;
use crate::encode::query;
use crate::operation::Operation;
use crate::operation::members::get_members;
use crate::{Code, Detail, Error, Group, Http, MemberPage, check};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

/// Klaviyo's limit on the profiles of one addition or removal.
const PROFILES_PER_REQUEST: usize = 1_000;

/// Reads a page of members.
///
/// The cursor is the id and Klaviyo's own cursor: a page of another list cannot be asked for by mistake, and of
/// Klaviyo's link to the next page nothing else is followed.
pub(crate) fn page(
    http: &mut dyn Http,
    group: &Group,
    cursor: Option<&str>,
) -> Result<MemberPage, Box<Error>> {
    let id = group.id();
    let inner = match cursor {
        None => None,
        Some(cursor) => match cursor.strip_prefix(id).and_then(|rest| rest.strip_prefix(':')) {
            Some(inner) if !inner.is_empty() && inner.len() <= ID_BYTES => Some(inner),
            _ => {
                return Err(Error::invalid(
                    "cursor",
                    "it is not from an earlier page of the same members; give the `next` of that page as it is",
                ));
            }
        },
    };
    get_members(group, inner).send_and(http, |page| {
        let next = page.next.as_deref().map(klaviyos_cursor).transpose()?;
        if next.is_some() && next.as_deref() == inner {
            return Err("the link to the next page leads to the page itself".to_owned());
        }
        Ok(MemberPage { members: page.items, next: next.map(|next| format!("{id}:{next}")) })
    })
}

/// The cursor in Klaviyo's link to the next page.
fn klaviyos_cursor(link: &str) -> Result<String, String> {
    let mut parameters = query(link).unwrap_or_default().into_iter();
    match parameters.find(|(name, _)| name == "page[cursor]") {
        Some((_, cursor)) if !cursor.is_empty() => Ok(cursor),
        _ => Err("the link to the next page has no page[cursor]".to_owned()),
    }
}

/// The operation that puts at most 1,000 profiles on a list or takes them off it.
type Change = fn(&str, &[&str]) -> Result<Operation<Vec<String>>, Box<Error>>;

/// Adds profiles to a list or takes them off it, 1,000 in each request, and returns their number. `place` is where
/// they are then: on or off the list.
pub(crate) fn change(
    http: &mut dyn Http,
    list: &str,
    profiles: &[String],
    operation: Change,
    place: &str,
) -> Result<u32, Box<Error>> {
    let list = check::path_segment("list", list)?;
    check::profile_ids(profiles)?;
    let mut done = 0;
    for chunk in profiles.chunks(PROFILES_PER_REQUEST) {
        let ids: Vec<&str> = chunk.iter().map(String::as_str).collect();
        let sent = operation(list, &ids)?.send(http).and_then(|parts| match parts.first() {
            None => Ok(()),
            Some(part) => Err(Error::new(
                Code::Rejected,
                format!("Klaviyo took only a part of the request (it reports: {part}); look the profiles up"),
            )),
        });
        sent.map_err(|error| {
            let error = error.about_list(list);
            if done == 0 {
                return error;
            }
            let mut error =
                error.after(&format!("{done} of {} profiles are {place} the list", profiles.len()));
            error.done = done;
            error
        })?;
        // The memory of a component cannot hold 2^32 ids.
        done = done.saturating_add(u32::try_from(chunk.len()).unwrap_or(u32::MAX));
    }
    Ok(done)
}

/// The values that Klaviyo took only in part, or why it refuses.
pub(crate) type Changed<'a> = Result<&'a [String], Detail>;

/// How often a request of [`change_each`] that Klaviyo refuses is divided. To find one profile among 1,000 takes ten
/// times.
const DIVISIONS: usize = 60;

/// As [`change`], but a request that is `rejected` is repeated in halves, so that a profile that Klaviyo refuses does
/// not cost the others. `changed` gets the profiles of each request that succeeded, with the values that Klaviyo took
/// only in part, and each profile that Klaviyo refuses, with the reason.
pub(crate) fn change_each(
    http: &mut dyn Http,
    list: &str,
    profiles: &[String],
    operation: Change,
    changed: &mut dyn FnMut(&[String], Changed<'_>),
) -> Result<(), Box<Error>> {
    let mut chunks: Vec<&[String]> = profiles.chunks(PROFILES_PER_REQUEST).rev().collect();
    let mut divisions = 0;
    while let Some(chunk) = chunks.pop() {
        let ids: Vec<&str> = chunk.iter().map(String::as_str).collect();
        match operation(list, &ids)?.send(http) {
            Ok(parts) => changed(chunk, Ok(&parts)),
            Err(error) if error.code == Code::Rejected && chunk.len() > 1 && divisions < DIVISIONS => {
                divisions += 1;
                let (first, second) = chunk.split_at(chunk.len() / 2);
                chunks.extend([second, first]);
            }
            Err(error) if error.code == Code::Rejected && chunk.len() == 1 => {
                changed(chunk, Err(error.reason()));
            }
            Err(error) => return Err(error.about_list(list)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, Response};
    use proptest::prelude::*;
    use url::Url;

    #[test]
    fn a_cursor_that_no_address_has_room_for_is_refused() {
        let mut never = |_: Request| unreachable!();
        let cursor = format!("Y6nRLr:{}", "x".repeat(ID_BYTES + 1));
        let error = page(&mut never, &Group::List("Y6nRLr".to_owned()), Some(&cursor)).unwrap_err();
        assert_eq!(error.details[0].pointer.as_deref(), Some("cursor"));
    }

    proptest! {
        #[test]
        fn whatever_the_cursor_the_request_is_for_members_of_the_group(cursor in any::<String>()) {
            let mut sent = Vec::new();
            let mut http = |request: Request| {
                sent.push(request.url);
                Ok(Response { status: 200, headers: Vec::new(), body: br#"{"data":[]}"#.to_vec() })
            };
            let _ = page(&mut http, &Group::List("Y6nRLr".to_owned()), Some(&cursor));
            let _ = page(&mut http, &Group::List("Y6nRLr".to_owned()), Some(&format!("Y6nRLr:{cursor}")));
            for url in sent {
                let url = Url::parse(&url).unwrap();
                prop_assert_eq!(url.path(), "/api/lists/Y6nRLr/profiles/");
                let pairs: Vec<_> = url.query_pairs().into_owned().collect();
                prop_assert_eq!(pairs.len(), 3);
                prop_assert_eq!(&pairs[2], &("page[cursor]".to_owned(), cursor.clone()));
            }
        }

        #[test]
        fn a_cursor_of_klaviyos_comes_back_as_it_was(cursor in any::<String>().prop_filter("not empty", |c| !c.is_empty())) {
            let encoded = crate::encode::percent_encode(&cursor);
            let body = format!(r#"{{"data":[],"links":{{"next":"https://a.klaviyo.com/api/lists/Y6nRLr/profiles/?page%5Bcursor%5D={encoded}"}}}}"#);
            let mut http = |_: Request| Ok(Response { status: 200, headers: Vec::new(), body: body.clone().into_bytes() });
            let next = page(&mut http, &Group::List("Y6nRLr".to_owned()), None).unwrap().next.unwrap();
            prop_assert_eq!(&next, &format!("Y6nRLr:{cursor}"));
            // A link to the page itself would have the caller read it again without end.
            prop_assert_eq!(page(&mut http, &Group::List("Y6nRLr".to_owned()), Some(&next)).unwrap_err().code, Code::Malformed);
        }
    }
}
