//! The events of a file, as what people did: rows in, outcomes out.
//!
//! Klaviyo keeps one event for one unique id of a metric and a person. So a run keeps no state: it is repeated.

pub(crate) mod columns;
pub(crate) mod field;
pub(crate) mod records;
pub(crate) mod tracking;

use crate::columns::dates::{DateFormat, Dates, Zone};
use crate::columns::field::UnknownColumns;
use crate::decode::form::{Form, Format};
use crate::error::Error;
use crate::events::field::EventColumn;
use crate::events::records::{EventRecord, Events};
use crate::input::Reading;
use crate::input::rows::Rows;
use crate::input::source::Source;
use encoding_rs::Encoding;
use klaviyo_host::Limits;
use phonenumber::country;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of a run that tracks events. Error sentences name a setting by the option of
/// `klaviyo-connector track` that sets it.
#[derive(Clone, Debug)]
pub struct EventSettings {
    /// The metric of rows that name none.
    pub metric: Option<String>,
    /// What columns are whose names do not say it.
    pub map: Vec<EventColumn>,
    /// What to do with the other columns that are no fields.
    pub unknown_columns: UnknownColumns,
    /// The country of phone numbers without a country code.
    pub region: Option<country::Id>,
    /// The time zone of times that have none.
    pub time_zone: Option<Zone>,
    /// How times are written, if not as ISO 8601.
    pub date_format: Option<DateFormat>,
    /// What the input is written in; none is as its name says, else as it begins.
    pub format: Option<Format>,
    /// What stands between the values of CSV; none is what stands in the header most.
    pub separator: Option<u8>,
    /// The encoding of the input; none is UTF-8, or UTF-16 if it looks like that.
    pub encoding: Option<&'static Encoding>,
    /// A CSV file to write the outcome of each row to. One that is there is overwritten.
    pub report: Option<PathBuf>,
    /// How long to go on trying when Klaviyo is not available.
    pub patience: Duration,
}

impl Default for EventSettings {
    /// Each row names its metric; UTF-8 or UTF-16, CSV or JSON, ten minutes of patience, no report.
    fn default() -> Self {
        Self {
            metric: None,
            map: Vec::new(),
            unknown_columns: UnknownColumns::default(),
            region: None,
            time_zone: None,
            date_format: None,
            format: None,
            separator: None,
            encoding: None,
            report: None,
            patience: Duration::from_secs(600),
        }
    }
}

impl EventSettings {
    /// The least limits of a connector for the account: a request of 5 MB takes long on a slow line.
    #[must_use]
    pub fn limits(&self) -> Limits {
        crate::settings::limits(1)
    }
}

/// An input of events and how to read it.
pub struct EventInput(Reading<Events>);

/// An input of events whose header was read.
pub struct OpenEvents {
    rows: Rows<EventRecord>,
    /// The form of the input.
    pub form: Form,
    /// The length of the input in bytes, if it is known. [`Progress::bytes`](crate::Progress) counts up to
    /// it.
    pub length: Option<u64>,
}

impl EventInput {
    /// An input, read by these settings.
    ///
    /// # Errors
    /// The settings do not go together, or the report is the input.
    pub fn new(source: Source, settings: &EventSettings) -> Result<Self, Error> {
        let EventSettings { format, separator, encoding, .. } = settings;
        let dates = Dates { zone: settings.time_zone.clone(), format: settings.date_format.clone() };
        let records = Events::new(
            settings.map.clone(),
            settings.unknown_columns,
            settings.region,
            settings.metric.clone(),
            dates,
        );
        let written = [("--report", settings.report.as_deref())];
        Ok(Self(Reading::new(source, &written, (*format, *separator, *encoding), records)?))
    }

    /// Reads the beginning of the input, until its columns are known. Dropping the future does not wait for a
    /// blocked read.
    ///
    /// # Errors
    /// The input cannot be read, or its header does not say who did what.
    pub async fn open(self) -> Result<OpenEvents, Error> {
        let (rows, form, length) = self.0.open().await?;
        Ok(OpenEvents { rows, form, length })
    }
}
