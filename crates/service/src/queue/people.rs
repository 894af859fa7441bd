//! The bucket of people: the last word of each person who can opt out, so that words count by their times, in
//! whatever order they arrive.
//!
//! A person has one entry for each identifier by which an opt-out can name the person: the email, the phone number,
//! and the external id, which can be WhatsApp's own. Words with several bring the entries together.

use super::connection::Queue;
use super::entry::Entry;
use super::erase::ErasureSettings;
use super::error::QueueError;
use super::person::Person;
use crate::account::Account;
use crate::key::OptInKey;
use klaviyo_host::types::Identifier;

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
                let (key, entry) = self.person_entry(account, identifier).await?;
                person = match &entry.value {
                    Some(known) if entries.is_empty() => known.clone(),
                    Some(known) => person.with(known),
                    None => person,
                };
                entries.push((key, entry));
            }
            let result = change(&mut person);
            for (key, Entry { value: known, revision }) in entries {
                // An entry that says nothing is not written.
                if known.unwrap_or_default() != person && !self.write_person(&key, &person, revision).await? {
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
            let (key, Entry { value, revision }) = self.person_entry(account, identifier).await?;
            let Some(person) = value else { return Ok((false, false)) };
            let left = person.opt_outs().filter(|_| !settings.opt_outs);
            let (is_removed, is_kept) = (left.as_ref() != Some(&person), left.is_some());
            let is_done = match left {
                _ if settings.is_dry || !is_removed => true,
                Some(left) => self.write_person(&key, &left, revision).await?,
                None => self.purge(self.people.as_ref(), &key.to_string(), revision).await?,
            };
            // A worker may have written the entry meanwhile.
            if is_done {
                return Ok((is_removed, is_kept));
            }
        }
    }

    async fn person_entry(
        &self,
        account: &Account,
        identifier: &Identifier,
    ) -> Result<(OptInKey, Entry<Person>), QueueError> {
        let (kind, value) = match identifier {
            Identifier::Id(id) => ("id", id.clone()),
            // Klaviyo ignores the case of an email.
            Identifier::Email(email) => ("email", email.to_lowercase()),
            Identifier::PhoneNumber(number) => ("phone_number", number.clone()),
            Identifier::ExternalId(id) => ("external_id", id.clone()),
        };
        let key = OptInKey::new(account, &format!("{kind} {value}"));
        let entry = self.read_entry(self.people.as_ref(), "find a person", &key).await?;
        Ok((key, entry))
    }

    /// False: somebody else has written the entry since it was read.
    async fn write_person(&self, key: &OptInKey, person: &Person, revision: u64) -> Result<bool, QueueError> {
        self.write_entry(self.people.as_ref(), "keep a person's word", key, person, revision).await
    }
}
