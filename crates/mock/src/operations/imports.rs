//! Bulk imports: submitting them, and reading jobs and errors.

use super::{ids, no_list, sort};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::check::{self, PROFILE_BYTES, Result, member, object, row_pointer, rows};
use crate::filter::Fields;
use crate::imports::Import;
use crate::page::Page;
use crate::patch;
use crate::shape;
use http::StatusCode;
use serde_json::{Value, json};

const PROFILES: usize = 10_000;
const KIND: &str = "profile-bulk-import-job";
const ROWS_POINTER: &str = "/data/attributes/profiles/data";
const LISTS_POINTER: &str = "/data/relationships/lists/data";
const FIELDS: Fields = Fields { texts: &["status"], flags: &[], dates: &[] };

/// Accepts all rows or none. The answer names the first malformed row.
pub(crate) fn submit(call: &mut Call<'_>) -> Result<Answer> {
    let mut document = call.document()?;
    let data = member(&document, "data", "/data")?;
    check::resource(data, KIND, "/data")?;
    object(data, "attributes", "/data")?;
    let rows = rows(member(data, "attributes", "/data")?, PROFILES)?;
    for (n, row) in rows.iter().enumerate() {
        check_row(row, &row_pointer(n))?;
    }
    shape::IMPORT.check(&document, call.revision)?;
    let lists = match data.pointer("/relationships/lists/data") {
        None => Vec::new(),
        Some(lists) => ids(lists, "list", LISTS_POINTER)?,
    };
    // Unproven: the answer if there is no such list.
    if let Some(unknown) = lists.iter().find(|id| !call.account.lists.contains_key(**id)) {
        return Err(no_list(unknown).into());
    }
    let lists = lists.into_iter().map(str::to_owned).collect();
    // Taken, not copied: an import is large.
    let rows = match document.pointer_mut(ROWS_POINTER).map(Value::take) {
        Some(Value::Array(rows)) => rows,
        _ => Vec::new(),
    };
    let job = call.account.import(rows, lists).resource();
    Ok(Answer::Document(StatusCode::ACCEPTED, json!({ "data": call.sparse(KIND, job) })))
}

fn check_row(row: &Value, row_pointer: &str) -> Result<()> {
    check::resource(row, "profile", row_pointer)?;
    let attributes = object(row, "attributes", row_pointer)?;
    let pointer = format!("{row_pointer}/attributes");
    check::attributes(attributes, &pointer)?;
    if row.get("id").and_then(Value::as_str).is_none() {
        check::identified(attributes, &pointer)?;
    }
    // Unproven: that a phone number stops the whole job, as an email does.
    check::phone_number(attributes, &pointer)?;
    patch::check(row, row_pointer)?;
    // Unproven: the text.
    if row.to_string().len() > PROFILE_BYTES {
        return Err(Refusal::invalid("The profile is larger than 100 KB.", &pointer).into());
    }
    Ok(())
}

pub(crate) fn get_all(call: &mut Call<'_>) -> Result<Answer> {
    let page = Page::of(call, 20, 100)?;
    let conditions = FIELDS.read(call.query.get("filter"))?;
    let wanted = |import: &&Import| conditions.iter().all(|c| c.has(|status| status == import.status));
    let mut imports: Vec<&Import> = call.account.imports().filter(wanted).collect();
    sort(call, &mut imports, &["created_at"], |import, _| import.created_at.clone())?;
    let resource = |import: &Import| call.sparse(KIND, import.resource());
    Ok(Answer::Document(StatusCode::OK, page.document(call, imports, resource)))
}

pub(crate) fn get(call: &mut Call<'_>) -> Result<Answer> {
    let job = find(call)?.resource();
    Ok(Answer::Document(StatusCode::OK, json!({ "data": call.sparse(KIND, job) })))
}

pub(crate) fn get_errors(call: &mut Call<'_>) -> Result<Answer> {
    let page = Page::of(call, 20, 100)?;
    let errors = find(call)?.errors.iter().enumerate();
    let document = page.document(call, errors, |(n, error)| call.sparse("import-error", error.resource(n)));
    Ok(Answer::Document(StatusCode::OK, document))
}

fn find<'a>(call: &'a Call<'_>) -> Result<&'a Import> {
    let unknown =
        || Refusal::not_found(&format!("A profile bulk import job with id {} does not exist.", call.id));
    call.account.imports.get(&call.id).ok_or_else(|| unknown().into())
}
