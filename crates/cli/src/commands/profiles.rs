//! `klaviyo-connector lookup`, `create` and `upsert`.

use crate::contact::{Contact, Who, identifier, new_profile};
use crate::done::{Done, View};
use crate::failure::Failure;
use crate::session::Session;
use serde_json::Value;

/// Shows the profile that has an identifier.
pub(crate) async fn lookup(session: &mut Session, who: &Who) -> Result<Done, Failure> {
    let by = identifier(who)?;
    let profile = session.call("contacts.lookup", std::slice::from_ref(&by)).await?;
    if !profile.is_null() {
        return Ok(Done::new(profile, View::Profile));
    }
    let by = by.as_object().and_then(|by| by.iter().next());
    let by =
        by.map(|(name, value)| format!("{name} {}", value.as_str().unwrap_or_default())).unwrap_or_default();
    Ok(Done::none(format!("no profile has the {by}; `klaviyo-connector create` makes one")))
}

/// Creates a profile.
pub(crate) async fn create(session: &mut Session, contact: &Contact) -> Result<Done, Failure> {
    call(session, "contacts.create", contact, View::Creation).await
}

/// Creates or updates a profile.
pub(crate) async fn upsert(session: &mut Session, contact: &Contact) -> Result<Done, Failure> {
    call(session, "contacts.upsert", contact, View::Upserted).await
}

async fn call(session: &mut Session, function: &str, contact: &Contact, view: View) -> Result<Done, Failure> {
    let profile: Value = new_profile(contact)?;
    Ok(Done::new(session.call(function, &[profile]).await?, view))
}
