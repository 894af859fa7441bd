//! The settings of a sync.

use crate::columns::Mapping;
use crate::columns::consent::Channel;
use crate::columns::consent::{ConsentColumn, Rules};
use crate::columns::dates::{DateFormat, Dates, Zone};
use crate::columns::field::{ColumnMapping, UnknownColumns};
use crate::columns::words::Words;
use crate::decode::form::Format;
use crate::error::Error;
use encoding_rs::Encoding;
use klaviyo_host::Limits;
use phonenumber::country;
use std::path::PathBuf;
use std::time::Duration;

/// The most contacts of one import, which is Klaviyo's limit.
pub const BATCH: usize = klaviyo_core::bulk::CONTACTS;

/// How many contacts are under way at once, one by one.
pub(crate) const AT_ONCE: usize = 8;

/// The settings of a sync. [`Input::new`](crate::Input::new) refuses settings that are wrong by themselves;
/// the header of the input shows whether the others are right.
///
/// Error sentences name a setting by the option of `klaviyo-connector sync` that sets it, such as
/// `--consent-column`, and so does a state.
///
/// Without consent, profiles are created or updated and become members of the list. With it, those who
/// consent are subscribed, and the others become members.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The list, by its id or its exact name.
    pub list: Option<String>,
    /// The channels that everybody in the input has consented to. Consent needs a list, or `historical`.
    pub consent: Vec<Channel>,
    /// The columns that say who has consented to a channel. For such a channel `consent` does not count.
    pub consent_columns: Vec<ConsentColumn>,
    /// More words of such a column that are consent.
    pub consent_yes: Vec<String>,
    /// More words of such a column that are no consent.
    pub consent_no: Vec<String>,
    /// What Klaviyo keeps as the source of the consent where a row does not say it.
    pub consent_source: Option<String>,
    /// The consent was collected before: the column `consented-at` says when, and nobody is asked to confirm.
    pub historical: bool,
    /// The time zone of times of consent that have none.
    pub time_zone: Option<Zone>,
    /// How times of consent are written, if not as ISO 8601.
    pub date_format: Option<DateFormat>,
    /// Look each contact up, create it if there is none, and add it to the list: three requests each. It
    /// needs a list, and gives no consent.
    pub one_by_one: bool,
    /// What columns are whose names do not say it.
    pub map: Vec<ColumnMapping>,
    /// What to do with the other columns that are no fields.
    pub unknown_columns: UnknownColumns,
    /// The country of phone numbers without a country code.
    pub region: Option<country::Id>,
    /// Refuse a row for what could be left out of it.
    pub strict: bool,
    /// What the input is written in; none is as its name says, else as it begins.
    pub format: Option<Format>,
    /// What stands between the values of CSV; none is what stands in the header most.
    pub separator: Option<u8>,
    /// The encoding of the input; none is UTF-8, or UTF-16 if it looks like that.
    pub encoding: Option<&'static Encoding>,
    /// The most contacts of one import: 1 to [`BATCH`].
    pub batch: usize,
    /// A CSV file to write the outcome of each row to. One that is there is overwritten, unless the sync goes
    /// on.
    pub report: Option<PathBuf>,
    /// A file that keeps how far the sync is. With it the same settings and the same input go on after an
    /// interruption. It has no contact in it.
    pub state: Option<PathBuf>,
    /// How long to go on trying when Klaviyo is not available.
    pub patience: Duration,
    /// Where requests go, if not to Klaviyo: a state goes on only where it was begun.
    pub endpoint: Option<String>,
}

impl Default for Settings {
    /// Members of no list, UTF-8 or UTF-16, CSV or JSON, ten minutes of patience, no report and no state.
    fn default() -> Self {
        Self {
            list: None,
            consent: Vec::new(),
            consent_columns: Vec::new(),
            consent_yes: Vec::new(),
            consent_no: Vec::new(),
            consent_source: None,
            historical: false,
            time_zone: None,
            date_format: None,
            one_by_one: false,
            map: Vec::new(),
            unknown_columns: UnknownColumns::default(),
            region: None,
            strict: false,
            format: None,
            separator: None,
            encoding: None,
            batch: BATCH,
            report: None,
            state: None,
            patience: Duration::from_secs(600),
            endpoint: None,
        }
    }
}

impl Settings {
    /// The least limits of a connector for the sync's tenant: a request of 5 MB takes long on a slow line.
    #[must_use]
    pub fn limits(&self) -> Limits {
        // One tenant has half of the calls at once.
        limits(if self.one_by_one { 2 * AT_ONCE as u32 } else { 1 })
    }

    /// Refuses settings that do not go together.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let invalid = |reason: &str| Err(Error::invalid(reason));
        if self.gives_consent() && self.list.is_none() && !self.historical {
            return invalid(
                "consent needs --list, or --historical: without them Klaviyo ignores people who have no profile yet, and \
                 says nothing",
            );
        }
        if self.one_by_one && self.list.is_none() {
            return invalid("--one-by-one needs --list");
        }
        if self.one_by_one && self.gives_consent() {
            return invalid("--one-by-one gives no consent; leave one of the two out");
        }
        if !(1..=BATCH).contains(&self.batch) {
            return Err(Error::invalid(format!("--batch is a number from 1 to {BATCH}")));
        }
        Ok(())
    }

    /// Whether a sync gives consent.
    pub(crate) fn gives_consent(&self) -> bool {
        !self.consent.is_empty() || !self.consent_columns.is_empty()
    }

    pub(crate) fn mapping(&self) -> Result<Mapping, Error> {
        Ok(Mapping {
            columns: self.map.clone(),
            unknown: self.unknown_columns,
            region: self.region,
            strict: self.strict,
            consent: self.rules()?,
            dates: Dates { zone: self.time_zone.clone(), format: self.date_format.clone() },
        })
    }

    /// Who consents to what.
    fn rules(&self) -> Result<Option<Rules>, Error> {
        if !self.gives_consent() {
            return Ok(None);
        }
        let columns = self.consent_columns.clone();
        let is_by_column = |channel: &Channel| columns.iter().any(|column| column.channel == *channel);
        let mut everybody = Vec::new();
        for channel in self.consent.iter().copied() {
            if !is_by_column(&channel) && !everybody.contains(&channel) {
                everybody.push(channel);
            }
        }
        let words = Words { yes: self.consent_yes.clone(), no: self.consent_no.clone() };
        if let Some(word) = words.in_both() {
            return Err(Error::invalid(format!(
                "--consent-yes and --consent-no both have {word:?}; leave one out"
            )));
        }
        Ok(Some(Rules { everybody, columns, words, historical: self.historical }))
    }
}

pub(crate) fn limits(concurrent_calls: u32) -> Limits {
    Limits {
        concurrent_calls,
        memory: 128 << 20,
        cpu: Duration::from_secs(60),
        time: Duration::from_secs(300),
        attempt: Duration::from_secs(120),
        ..Limits::default()
    }
}
