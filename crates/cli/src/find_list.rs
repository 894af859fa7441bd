//! Which list a user means by an id or a name.

use crate::failure::Failure;
use crate::near::NEAR;
use klaviyo_host::Tenant;
use klaviyo_host::types::{Audience, Code};

/// How many characters Klaviyo's ids of lists have.
const ID_CHARACTERS: usize = 6;
/// How many lists a suggestion names at most.
const SUGGESTIONS: usize = 3;

/// The id of the list with this id or exact name: see [`the`].
pub(crate) async fn id_of(tenant: &Tenant, list: &str) -> Result<String, Failure> {
    the(tenant, list).await.map(|list| list.id)
}

/// The list with this id or exact name. A command asks for it before it changes anything: a typo must not leave a profile
/// behind that is on no list. With a key that may not read lists, only its id is known.
pub(crate) async fn the(tenant: &Tenant, list: &str) -> Result<Audience, Failure> {
    match tenant.find_list(list).await {
        Ok(answer) => match answer.value {
            Some(list) => Ok(list),
            None => {
                let missing = missing(tenant, list).await?;
                Err(Failure::new(Code::NotFound, format!("{missing} (nothing was changed)")))
            }
        },
        // A key may have the scope to add to lists without the one to read them.
        Err(error) if error.code() == Code::Forbidden && is_id(list) => {
            let id = list.to_owned();
            Ok(Audience { id, name: String::new(), created: None, updated: None, opt_in: None })
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a text looks like an id.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == ID_CHARACTERS && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Says that the account has no such list, and which one may have been meant.
pub(crate) async fn missing(tenant: &Tenant, list: &str) -> Result<String, Failure> {
    let no_such = format!("the account has no list with the id or the name {list:?}");
    Ok(match nearest(&tenant.lists().await?.value, list).as_slice() {
        [] => format!("{no_such}; `klaviyo-connector lists` shows those that it has"),
        near => format!("{no_such}; did you mean {}?", near.join(", or ")),
    })
}

/// The lists whose id or name is most like a text.
fn nearest(lists: &[Audience], text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let likeness = |other: &str| strsim::jaro_winkler(&text, &other.to_lowercase());
    let mut near: Vec<(f64, &Audience)> = lists
        .iter()
        .map(|list| (likeness(&list.id).max(likeness(&list.name)), list))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    near.iter().take(SUGGESTIONS).map(|(_, list)| format!("{} ({})", list.id, list.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_near_to_what_was_meant() {
        let list = |id: &str, name: &str| Audience {
            id: id.to_owned(),
            name: name.to_owned(),
            created: None,
            updated: None,
            opt_in: None,
        };
        let lists = [
            list("X7kQpz", "Newsletter"),
            list("Y6nRLr", "WhatsApp Opt-Ins"),
            list("UdR4mA", "VIP customers"),
        ];
        for (typo, meant) in [
            ("Y6nRLx", "Y6nRLr"),
            ("y6nrlr", "Y6nRLr"),
            ("6YnRLr", "Y6nRLr"),
            ("whatsapp optins", "Y6nRLr"),
            ("Newsleter", "X7kQpz"),
        ] {
            let near = nearest(&lists, typo);
            assert!(near.first().is_some_and(|first| first.starts_with(meant)), "{typo}: {near:?}");
        }
        assert!(nearest(&lists, "zzzzzz").is_empty());
    }
}
