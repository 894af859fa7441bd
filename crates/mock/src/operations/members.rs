//! The members of a list. Membership is not consent, and nothing here changes consent.

use super::{ids, joined, no_list};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::check::{Result, member};
use crate::membership::Members;
use crate::shape;
use http::StatusCode;
use indexmap::IndexSet;

const PER_REQUEST: usize = 1_000;

pub(crate) fn add(call: &mut Call<'_>) -> Result<Answer> {
    for id in profiles(call)? {
        call.account.join(&call.id, &id);
    }
    Ok(Answer::Nothing(StatusCode::NO_CONTENT))
}

pub(crate) fn remove(call: &mut Call<'_>) -> Result<Answer> {
    let ids = profiles(call)?;
    if let Some(list) = call.account.lists.get_mut(&call.id) {
        ids.iter().for_each(|id| _ = list.members.leave(id));
    }
    Ok(Answer::Nothing(StatusCode::NO_CONTENT))
}

/// The ids in the body, if the list and all profiles exist.
fn profiles(call: &Call<'_>) -> Result<Vec<String>> {
    let document = call.document()?;
    let ids = ids(member(&document, "data", "/data")?, "profile", "/data")?;
    shape::MEMBERS.check(&document, call.revision)?;
    if ids.len() > PER_REQUEST {
        let detail = format!("Ensure this field has at most {PER_REQUEST} elements.");
        return Err(Refusal::invalid(&detail, "/data").into());
    }
    if !call.account.lists.contains_key(&call.id) {
        return Err(no_list(&call.id).into());
    }
    // Klaviyo names each id once, even if it was sent twice.
    let unknown: IndexSet<&str> =
        ids.iter().copied().filter(|id| call.account.position_of("id", id).is_none()).collect();
    if !unknown.is_empty() {
        let unknown: Vec<String> = unknown.iter().map(|id| format!("'{id}'")).collect();
        let detail = format!("Invalid profile IDs: {{{}}}", unknown.join(", "));
        return Err(Refusal::invalid(&detail, "/data").into());
    }
    Ok(ids.into_iter().map(str::to_owned).collect())
}

pub(crate) fn get_ids(call: &mut Call<'_>) -> Result<Answer> {
    let members = members(call)?;
    let document = joined::ids(call, members, |id| is_shown(call, id), &joined::OF_LIST)?;
    Ok(Answer::Document(StatusCode::OK, document))
}

pub(crate) fn get(call: &mut Call<'_>) -> Result<Answer> {
    let members = members(call)?;
    let document = joined::document(call, members, |id| is_shown(call, id), &joined::OF_LIST)?;
    Ok(Answer::Document(StatusCode::OK, document))
}

fn members<'a>(call: &'a Call<'_>) -> Result<&'a Members> {
    let list = call.account.lists.get(&call.id).ok_or_else(|| no_list(&call.id))?;
    Ok(&list.members)
}

/// Whether readers see that a profile is on the list.
fn is_shown(call: &Call<'_>, id: &str) -> bool {
    call.account.shows_membership(&call.id, id)
}
