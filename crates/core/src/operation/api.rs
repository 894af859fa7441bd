//! Any other operation.

use super::{Operation, REVISION, request};
use crate::diagnosis::Advice;
use crate::encode::next_link;
use crate::json::Json;
use crate::{Header, Method, ORIGIN, Response};
use alloc::{borrow::Cow, format, string::String, vec::Vec};

/// What is read of an answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The URL of the next page, checked to be on Klaviyo's origin.
    pub(crate) next: Option<String>,
}

/// A request of a caller's, with the oldest revision if the caller names none.
pub(crate) fn custom(
    method: Method,
    url: String,
    revision: Option<&str>,
    body: Option<&str>,
) -> Operation<Reply> {
    const READ: &Advice = &Advice::read(&[]);
    const WRITE: &Advice = &Advice {
        scopes: &[],
        form: "",
        // What it does is the caller's knowledge.
        if_uncertain: "look whether it did before you repeat the call",
    };
    let revision = revision.map_or(Cow::Borrowed(REVISION), |own| Cow::Owned(own.into()));
    let revision = Header { name: "revision", value: revision };
    let body = body.map_or_else(Vec::new, |text| text.as_bytes().to_vec());
    let advice = if method == Method::Get { READ } else { WRITE };
    Operation { request: request(method, url, revision, body), advice, read }
}

fn read(response: &Response, document: &Json<'_>) -> Result<Reply, String> {
    let [links] = document.members(["links"])?;
    let [next] = links.strings(["next"])?;
    let next = next.map(|link| {
        next_link(&link)
            .ok_or_else(|| format!("the link to the next page leaves {ORIGIN} and is not followed"))
    });
    Ok(Reply { status: response.status, body: document.text().into(), next: next.transpose()? })
}
