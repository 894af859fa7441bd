//! Makes contacts of the rows of an input, and refuses those that clash with an earlier one.

use crate::columns::resolver::of_header;
use crate::columns::{Columns, Mapping};
use crate::contact::Contact;
use crate::contact::csv_row::contact_of_row;
use crate::contact::identities::Identities;
use crate::contact::json_object::contact_of_object;
use crate::input::records::Records;
use crate::outcome::Reason;
use klaviyo_host::types::NewProfile;

/// The contacts of an input.
pub(crate) struct Contacts {
    mapping: Mapping,
    identities: Identities,
}

impl Contacts {
    pub(crate) fn new(mapping: Mapping) -> Self {
        Self { mapping, identities: Identities::default() }
    }

    /// Refuses a contact that clashes with an earlier one.
    fn distinct(&mut self, line: u64, contact: Contact) -> Result<Contact, Reason> {
        let NewProfile { email, phone_number, external_id, .. } = &contact.profile;
        let clash =
            self.identities.seen(line, email.as_deref(), phone_number.as_deref(), external_id.as_deref());
        clash.map_or(Ok(contact), |clash| Err(Reason::new(clash.field, clash.to_string())))
    }
}

impl Records for Contacts {
    // Boxed, since a batch moves many of them, and they are large.
    type Record = Box<Contact>;
    type Columns = Columns;

    fn columns(&self, header: &[&str]) -> Result<(Columns, Vec<String>), String> {
        let mut columns = of_header(&self.mapping, header.iter().copied())?;
        let notes = std::mem::take(&mut columns.notes);
        Ok((columns, notes))
    }

    fn of_row<'a>(
        &mut self,
        line: u64,
        columns: &Columns,
        values: impl Iterator<Item = &'a str>,
    ) -> Result<Box<Contact>, Reason> {
        let contact = contact_of_row(&self.mapping, columns, values)?;
        self.distinct(line, contact).map(Box::new)
    }

    fn of_object(&mut self, line: u64, object: &[u8]) -> Result<Box<Contact>, Reason> {
        let contact = contact_of_object(&self.mapping, object)?;
        self.distinct(line, contact).map(Box::new)
    }
}
