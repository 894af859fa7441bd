//! The lists and segments that a profile is in. They come whole, without pages.

use super::profiles::existing;
use super::{lists, segments};
use crate::answer::Answer;
use crate::call::Call;
use crate::check::Result;
use crate::page::Page;
use http::StatusCode;

pub(crate) fn get_lists(call: &mut Call<'_>) -> Result<Answer> {
    existing(call)?;
    let own = call.account.lists.values().filter(|list| list.members.has(&call.id));
    let resource = |list| call.sparse("list", lists::resource(list));
    Ok(Answer::Document(StatusCode::OK, whole(call)?.document(call, own, resource)))
}

pub(crate) fn get_segments(call: &mut Call<'_>) -> Result<Answer> {
    existing(call)?;
    let own = call.account.segments.values().filter(|segment| segment.members.has(&call.id));
    let resource = |segment| call.sparse("segment", segments::resource(segment));
    Ok(Answer::Document(StatusCode::OK, whole(call)?.document(call, own, resource)))
}

fn whole(call: &Call<'_>) -> Result<Page> {
    Page::of(call, usize::MAX, usize::MAX)
}
