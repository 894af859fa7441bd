//! Suppressions that a user of the account asks for, and their end. The effect comes later.

use super::no_list;
use super::segments::no_segment;
use crate::answer::{Answer, ORIGIN, Refusal};
use crate::bodies;
use crate::call::Call;
use crate::check::{self, Result, given, member, object, row_pointer, rows};
use crate::jobs::{People, Task};
use crate::shape::Shape;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};

/// Klaviyo's limit on the emails of one request.
const EMAILS: usize = 100;

pub(crate) fn suppress(call: &mut Call<'_>) -> Result<Answer> {
    accept(call, "profile-suppression-bulk-create-job", &bodies::SUPPRESS, Task::Suppress)
}

pub(crate) fn unsuppress(call: &mut Call<'_>) -> Result<Answer> {
    accept(call, "profile-suppression-bulk-delete-job", &bodies::UNSUPPRESS, Task::Unsuppress)
}

fn accept(call: &mut Call<'_>, kind: &str, shape: &Shape, task: fn(People) -> Task) -> Result<Answer> {
    let document = call.document()?;
    let data = member(&document, "data", "/data")?;
    check::resource(data, kind, "/data")?;
    object(data, "attributes", "/data")?;
    let attributes = member(data, "attributes", "/data")?;
    let wants_people = attributes.get("profiles").is_some_and(|profiles| !profiles.is_null());
    let emails = if wants_people { emails(attributes)? } else { Vec::new() };
    shape.check(&document, call.revision)?;
    let group = |kind: &str| {
        data.pointer(&format!("/relationships/{kind}/data/id")).and_then(Value::as_str).map(str::to_owned)
    };
    let people = People { emails, list: group("list"), segment: group("segment") };
    // Unproven: the answers if nobody is named, and if there is no such list or segment.
    if people.emails.is_empty() && people.list.is_none() && people.segment.is_none() {
        let detail = "Either profiles, a list or a segment is required.";
        return Err(Refusal::invalid(detail, "/data/attributes").into());
    }
    if let Some(unknown) = people.list.as_ref().filter(|id| !call.account.lists.contains_key(*id)) {
        return Err(no_list(unknown).into());
    }
    if let Some(unknown) = people.segment.as_ref().filter(|id| !call.account.segments.contains_key(*id)) {
        return Err(no_segment(unknown).into());
    }
    let groups = [&people.list, &people.segment].into_iter().flatten().count();
    let total = if groups > 0 { call.account.those(&people).len() } else { people.emails.len() };
    call.account.accept(task(people));
    let resource = job(call, kind, total);
    Ok(Answer::Document(StatusCode::ACCEPTED, json!({ "data": call.sparse(kind, resource) })))
}

fn emails(attributes: &Value) -> Result<Vec<String>> {
    let email = |(n, row): (usize, &Value)| {
        let pointer = row_pointer(n);
        check::resource(row, "profile", &pointer)?;
        let attributes = object(row, "attributes", &pointer)?;
        let pointer = format!("{pointer}/attributes");
        let email = given(attributes, "email").filter(|email| check::is_email(email));
        let invalid = || Refusal::invalid("Invalid email address", &format!("{pointer}/email"));
        Ok(email.ok_or_else(invalid)?.to_owned())
    };
    rows(attributes, EMAILS)?.iter().enumerate().map(email).collect()
}

/// The job as Klaviyo shows it when it is new.
fn job(call: &Call<'_>, kind: &str, total: usize) -> Value {
    let now = call.account.clock.date();
    let since = now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    let id = STANDARD_NO_PAD.encode(format!("{kind}:{}:{}", since.as_millis(), call.account.requests()));
    let path = format!("{ORIGIN}{}/{id}", call.path);
    let link = |what: &str| {
        let own = format!("{path}/relationships/{what}/");
        json!({ "links": { "self": own, "related": format!("{path}/{what}/") } })
    };
    json!({
        "type": kind,
        "id": id,
        "attributes": {
            "status": "queued",
            "created_at": call.account.clock.timestamp(),
            "total_count": total,
            "completed_count": 0,
            "completed_at": null,
            "skipped_count": 0,
        },
        "relationships": { "lists": link("lists"), "segments": link("segments") },
        "links": { "self": format!("{path}/") },
    })
}
