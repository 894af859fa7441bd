//! Collections that come in pages.

use crate::operation::{Operation, Page};
use crate::{Error, Http};
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec, vec::Vec};

/// More pages than any account has: at 10 lists a page, ten times Klaviyo's limit of 1,000 lists.
const MAX_PAGES: usize = 1_000;

/// Reads all pages: `first`, and then what `at` asks for with each `next` link.
pub(crate) fn collect<T>(
    http: &mut dyn Http,
    first: Operation<Page<T>>,
    at: fn(String) -> Operation<Page<T>>,
) -> Result<Vec<T>, Box<Error>> {
    let mut items = Vec::new();
    let mut seen = vec![first.request.url.clone()];
    let mut operation = first;
    loop {
        let page = operation.send_and(http, |page| match &page.next {
            Some(next) if seen.contains(next) => {
                Err("the link to the next page leads to one that was read already".to_owned())
            }
            Some(_) if seen.len() >= MAX_PAGES => Err("there are more than 1,000 pages".to_owned()),
            _ => Ok(page),
        })?;
        items.extend(page.items);
        match page.next {
            None => return Ok(items),
            Some(url) => {
                seen.push(url.clone());
                operation = at(url);
            }
        }
    }
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
