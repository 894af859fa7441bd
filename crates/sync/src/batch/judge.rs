//! Asks the connector which rows are good, and how many of them one request takes.

use crate::batch::recording::DryAccount;
use crate::batch::routing::{Mode, Part, Routing};
use crate::contact::Contact;
use crate::error::Error;
use crate::input::rows::Row;
use crate::outcome::Reason;
use klaviyo_host::types::{NewProfile, Refusal, Submission, Subscription};

/// Asks the connector about rows, by the calls that are made with them afterwards.
pub(crate) struct Judge {
    pub(crate) account: DryAccount,
    pub(crate) routing: Routing,
}

impl Judge {
    /// Refuses the rows that the connector refuses. Returns the most bytes that the imports of the others
    /// take.
    pub(crate) async fn judge(&self, rows: &mut [Row]) -> Result<usize, Error> {
        if let Mode::Consent(options) = &self.routing.mode {
            let (indexes, subscriptions): (Vec<usize>, Vec<Subscription>) = (0..)
                .zip(rows.iter())
                .filter_map(|(index, row)| Some((index, row.contact.as_ref().ok()?.subscription()?)))
                .unzip();
            if !indexes.is_empty() {
                let list = self.routing.list.as_deref();
                let tenant = &self.account.tenant;
                let outcome = tenant.grant_consent(&subscriptions, list, options).await?.value;
                self.account.take_requests();
                refuse(rows, &indexes, &outcome.refused);
            }
        }
        for part in Part::ALL {
            let indexes = self.imported(rows, part);
            if !indexes.is_empty() {
                let submission = self.import(rows, &indexes, part).await?;
                refuse(rows, &indexes, &submission.refused);
            }
        }
        Ok(self.account.take_requests().iter().map(|request| request.body.len()).sum())
    }

    /// The first row that would go into a second request, if there is one.
    pub(crate) async fn second_request(&self, rows: &mut [Row]) -> Result<Option<usize>, Error> {
        let mut first: Option<usize> = None;
        for part in Part::ALL {
            let indexes = self.imported(rows, part);
            if indexes.is_empty() {
                continue;
            }
            let submission = self.import(rows, &indexes, part).await?;
            let second = submission.jobs.get(1).and_then(|job| job.rows.first().copied());
            let index = second.and_then(|row| indexes.get(row as usize).copied());
            first = [first, index].into_iter().flatten().min();
        }
        self.account.take_requests();
        Ok(first)
    }

    async fn import(&self, rows: &mut [Row], indexes: &[usize], part: Part) -> Result<Submission, Error> {
        // The profiles are lent, not copied.
        let mut lent: Vec<NewProfile> = Vec::with_capacity(indexes.len());
        for index in indexes {
            if let Some(contact) = contact_of(rows, *index) {
                lent.push(std::mem::take(&mut contact.profile));
            }
        }
        let result = self.account.tenant.submit_import(&lent, self.routing.import_list(part)).await;
        for (index, profile) in indexes.iter().zip(lent) {
            if let Some(contact) = contact_of(rows, *index) {
                contact.profile = profile;
            }
        }
        Ok(result?.value)
    }

    /// The rows that go into an import.
    fn imported(&self, rows: &[Row], part: Part) -> Vec<usize> {
        let is_of =
            |row: &Row| row.contact.as_ref().is_ok_and(|contact| self.routing.part(contact) == Some(part));
        (0..).zip(rows).filter(|(_, row)| is_of(row)).map(|(index, _)| index).collect()
    }
}

fn contact_of(rows: &mut [Row], index: usize) -> Option<&mut Contact> {
    rows.get_mut(index)?.contact.as_mut().ok()
}

/// Marks rows that the connector refuses.
fn refuse(rows: &mut [Row], indexes: &[usize], refused: &[Refusal]) {
    for refusal in refused {
        if let Some(row) = indexes.get(refusal.index as usize).and_then(|index| rows.get_mut(*index)) {
            row.contact = Err(Reason::of(&refusal.reason));
        }
    }
}
