//! The lists of an account.

use crate::operation::lists::{get_lists, get_lists_at};
use crate::{Audience, Code, Error, Http, paging};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// All lists, in Klaviyo's order.
///
/// # Errors
/// When a page cannot be read, and when a `next` link leaves Klaviyo's origin, repeats, or never ends.
pub fn all(http: &mut dyn Http) -> Result<Vec<Audience>, Box<Error>> {
    paging::collect(http, get_lists(), get_lists_at)
}

/// The list with this id or, if there is none, this exact name.
///
/// # Errors
/// As [`all`]; [`Code::InvalidInput`] when the name is empty, and [`Code::Conflict`] when several lists have
/// it.
pub fn find(http: &mut dyn Http, name: &str) -> Result<Option<Audience>, Box<Error>> {
    if name.is_empty() {
        return Err(Error::invalid("name", "it is empty"));
    }
    let lists = all(http)?;
    if let Some(list) = lists.iter().find(|list| list.id == name) {
        return Ok(Some(list.clone()));
    }
    let mut named = lists.into_iter().filter(|list| list.name == name);
    let Some(list) = named.next() else {
        return Ok(None);
    };
    let others: Vec<String> = named.map(|list| list.id).collect();
    if others.is_empty() {
        return Ok(Some(list));
    }
    let message = format!(
        "several lists have this name ({}, {}); use the id of the one that is meant",
        list.id,
        others.join(", ")
    );
    Err(Error::new(Code::Conflict, message))
}
