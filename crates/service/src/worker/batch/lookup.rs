//! Opt-ins whose profiles are looked up together. Those that exist are added to the list together; those that
//! do not are created or imported. Their receipts have the warnings of `contacts.opt-in`.

use super::attempt::{Batch, Split, Stop, chunks, split};
use super::item::Item;
use crate::opt_in::OptIn;
use crate::opt_in_flow::{self, Failure};
use crate::outcome::Receipt;
use crate::worker::plan;
use klaviyo_host::types::{Code, Creation, Identifier, Profile};
use klaviyo_host::{Answer, Cause, Error};
use serde_json::Value;
use std::collections::HashSet;

/// How many profiles are looked up, and added to the list, in one call.
const CHUNK: usize = 1_000;

impl Batch<'_> {
    /// Looks the contacts up, then adds the profiles that exist and creates or imports the others.
    pub(super) async fn look_up(&self, items: Vec<Item>, list: &str, may_import: bool) -> Result<(), Stop> {
        let (mut found, mut absent) = (Vec::new(), Vec::new());
        let mut chunks = chunks(items, CHUNK);
        while let Some(mut chunk) = chunks.pop() {
            let identifiers: Vec<Identifier> =
                chunk.iter().filter_map(|item| item.request.identifier()).collect();
            let error = match self.tenant.lookup_many(&identifiers).await {
                Ok(answer) => {
                    for (item, profile) in chunk.into_iter().zip(answer.value) {
                        match profile {
                            Some(profile) => {
                                let receipt = receipt_of_existing(&item.request, profile, list);
                                found.push((item, receipt));
                            }
                            None => absent.push(item),
                        }
                    }
                    continue;
                }
                Err(error) => error,
            };
            // The item that an error names is tried alone: its outcome then names its own field.
            if let Some(position) = invalid_identifier(&error).filter(|position| *position < chunk.len()) {
                let item = chunk.swap_remove(position);
                chunks.push(chunk);
                self.one_by_one(vec![item], list).await?;
                continue;
            }
            match split(&Failure::from(&error), chunk)? {
                Split::Halves(halves) => chunks.extend(halves),
                Split::One(item) => self.one_by_one(vec![item], list).await?,
            }
        }
        self.add(found, list).await?;
        self.create(absent, list, may_import).await
    }

    /// Creates the profiles of contacts and adds them to the list, or imports them into it.
    async fn create(&self, absent: Vec<Item>, list: &str, may_import: bool) -> Result<(), Stop> {
        // A person who opted in twice is created once, and found the second time.
        let mut seen = HashSet::new();
        let (absent, repeated): (Vec<Item>, Vec<Item>) =
            absent.into_iter().partition(|item| seen.insert(lookup_value(&item.request)));
        if may_import && plan::is_import(absent.len()) {
            let left = self.import(absent, list, Some(true)).await?;
            Box::pin(self.look_up(left, list, false)).await?;
        } else {
            let mut members = Vec::new();
            for item in absent {
                match self.tenant.create(&item.request.contact()).await {
                    Ok(Answer { value: Creation::Created(profile), .. }) => {
                        let receipt = receipt(&item.request, profile, list, true);
                        members.push((item, receipt));
                    }
                    // `contacts.opt-in` says which profile has the identifier.
                    Ok(Answer { value: Creation::Existing(_), .. }) => {
                        self.one_by_one(vec![item], list).await?;
                    }
                    Err(error) => {
                        self.end::<_, Receipt>(vec![(item, Err(Failure::from(&error)))]).await?;
                    }
                }
            }
            self.add(members, list).await?;
        }
        if repeated.is_empty() { Ok(()) } else { Box::pin(self.look_up(repeated, list, may_import)).await }
    }

    /// Adds profiles to the list, gives the consent that goes with it, and settles the opt-ins.
    async fn add(&self, members: Vec<(Item, Receipt)>, list: &str) -> Result<(), Stop> {
        let mut chunks = chunks(members, CHUNK);
        while let Some(chunk) = chunks.pop() {
            let ids: Vec<String> =
                chunk.iter().filter_map(|(_, receipt)| receipt.profile_id.clone()).collect();
            match self.tenant.subscribe(list, &ids).await {
                Ok(_) => self.consent(chunk, list).await?,
                Err(error) => match split(&Failure::from(&error), chunk)? {
                    Split::Halves(halves) => chunks.extend(halves),
                    Split::One((item, _)) => self.one_by_one(vec![item], list).await?,
                },
            }
        }
        Ok(())
    }
}

/// The position of the identifier that an error names as invalid: 17 of `identifiers/17/email`.
fn invalid_identifier(error: &Error) -> Option<usize> {
    let Cause::Connector(error) = &error.cause else { return None };
    let pointer = error.details.first().filter(|_| error.code == Code::InvalidInput)?.pointer.as_deref()?;
    pointer.strip_prefix("identifiers/")?.split('/').next()?.parse().ok()
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

/// The receipt for a profile that existed. The profile is not changed, and a warning names the fields in
/// which it differs.
fn receipt_of_existing(opt_in: &OptIn, profile: Profile, list: &str) -> Receipt {
    let properties = |text: &str| serde_json::from_str::<Value>(text).ok();
    let by_email = opt_in.email.is_some();
    let by_number = !by_email && opt_in.phone_number.is_some();
    let differs = |given: &Option<String>, own: &Option<String>| given.is_some() && given != own;
    let differs = [
        ("phone_number", by_email && differs(&opt_in.phone_number, &profile.phone_number)),
        ("external_id", (by_email || by_number) && differs(&opt_in.external_id, &profile.external_id)),
        ("first_name", differs(&opt_in.first_name, &profile.first_name)),
        ("last_name", differs(&opt_in.last_name, &profile.last_name)),
        (
            "properties",
            opt_in
                .properties
                .as_ref()
                .is_some_and(|given| properties(given.get()) != properties(&profile.properties)),
        ),
    ];
    let differing: Vec<&str> =
        differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    let mut receipt = receipt(opt_in, profile, list, false);
    if !differing.is_empty() {
        receipt.warnings.push(format!(
            "{}: the profile exists and has this otherwise; it was not changed",
            differing.join(", ")
        ));
    }
    receipt
}

/// The receipt for a profile that was `created`, or existed.
fn receipt(opt_in: &OptIn, profile: Profile, list: &str, created: bool) -> Receipt {
    Receipt {
        profile_id: Some(profile.id),
        profile_name: profile.first_name.or_else(|| opt_in.first_name.clone()),
        list_id: list.to_owned(),
        created: Some(created),
        warnings: opt_in_flow::warnings(opt_in, profile.warnings),
    }
}
