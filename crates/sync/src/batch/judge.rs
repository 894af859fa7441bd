//! Refuses rows that the connector would refuse, before their batch is sent.

use crate::batch::routing::{Mode, Routing};
use crate::contact::Contact;
use crate::input::rows::Row;
use crate::outcome::Reason;
use klaviyo_core::consent;

impl Routing {
    /// Refuses a row that the connector would refuse.
    pub(crate) fn judge(&self, row: &mut Row<Box<Contact>>) {
        if let Ok(contact) = &mut row.record
            && let Some(reason) =
                self.invalid_time(contact).or_else(|| contact.unfit.take().map(|unfit| *unfit))
        {
            row.record = Err(reason);
        }
    }

    /// Why the connector would refuse the time of a consent. Its contact is not imported either. The rest of a
    /// consent is an address, which is checked with the contact.
    fn invalid_time(&self, contact: &Contact) -> Option<Reason> {
        let Mode::Consent(options) = &self.mode else { return None };
        let now = options.historical_import.as_ref().map(|historical| historical.now.as_str());
        let given = contact.consent.as_ref()?;
        consent::check_time(given.at.as_deref(), now).err().map(|error| Reason::invalid(&error))
    }
}
