//! The lists of an account, and who is on them.

use crate::operation::lists::{
    create_list, get_lists, get_lists_at, get_lists_of_profile, get_lists_of_profile_at, get_lists_with,
};
use crate::operation::members::remove_profiles_from_list;
use crate::{Audience, Code, Error, Group, Http, MemberPage, check, membership, paging};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

/// The most characters of a name. Klaviyo documents no limit; a name is looked for in an address, and encoded in it,
/// while servers take addresses of 8 KB.
const NAME_CHARACTERS: usize = 500;

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
/// As [`all`]; [`Code::InvalidInput`] when the name is empty or too long, and [`Code::Conflict`] when several
/// lists have it.
pub fn find(http: &mut dyn Http, name: &str) -> Result<Option<Audience>, Box<Error>> {
    check_name(name)?;
    if check::is_list_id(name) {
        let found = get_lists_with("id", name).send(http)?;
        if let Some(list) = found.items.into_iter().find(|list| list.id == name) {
            return Ok(Some(list));
        }
    }
    let lists = paging::collect(http, get_lists_with("name", name), get_lists_at)?;
    // Klaviyo may treat some spellings as equal.
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

/// Creates a list. Repeating makes a second one.
///
/// # Errors
/// [`Code::InvalidInput`] when the name is empty or too long, and the errors of Klaviyo and of the transport.
pub fn create(http: &mut dyn Http, name: &str) -> Result<Audience, Box<Error>> {
    check_name(name)?;
    create_list(name)?.send(http)
}

/// Takes profiles off a list, 1,000 in each request, and returns their number.
///
/// # Errors
/// [`Code::InvalidInput`] before anything is sent, and the errors of Klaviyo and of the transport; their
/// [`Error::done`] counts the profiles of the earlier requests, which succeeded.
pub fn remove(http: &mut dyn Http, list: &str, profiles: &[String]) -> Result<u32, Box<Error>> {
    membership::change(http, list, profiles, remove_profiles_from_list, "off")
}

/// A page of the members, those who joined first at the start.
///
/// # Errors
/// [`Code::InvalidInput`] before anything is sent, also when the cursor is not from a page of this list, and the
/// errors of Klaviyo and of the transport.
pub fn members(http: &mut dyn Http, list: &str, cursor: Option<&str>) -> Result<MemberPage, Box<Error>> {
    let group = Group::List(check::path_segment("list", list)?.to_owned());
    membership::page(http, &group, cursor).map_err(|error| error.about_list(list))
}

/// The lists that a profile, by its id, is on.
///
/// # Errors
/// As [`all`]; [`Code::InvalidInput`] when the id is empty.
pub fn of_profile(http: &mut dyn Http, profile: &str) -> Result<Vec<Audience>, Box<Error>> {
    let profile = check::path_segment("profile", profile)?;
    paging::collect(http, get_lists_of_profile(profile), get_lists_of_profile_at)
}

/// Checks a list's name. Its white space is a part of it.
fn check_name(name: &str) -> Result<(), Box<Error>> {
    if name.is_empty() {
        return Err(Error::invalid("name", "it is empty"));
    }
    if name.chars().nth(NAME_CHARACTERS).is_some() {
        let reason = format!("it has more than {NAME_CHARACTERS} characters, and no address has room for it");
        return Err(Error::invalid("name", &reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, encode};

    #[test]
    fn a_name_that_no_address_has_room_for_is_not_copied() {
        let mut never = |_: Request| unreachable!();
        let long = "x".repeat(NAME_CHARACTERS + 1);
        assert_eq!(find(&mut never, &long).unwrap_err().code, Code::InvalidInput);
        assert_eq!(create(&mut never, &long).unwrap_err().code, Code::InvalidInput);
        let longest = "\u{10ffff}".repeat(NAME_CHARACTERS);
        assert!(check_name(&longest).is_ok());
        assert!(encode::percent_encode(&encode::equals("name", &longest)).len() < 7_000);
    }
}
