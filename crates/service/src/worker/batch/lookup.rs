//! Which opt-ins have no profile yet. Many of them are imported; an import of the others would overwrite what their
//! profiles have, and an opt-in does not.

use super::attempt::{Batch, Stop, chunks};
use super::item::Item;
use crate::opt_in::OptIn;
use crate::opt_in_flow::Failure;
use crate::worker::plan::{LOOKED_UP, is_import};
use klaviyo_host::types::{Audience, Identifier};
use std::collections::HashSet;

impl Batch<'_> {
    /// Imports those who have no profile, if they are many, and settles them. Returns the others, and those whom the
    /// import has not taken.
    pub(super) async fn import_absent(&self, items: Vec<Item>, list: &Audience) -> Result<Vec<Item>, Stop> {
        let (mut absent, mut others, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        // One request each, so that a refusal is about few.
        for chunk in chunks(items, LOOKED_UP) {
            let identifiers: Vec<Identifier> =
                chunk.iter().filter_map(|item| item.request.identifier()).collect();
            let profiles = match self.tenant.lookup_many(&identifiers).await {
                Ok(answer) => answer.value,
                Err(error) => {
                    if let Some(stop) = Stop::by(&Failure::from(&error)) {
                        return Err(stop);
                    }
                    others.extend(chunk);
                    continue;
                }
            };
            for (item, profile) in chunk.into_iter().zip(profiles) {
                // A person who opted in twice is imported once, and exists the second time.
                if profile.is_none() && seen.insert(lookup_value(&item.request)) {
                    absent.push(item);
                } else {
                    others.push(item);
                }
            }
        }
        if is_import(absent.len()) {
            absent = self.import(absent, list).await?;
        }
        others.extend(absent);
        Ok(others)
    }
}

/// The value by which a contact is looked up. Opt-ins with an equal one are the same person's: Klaviyo
/// ignores the case of an email.
fn lookup_value(opt_in: &OptIn) -> Option<(u8, String)> {
    Some(match opt_in.identifier()? {
        Identifier::Email(email) => (0, email.to_ascii_lowercase()),
        Identifier::PhoneNumber(number) => (1, number),
        Identifier::ExternalId(id) => (2, id),
        Identifier::Id(id) => (3, id),
    })
}
