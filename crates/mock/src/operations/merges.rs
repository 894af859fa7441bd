//! Merging a profile into another. The answer comes at once, the effect later.

use super::ids;
use super::profiles::no_profile;
use crate::answer::{Answer, ORIGIN, Refusal};
use crate::bodies;
use crate::call::Call;
use crate::check::{self, Result, member, object};
use crate::jobs::Task;
use http::StatusCode;
use serde_json::{Value, json};

const SOURCES: &str = "/data/relationships/profiles/data";

pub(crate) fn merge(call: &mut Call<'_>) -> Result<Answer> {
    let document = call.document()?;
    let data = member(&document, "data", "/data")?;
    check::resource(data, "profile-merge", "/data")?;
    object(data, "relationships", "/data")?;
    bodies::MERGE.check(&document, call.revision)?;
    let into = data.get("id").and_then(Value::as_str).unwrap_or_default();
    let sources = data.pointer("/relationships/profiles/data");
    let sources = sources.map(|sources| ids(sources, "profile", SOURCES)).transpose()?.unwrap_or_default();
    // Unproven: the texts.
    let [from] = *sources.as_slice() else {
        return Err(Refusal::invalid("Exactly one source profile is required.", SOURCES).into());
    };
    if from == into {
        return Err(Refusal::invalid("A profile cannot be merged into itself.", SOURCES).into());
    }
    for (id, pointer) in [(into, "/data/id"), (from, "/data/relationships/profiles/data/0/id")] {
        if call.account.position_of("id", id).is_none() {
            return Err(Refusal { source: json!({ "pointer": pointer }), ..no_profile(id) }.into());
        }
    }
    call.account.accept(Task::Merge { into: into.to_owned(), from: from.to_owned() });
    let links = json!({ "self": format!("{ORIGIN}/api/profiles/{into}/") });
    Ok(Answer::Document(
        StatusCode::CREATED,
        json!({ "data": { "type": "profile", "id": into, "links": links } }),
    ))
}
