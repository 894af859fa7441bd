//! `klaviyo-connector subscribe` and `opt-in`.

use crate::commands::lists;
use crate::contact::{Contact, new_profile};
use crate::done::{Done, View};
use crate::failure::Failure;
use crate::session::Session;
use klaviyo_service::outcome;
use serde_json::{Value, json};

/// Adds profiles to a list.
pub(crate) async fn subscribe(
    session: &mut Session,
    list: &str,
    profiles: &[String],
) -> Result<Done, Failure> {
    let list = lists::id_of(session, list).await?;
    let count = session.call("contacts.subscribe", &[json!(list), json!(profiles)]).await?;
    Ok(Done::new(count, View::Subscribed(list)))
}

/// Looks a contact up, creates it if there is none, and adds it to a list.
pub(crate) async fn opt_in(session: &mut Session, list: &str, contact: &Contact) -> Result<Done, Failure> {
    let contact = new_profile(contact)?;
    let list = lists::id_of(session, list).await?;
    let receipt = session.call("contacts.opt-in", &[contact.clone(), json!(list)]).await?;
    let reply = reply(&receipt, &contact);
    Ok(Done::new(receipt, View::Receipt(reply)))
}

/// What a bot says to the customer then.
fn reply(receipt: &Value, contact: &Value) -> String {
    let text = |record: &Value, name: &str| {
        record.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let place = text(contact, "email").or_else(|| text(contact, "phone-number"));
    outcome::reply(text(receipt, "profile-name").as_deref(), place.as_deref())
}
