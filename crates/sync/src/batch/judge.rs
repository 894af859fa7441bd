//! Asks the connector which rows are good.

use crate::batch::routing::{Mode, Routing};
use crate::contact::Contact;
use crate::error::Error;
use crate::input::rows::Row;
use crate::outcome::Reason;
use klaviyo_core::consent;
use klaviyo_host::Tenant;
use klaviyo_host::types::NewProfile;

/// Asks the connector about rows before any of them is sent.
pub(crate) struct Judge {
    pub(crate) tenant: Tenant,
    pub(crate) routing: Routing,
}

impl Judge {
    /// Refuses the rows that the connector would refuse.
    pub(crate) async fn judge(&self, rows: &mut [Row<Contact>]) -> Result<(), Error> {
        self.judge_times(rows);
        // The profiles are lent, not copied.
        let mut lent: Vec<NewProfile> = Vec::with_capacity(rows.len());
        for contact in rows.iter_mut().filter_map(|row| row.record.as_mut().ok()) {
            lent.push(std::mem::take(&mut contact.profile));
        }
        if lent.is_empty() {
            return Ok(());
        }
        let refused = self.tenant.check_import(&lent).await;
        let mut good: Vec<&mut Row<Contact>> = rows.iter_mut().filter(|row| row.record.is_ok()).collect();
        for (row, profile) in good.iter_mut().zip(lent) {
            if let Ok(contact) = &mut row.record {
                contact.profile = profile;
            }
        }
        for refusal in refused?.value {
            if let Some(row) = usize::try_from(refusal.index).ok().and_then(|index| good.get_mut(index)) {
                row.record = Err(Reason::of(&refusal.reason));
            }
        }
        Ok(())
    }

    /// Refuses the rows whose time of consent the connector would refuse: they are not imported either. The
    /// contract has no check of consents. The rest of a consent is an address, which is checked with the contact.
    fn judge_times(&self, rows: &mut [Row<Contact>]) {
        let Mode::Consent(options) = &self.routing.mode else { return };
        let now = options.historical_import.as_ref().map(|historical| historical.now.as_str());
        for row in rows {
            let Ok(contact) = &row.record else { continue };
            let Some(given) = &contact.consent else { continue };
            if let Err(error) = consent::check_time(given.at.as_deref(), now) {
                row.record = Err(Reason::invalid(&error));
            }
        }
    }
}
