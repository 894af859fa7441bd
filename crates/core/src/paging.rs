//! Collections that come in pages: one page, and all of them in turn.

use crate::encode::next_link;
use crate::json::Json;
use crate::operation::Operation;
use crate::{Code, Error, Http, ORIGIN};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec, vec::Vec};

/// The most pages that are read: ten times as many as Klaviyo's limits on lists and on a job's failures
/// allow.
const MAX_PAGES: usize = 1_000;

/// The most items that are read, on one page or on all. Without a bound, an answer of a few megabytes could
/// need more memory than there is.
pub(crate) const MAX_ITEMS: usize = 100_000;

/// The most bytes that are read of a collection whose items are all kept. The memory of a call holds several
/// times as much.
pub(crate) const MAX_BYTES: usize = 12 << 20;

/// One page of a collection.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// The URL of the next page, checked to be on Klaviyo's origin.
    pub(crate) next: Option<String>,
    /// Bytes of the page.
    pub(crate) bytes: usize,
}

/// Reads a page.
pub(crate) fn page<T>(
    document: &Json<'_>,
    read: fn(&Json<'_>) -> Result<T, String>,
) -> Result<Page<T>, String> {
    let mut items = Vec::new();
    let next = items_of(document, &mut |resource| {
        if items.len() >= MAX_ITEMS {
            return Err(too_many());
        }
        // An item of a few bytes becomes a record of a few hundred.
        if items.len() * size_of::<T>() >= MAX_BYTES {
            return Err("its items take more than 12 MB".to_owned());
        }
        items.push(read(resource)?);
        Ok(())
    })?;
    Ok(Page { items, next, bytes: document.bytes() })
}

/// Gives the resources of a page to `take`, and returns the link to the next page. Only `next` is followed:
/// on the first page, Klaviyo's `prev` may not be a link.
fn items_of(
    document: &Json<'_>,
    take: &mut dyn FnMut(&Json<'_>) -> Result<(), String>,
) -> Result<Option<String>, String> {
    let [data, links] = document.members(["data", "links"])?;
    let [next] = links.strings(["next"])?;
    let next = match next {
        None => None,
        Some(link) => match next_link(&link) {
            None => return Err(format!("the link to the next page leaves {ORIGIN} and is not followed")),
            url => url,
        },
    };
    data.each(take)?;
    Ok(next)
}

/// Whether the items that follow are wanted.
#[derive(PartialEq)]
pub(crate) enum Wanted {
    More,
    Enough,
}

/// Reads all pages: `first`, and then the operation that `at` makes of each `next` link.
pub(crate) fn collect<T>(
    http: &mut dyn Http,
    first: Operation<Page<T>>,
    at: fn(String) -> Operation<Page<T>>,
) -> Result<Vec<T>, Box<Error>> {
    let mut items = Vec::new();
    each(http, first, at, &mut |item| {
        items.push(item);
        Ok(Wanted::More)
    })?;
    Ok(items)
}

/// The error about a result that is larger than a call can return.
pub(crate) fn too_large() -> Box<Error> {
    Error::new(
        Code::TooLarge,
        "Klaviyo's answers have more than 12 MB together, which is more than one call can return; ask for less".to_owned(),
    )
}

/// Gives the items of all pages to `take`, until it has enough or fails, and returns whether there are more items,
/// as far as the pages that were read tell. The failure of `take` is a complaint about the answer.
pub(crate) fn each<T>(
    http: &mut dyn Http,
    first: Operation<Page<T>>,
    at: fn(String) -> Operation<Page<T>>,
    take: &mut dyn FnMut(T) -> Result<Wanted, String>,
) -> Result<bool, Box<Error>> {
    let mut seen = vec![first.request.url.clone()];
    let mut operation = first;
    let (mut count, mut bytes) = (0, 0);
    loop {
        let next = operation.send_and(http, |page| {
            match &page.next {
                Some(next) if seen.contains(next) => {
                    return Err("the link to the next page leads to one that was read already".to_owned());
                }
                Some(_) if seen.len() >= MAX_PAGES => {
                    return Err("there are more than 1,000 pages".to_owned());
                }
                _ => {}
            }
            count += page.items.len();
            bytes += page.bytes;
            if count > MAX_ITEMS {
                return Err(too_many());
            }
            let mut wanted = Wanted::More;
            let mut items = page.items.into_iter();
            while wanted == Wanted::More
                && let Some(item) = items.next()
            {
                wanted = take(item)?;
            }
            Ok((wanted, page.next, items.next().is_some()))
        })?;
        match next {
            (_, None, more) => return Ok(more),
            (Wanted::Enough, Some(_), _) => return Ok(true),
            (Wanted::More, Some(_), _) if bytes > MAX_BYTES => return Err(too_large()),
            (Wanted::More, Some(url), _) => {
                seen.push(url.clone());
                operation = at(url);
            }
        }
    }
}

/// The complaint about an answer with more than [`MAX_ITEMS`] items.
pub(crate) fn too_many() -> String {
    "it has more than 100,000 items".to_owned()
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::json::Json;
    use crate::{Code, ORIGIN, Request, Response, lists};
    use alloc::borrow::ToOwned;
    use alloc::string::String;
    use alloc::vec::Vec;
    use alloc::{format, vec};

    #[test]
    fn pages_without_end_are_stopped() {
        let mut sent = 0;
        let mut http = |_: Request| {
            sent += 1;
            let body = format!(r#"{{"data":[],"links":{{"next":"{ORIGIN}/api/lists/?page={sent}"}}}}"#);
            Ok(Response { status: 200, headers: Vec::new(), body: body.into_bytes() })
        };
        let error = lists::all(&mut http).unwrap_err();
        assert_eq!(error.code, Code::Malformed);
        assert!(error.body.contains("page=1000"));
        assert_eq!(sent, super::MAX_PAGES);
    }

    /// The lists of an account whose answers are these pages, and how many of them were read.
    fn lists_of(pages: &[String]) -> (Result<usize, Code>, usize) {
        let mut read = 0;
        let mut http = |_: Request| {
            let body = pages[read].clone().into_bytes();
            read += 1;
            Ok(Response { status: 200, headers: Vec::new(), body })
        };
        let lists = lists::all(&mut http).map(|lists| lists.len()).map_err(|error| error.code);
        (lists, read)
    }

    /// A page with so many lists, the first of which has this name; then the link to a page.
    fn page_of(lists: usize, name: &str, next: Option<usize>) -> String {
        let list = |name| format!(r#"{{"id":"a","attributes":{{"name":"{name}"}}}}"#);
        let lists: Vec<_> = (0..lists).map(|at| list(if at == 0 { name } else { "" })).collect();
        let next = next.map_or("null".to_owned(), |page| format!(r#""{ORIGIN}/api/lists/?page={page}""#));
        format!(r#"{{"data":[{}],"links":{{"next":{next}}}}}"#, lists.join(","))
    }

    #[test]
    fn items_of_all_pages_are_counted_together() {
        let pages = |last| [page_of(2, "", Some(1)), page_of(50_000, "", Some(2)), page_of(last, "", None)];
        assert_eq!(lists_of(&pages(49_998)), (Ok(super::MAX_ITEMS), 3));
        assert_eq!(lists_of(&pages(49_999)), (Err(Code::Malformed), 3));
    }

    #[test]
    fn no_page_is_asked_for_after_12_mb() {
        let bytes = page_of(1, "", Some(1)).len();
        let pages = |more| {
            let first = page_of(1, &"n".repeat(super::MAX_BYTES / 2 - bytes), Some(1));
            let second = page_of(1, &"n".repeat(super::MAX_BYTES / 2 - bytes + more), Some(2));
            [first, second, page_of(1, "", None)]
        };
        assert_eq!(lists_of(&pages(0)), (Ok(3), 3));
        for more in [1, 2] {
            assert_eq!(lists_of(&pages(more)), (Err(Code::TooLarge), 2));
        }
    }

    #[test]
    fn a_page_has_a_bound_on_its_items_and_on_their_size() {
        fn read<T: Default>(_: &Json<'_>) -> Result<T, String> {
            Ok(T::default())
        }
        fn items<T: Default>(count: usize) -> Option<usize> {
            let text = format!(r#"{{"data":[{}]}}"#, vec!["0"; count].join(","));
            let page = page(&Json::parse(text.as_bytes()).unwrap(), read::<T>).ok()?;
            Some(page.items.len())
        }
        assert_eq!(items::<u8>(super::MAX_ITEMS), Some(super::MAX_ITEMS));
        assert_eq!(items::<u8>(super::MAX_ITEMS + 1), None);
        let most = super::MAX_BYTES / size_of::<[u64; 32]>();
        assert_eq!(items::<[u64; 32]>(most), Some(most));
        assert_eq!(items::<[u64; 32]>(most + 1), None);
    }
}
