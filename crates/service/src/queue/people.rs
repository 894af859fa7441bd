//! The bucket of people: the last word of each person who can opt out, so that words count by their times, in
//! whatever order they arrive.
//!
//! A person has one entry for each identifier by which an opt-out can name the person: the email, the phone number,
//! and the external id, which can be WhatsApp's own. Words with several bring the entries together.

use super::connection::Queue;
use super::erase::ErasureSettings;
use super::error::{QueueError, ask, failed, to_json, within};
use super::person::Person;
use crate::account::Account;
use crate::key::OptInKey;
use async_nats::jetstream::kv::{self, Operation};
use klaviyo_host::types::Identifier;

/// An entry of the bucket.
struct Entry {
    key: String,
    person: Option<Person>,
    revision: u64,
}

impl Queue {
    /// Changes what is known of a person, and returns what the change does. The change is made again if somebody
    /// else has changed an entry meanwhile.
    ///
    /// # Errors
    /// [`QueueError::Unreadable`] is about this person alone; all others are about the queue.
    pub(crate) async fn change_person<T>(
        &self,
        account: &Account,
        identifiers: &[Identifier],
        change: impl Fn(&mut Person) -> T,
    ) -> Result<T, QueueError> {
        'again: loop {
            let (mut entries, mut person) = (Vec::with_capacity(identifiers.len()), Person::default());
            for identifier in identifiers {
                let entry = self.person_entry(account, identifier).await?;
                person = match &entry.person {
                    Some(known) if entries.is_empty() => known.clone(),
                    Some(known) => person.with(known),
                    None => person,
                };
                entries.push(entry);
            }
            let result = change(&mut person);
            for Entry { key, person: known, revision } in entries {
                // An entry that says nothing is not written.
                if known.as_ref().unwrap_or(&Person::default()) != &person
                    && !self.write_person(key, &person, revision).await?
                {
                    continue 'again;
                }
            }
            return Ok(result);
        }
    }

    /// Removes what is known of a person by an identifier. Unless opt-outs go too, the times of those that stand stay.
    /// Returns whether something is removed, and whether something stays.
    pub(super) async fn forget_person(
        &self,
        account: &Account,
        identifier: &Identifier,
        settings: ErasureSettings,
    ) -> Result<(bool, bool), QueueError> {
        loop {
            let Entry { key, person, revision } = self.person_entry(account, identifier).await?;
            let Some(person) = person else { return Ok((false, false)) };
            let left = person.opt_outs().filter(|_| !settings.opt_outs);
            let (is_removed, is_kept) = (left.as_ref() != Some(&person), left.is_some());
            let is_done = match left {
                _ if settings.is_dry || !is_removed => true,
                Some(left) => self.write_person(key, &left, revision).await?,
                None => self.purge(&self.people, &key, revision).await?,
            };
            // A worker may have written the entry meanwhile.
            if is_done {
                return Ok((is_removed, is_kept));
            }
        }
    }

    async fn person_entry(&self, account: &Account, identifier: &Identifier) -> Result<Entry, QueueError> {
        let (kind, value) = match identifier {
            Identifier::Id(id) => ("id", id.clone()),
            // Klaviyo ignores the case of an email.
            Identifier::Email(email) => ("email", email.to_lowercase()),
            Identifier::PhoneNumber(number) => ("phone_number", number.clone()),
            Identifier::ExternalId(id) => ("external_id", id.clone()),
        };
        let key = OptInKey::new(account, &format!("{kind} {value}"));
        let found = ask(&self.client(), "find a person", self.people.entry(key.to_string())).await?;
        // A deleted entry leaves a mark, which has a revision of its own.
        let revision = found.as_ref().map_or(0, |entry| entry.revision);
        let person = match found.filter(|entry| entry.operation == Operation::Put) {
            Some(entry) => {
                let person = serde_json::from_slice(&entry.value);
                Some(person.map_err(|_| QueueError::Unreadable(key.clone()))?)
            }
            None => None,
        };
        Ok(Entry { key: key.to_string(), person, revision })
    }

    /// False: somebody else has written the entry since it was read.
    async fn write_person(&self, key: String, person: &Person, revision: u64) -> Result<bool, QueueError> {
        // The semaphore is never closed.
        let _permit = self.outcome_permits.acquire().await;
        let update = self.people.update(key, to_json("a person", person)?.into(), revision);
        match within(&self.client(), "keep a person's word", update).await? {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => Ok(false),
            Err(error) => Err(failed("keep a person's word")(error)),
        }
    }
}
