//! Error documents.

use crate::Detail;
use crate::json::Json;
use alloc::{string::String, vec::Vec};

/// One entry of an error document.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ErrorObject {
    pub(crate) id: Option<String>,
    pub(crate) detail: Detail,
    pub(crate) duplicate: Option<String>,
}

/// The most entries that are kept.
const ERRORS: usize = 100;
/// The most bytes that are kept of each text of an entry.
const WORDS: usize = 1_024;

/// The first entries of an error document.
pub(crate) fn errors(body: &[u8]) -> Vec<ErrorObject> {
    let mut entries = Vec::new();
    each_error(body, &mut |object| {
        if entries.len() < ERRORS {
            entries.push(error_object(object));
        }
    });
    entries
}

/// The rows under an attribute of a bulk request that an error document names, with the reasons, whose pointers are
/// what `field` makes of the members. A row that is named twice is returned twice.
pub(crate) fn refused_rows(body: &[u8], attribute: &str, field: fn(&str) -> String) -> Vec<(u32, Detail)> {
    /// Klaviyo's limit on the rows of a request.
    const ROWS: usize = 10_000;
    let mut rows = Vec::new();
    each_error(body, &mut |object| {
        let mut reason = detail(object);
        let named = reason.pointer.as_deref().and_then(|pointer| row_of(pointer, attribute));
        if let Some((row, member)) = named.filter(|_| rows.len() < ROWS) {
            reason.pointer = Some(field(member)).filter(|field| !field.is_empty());
            rows.push((row, reason));
        }
    });
    rows
}

/// Gives the entries of an error document to `take`. Unreadable members are absent: a member of an unexpected
/// type must not hide the others.
fn each_error(body: &[u8], take: &mut dyn FnMut(&Json<'_>)) {
    let read = |document: Json<'_>| {
        let [errors] = document.members(["errors"])?;
        errors.each(|object| {
            take(object);
            Ok(())
        })
    };
    // The entries before a failure are kept.
    let _ = Json::parse(body).and_then(read);
}

/// The number of the row under an attribute of a bulk request that a pointer points at, and the member of the row.
pub(super) fn row_of<'a>(pointer: &'a str, attribute: &str) -> Option<(u32, &'a str)> {
    let row = pointer.strip_prefix("/data/attributes/")?.strip_prefix(attribute)?.strip_prefix("/data/")?;
    let (number, member) = row.split_once('/').unwrap_or((row, ""));
    Some((number.parse().ok()?, member))
}

fn error_object(object: &Json<'_>) -> ErrorObject {
    let [id] = object.strings_if_any(["id"]);
    let mut error = ErrorObject { id, detail: detail(object), duplicate: None };
    if let Ok([meta]) = object.members(["meta"]) {
        let [duplicate] = meta.strings_if_any(["duplicate_profile_id"]);
        error.duplicate = duplicate.filter(|id| !id.is_empty());
    }
    error
}

/// The detail in an error object; unreadable members are empty.
pub(super) fn detail(object: &Json<'_>) -> Detail {
    let [code, title, detail] = object.strings_if_any(["code", "title", "detail"]);
    let mut pointer = None;
    if let Ok([source]) = object.members(["source"]) {
        let [member, parameter] = source.strings_if_any(["pointer", "parameter"]);
        pointer = member.or(parameter);
    }
    let cut = |words: Option<String>| {
        let mut words = words.unwrap_or_default();
        words.truncate(words.floor_char_boundary(WORDS));
        words.shrink_to_fit();
        words
    };
    Detail {
        code: cut(code),
        title: cut(title),
        detail: cut(detail),
        pointer: pointer.map(|pointer| cut(Some(pointer))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{borrow::ToOwned, format};

    #[test]
    fn an_endless_list_of_rows_is_read_to_the_last_row_of_a_request() {
        let row = r#"{"source":{"pointer":"/data/attributes/profiles/data/0"}}"#;
        for (rows, read) in [(9_999, 9_999), (10_000, 10_000), (10_001, 10_000)] {
            let body = format!(r#"{{"errors":[{}]}}"#, [row].repeat(rows).join(","));
            assert_eq!(refused_rows(body.as_bytes(), "profiles", str::to_owned).len(), read);
        }
    }

    #[test]
    fn endless_words_are_cut_at_a_character() {
        for (words, kept) in
            [("x".repeat(1_024), 1_024), ("x".repeat(1_025), 1_024), ("€".repeat(342), 1_023)]
        {
            let body = format!(r#"{{"errors":[{{"detail":"{words}"}}]}}"#);
            assert_eq!(errors(body.as_bytes())[0].detail.detail.len(), kept);
        }
    }

    #[test]
    fn a_pointer_names_a_row_or_none() {
        for (pointer, row) in [
            ("/data/attributes/profiles/data/0", Some((0, ""))),
            ("/data/attributes/profiles/data/17/attributes/email", Some((17, "attributes/email"))),
            ("/data/attributes/profiles/data", None),
            ("/data/attributes/profiles/data/", None),
            ("/data/attributes/profiles/data/-1", None),
            ("/data/attributes/profiles/data/x/0", None),
            ("/data/attributes/profiles/data/4294967296", None),
            ("/data/attributes/email", None),
            ("", None),
        ] {
            assert_eq!(row_of(pointer, "profiles"), row, "{pointer}");
        }
    }
}
