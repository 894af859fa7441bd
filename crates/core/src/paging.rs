//! Collections that come in pages.

use crate::operation::{Operation, Page};
use crate::{Code, Error, Http};
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec, vec::Vec};

/// More pages than any collection has: of lists, ten times Klaviyo's limit; of a job's failures, ten times as well.
const MAX_PAGES: usize = 1_000;

/// More items than any collection has, on one page or on all of them. Without a bound, an answer of a few megabytes
/// could be read into more memory than there is.
pub(crate) const MAX_ITEMS: usize = 100_000;

/// How much is read of a collection whose items are all kept: what the memory of a call holds several times.
pub(crate) const MAX_BYTES: usize = 12 << 20;

/// Whether the items that follow are wanted.
pub(crate) enum Wanted {
    More,
    Enough,
}

/// Reads all pages: `first`, and then what `at` asks for with each `next` link.
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

/// The error about more than a call can return.
pub(crate) fn too_large() -> Box<Error> {
    Error::new(
        Code::TooLarge,
        "Klaviyo's answers have more than 12 MB together, which is more than one call can return; ask for less".to_owned(),
    )
}

/// Gives the items of all pages to `take`, until it has enough. Its complaint is about the answer.
pub(crate) fn each<T>(
    http: &mut dyn Http,
    first: Operation<Page<T>>,
    at: fn(String) -> Operation<Page<T>>,
    take: &mut dyn FnMut(T) -> Result<Wanted, String>,
) -> Result<(), Box<Error>> {
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
            for item in page.items {
                if matches!(take(item)?, Wanted::Enough) {
                    return Ok(None);
                }
            }
            Ok(page.next)
        })?;
        match next {
            None => return Ok(()),
            Some(_) if bytes > MAX_BYTES => return Err(too_large()),
            Some(url) => {
                seen.push(url.clone());
                operation = at(url);
            }
        }
    }
}

/// The complaint about an answer that has more than [`MAX_ITEMS`].
pub(crate) fn too_many() -> String {
    "it has more than 100,000 items".to_owned()
}

#[cfg(test)]
mod tests {
    use crate::{Code, ORIGIN, Request, Response, lists};
    use alloc::format;
    use alloc::vec::Vec;

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
}
