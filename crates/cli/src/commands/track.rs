//! `klaviyo-connector track`: what people did.

mod file;
mod help;

use crate::contact::{Who, identifier_json};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::rows::options::InputOptions;
use crate::session;
use crate::text::good;
use crate::{file_or_text, when};
use clap::Args;
use help::HELP;
use klaviyo_sync::{DateFormat, EventColumn, Zone};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Track an event of a person, or the events of a file
#[derive(Args)]
#[command(after_long_help = HELP)]
#[command(mut_group("identifier", |group| group.arg("file")))]
#[command(mut_group("dialled", |group| group.arg("file")))]
pub(crate) struct Track {
    #[command(flatten)]
    who: Who,
    /// The name of the metric, such as 'Placed Order'; with --file, of rows that name none
    #[arg(long, value_name = "NAME", help_heading = "The event", required_unless_present = "file")]
    metric: Option<String>,
    /// What tells the event from all others of its metric and person, such as an order number
    #[arg(
        long,
        value_name = "ID",
        help_heading = "The event",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    unique_id: Option<String>,
    /// When it happened; without it, now
    #[arg(long, value_name = "TIME", help_heading = "The event", value_parser = when::time, conflicts_with = "file")]
    time: Option<String>,
    /// The monetary value, such as 29.90
    #[arg(long, value_name = "NUMBER", help_heading = "The event", conflicts_with = "file")]
    value: Option<String>,
    /// The currency of the value, such as INR
    #[arg(long, value_name = "CODE", help_heading = "The event", requires = "value")]
    currency: Option<String>,
    /// More about it: a JSON object, or a file that has one
    #[arg(long, value_name = "JSON|@FILE", help_heading = "The event", conflicts_with = "file")]
    properties: Option<String>,
    /// A file of events, CSV or JSON; - is standard input
    #[arg(long, value_name = "FILE", help_heading = "A file of events")]
    file: Option<PathBuf>,
    #[command(flatten, next_help_heading = "A file of events")]
    input: InputOptions,
    /// What a column is, by its name or its position: a field, property:NAME, json:NAME (a property that is a number,
    /// say) or ignore; may be repeated
    #[arg(long, value_name = "COLUMN=FIELD", requires = "file")]
    map: Vec<EventColumn>,
    /// The time zone of times without a zone, such as Europe/Berlin, UTC or +02:00
    #[arg(long, value_name = "ZONE", requires = "file", allow_hyphen_values = true)]
    time_zone: Option<Zone>,
    /// How times are written, if not as 2025-03-01 12:00:00: a format of strftime such as %d/%m/%Y, or unix or unix-ms
    /// for seconds or milliseconds since 1970
    #[arg(long, value_name = "FORMAT", requires = "file")]
    date_format: Option<DateFormat>,
    /// A CSV file that gets the outcome of each row; an existing file is overwritten
    #[arg(long, value_name = "FILE", requires = "file")]
    report: Option<PathBuf>,
    /// How long to go on trying while Klaviyo is not available
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = when::duration, requires = "file")]
    patience: Duration,
}

impl Track {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        if let Some(file) = &self.file {
            return file::track(context, self, file);
        }
        let properties = self.properties.as_deref().map(file_or_text::read).transpose()?;
        let event = json!({
            "metric": self.metric,
            "profile": identifier_json(&self.who.identifier()?),
            "unique-id": self.unique_id,
            "time": self.time,
            "value": self.value,
            "value-currency": self.currency,
            "properties": properties,
        });
        session::in_account(context, async |tenant| {
            tenant.call("events.track", &[event]).await?;
            Ok(Output::new(Value::Null, good("Klaviyo has the event, and works on it")))
        })
    }
}
