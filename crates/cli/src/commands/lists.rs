//! `klaviyo-connector lists`, and which list a user means.

use crate::done::{Done, View};
use crate::failure::Failure;
use crate::session::Session;
use klaviyo_host::types::Code;
use serde_json::{Value, json};

/// Klaviyo's ids of lists have so many characters.
const ID_CHARACTERS: usize = 6;
/// How many lists are suggested at most, and how near they have to be.
const SUGGESTIONS: usize = 3;
const NEAR: f64 = 0.7;

/// All lists.
pub(crate) async fn all(session: &mut Session) -> Result<Done, Failure> {
    Ok(Done::new(session.call("lists.all", &[]).await?, View::Lists))
}

/// The list with an id or exact name.
pub(crate) async fn find(session: &mut Session, name: &str) -> Result<Done, Failure> {
    match session.call("lists.find", &[json!(name)]).await? {
        Value::Null => {
            let lists = session.call("lists.all", &[]).await?;
            Ok(Done::none(missing(&read(&lists), name)))
        }
        list => Ok(Done::new(list, View::List)),
    }
}

/// The id of the list that the user named by its id or exact name. Nothing is done before it is known: a typo must not
/// leave a profile behind that is on no list.
pub(crate) async fn id_of(session: &mut Session, list: &str) -> Result<String, Failure> {
    let lists = match session.call("lists.all", &[]).await {
        Ok(lists) => lists,
        // A key may add to lists and not read them.
        Err(failure) if failure.error.code == Code::Forbidden && is_id(list) => return Ok(list.to_owned()),
        Err(failure) => return Err(failure),
    };
    let lists = read(&lists);
    if let Some(known) = lists.iter().find(|known| known.id == list) {
        return Ok(known.id.to_owned());
    }
    let ids: Vec<&str> = lists.iter().filter(|known| known.name == list).map(|known| known.id).collect();
    match ids.as_slice() {
        [id] => Ok((*id).to_owned()),
        [] => Err(Failure::new(Code::NotFound, format!("{} (nothing was changed)", missing(&lists, list)))),
        several => {
            let ids = several.join(", ");
            let message = format!("several lists are called {list:?}; use the id of one: {ids}");
            Err(Failure::new(Code::Conflict, message))
        }
    }
}

struct List<'a> {
    id: &'a str,
    name: &'a str,
}

fn read(lists: &Value) -> Vec<List<'_>> {
    let text = |list, name| Value::get(list, name).and_then(Value::as_str).unwrap_or_default();
    let lists = lists.as_array().map(Vec::as_slice).unwrap_or_default();
    lists.iter().map(|list| List { id: text(list, "id"), name: text(list, "name") }).collect()
}

pub(crate) fn is_id(text: &str) -> bool {
    text.len() == ID_CHARACTERS && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Says that there is no such list, and which one may have been meant.
fn missing(lists: &[List<'_>], list: &str) -> String {
    let no_such = format!("the account has no list with the id or the name {list:?}");
    match nearest(lists, list).as_slice() {
        [] => format!("{no_such}; `klaviyo-connector lists` shows those that it has"),
        near => format!("{no_such}; did you mean {}?", near.join(", or ")),
    }
}

/// The lists whose id or name is most like a text.
fn nearest(lists: &[List<'_>], text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let likeness = |other: &str| strsim::jaro_winkler(&text, &other.to_lowercase());
    let mut near: Vec<(f64, &List<'_>)> = lists
        .iter()
        .map(|list| (likeness(list.id).max(likeness(list.name)), list))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    near.iter().take(SUGGESTIONS).map(|(_, list)| format!("{} ({})", list.id, list.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: [List<'static>; 3] = [
        List { id: "X7kQpz", name: "Newsletter" },
        List { id: "Y6nRLr", name: "WhatsApp Opt-Ins" },
        List { id: "UdR4mA", name: "VIP customers" },
    ];

    #[test]
    fn a_typo_is_near_to_what_was_meant() {
        for (typo, meant) in [
            ("Y6nRLx", "Y6nRLr"),
            ("y6nrlr", "Y6nRLr"),
            ("6YnRLr", "Y6nRLr"),
            ("whatsapp optins", "Y6nRLr"),
            ("Newsleter", "X7kQpz"),
        ] {
            let near = nearest(&LISTS, typo);
            assert!(near.first().is_some_and(|first| first.starts_with(meant)), "{typo}: {near:?}");
        }
        assert!(nearest(&LISTS, "zzzzzz").is_empty());
    }
}
