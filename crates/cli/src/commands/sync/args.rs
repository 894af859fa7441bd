//! The arguments of `sync`.

use super::help::HELP;
use crate::contact::region;
use crate::rows::options::InputOptions;
use crate::when;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args};
use klaviyo_sync::{BATCH, CHANNELS, Channel, ColumnMapping, ConsentColumn, DateFormat, Zone};
use phonenumber::country;
use std::path::PathBuf;
use std::time::Duration;

/// Sync the contacts of a file, CSV or JSON: as members of a list, with consent, or one by one
#[derive(Args)]
#[group(skip)]
#[command(after_long_help = HELP)]
#[command(group = ArgGroup::new("consents").multiple(true).args(["consent", "consent_column"]))]
pub(crate) struct Sync {
    /// The file to read; - is standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) input: InputOptions,
    /// What a column is, by its name or its position: a field, property:NAME, json:NAME (a property that is a number,
    /// say) or ignore; may be repeated
    #[arg(long, value_name = "COLUMN=FIELD")]
    pub(super) map: Vec<ColumnMapping>,
    /// The country of phone numbers without a country code, such as IN
    #[arg(long, value_name = "COUNTRY", value_parser = region)]
    pub(super) region: Option<country::Id>,
    /// Refuse a row if a part of it would be left out, such as a phone number that is none beside a good email
    #[arg(long)]
    pub(super) strict: bool,
    /// The list's id, or its exact name
    #[arg(long)]
    pub(super) list: Option<String>,
    /// The channels that everybody in the input has consented to; if the input says who has, use --consent-column
    #[arg(long, value_name = "CHANNEL,…", value_parser = channel(), value_delimiter = ',', conflicts_with = "one_by_one")]
    pub(super) consent: Vec<Channel>,
    /// The column that says who has consented to a channel, such as 'email=Accepts Email Marketing'; 'email=!COLUMN'
    /// names a column that says who has opted out; may be repeated
    #[arg(long, value_name = "CHANNEL=COLUMN", conflicts_with = "one_by_one")]
    pub(super) consent_column: Vec<ConsentColumn>,
    /// One more word that is consent in such a column; may be repeated
    #[arg(long, value_name = "WORD", requires = "consent_column")]
    pub(super) consent_yes: Vec<String>,
    /// One more word that is no consent in such a column; may be repeated
    #[arg(long, value_name = "WORD", requires = "consent_column")]
    pub(super) consent_no: Vec<String>,
    /// What Klaviyo keeps as the source of the consent, such as 'WhatsApp bot', if the row does not say it
    #[arg(long, value_name = "TEXT", requires = "consents")]
    pub(super) consent_source: Option<String>,
    /// The consent was collected before: the column consented-at says when, and nobody is asked to confirm
    #[arg(long, requires = "consents")]
    pub(super) historical: bool,
    /// The time zone of times of consent without a zone, such as Europe/Berlin, UTC or +02:00
    #[arg(long, value_name = "ZONE", requires = "historical", allow_hyphen_values = true)]
    pub(super) time_zone: Option<Zone>,
    /// How times of consent are written, if not as 2025-03-01 12:00:00: a format of strftime such as %d/%m/%Y, or unix
    /// or unix-ms for seconds or milliseconds since 1970
    #[arg(long, value_name = "FORMAT", requires = "historical")]
    pub(super) date_format: Option<DateFormat>,
    /// Look each contact up, create it if there is none, add it to the list
    #[arg(long, requires = "list")]
    pub(super) one_by_one: bool,
    /// Print exactly what would be sent (with --json: how much), and how long it takes at Klaviyo's rates; send nothing
    #[arg(long, conflicts_with_all = ["report", "state"])]
    pub(super) dry_run: bool,
    /// A CSV file that gets the outcome of each row; an existing file is overwritten
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// A file that keeps how far the sync is, so that the same command goes on after an interruption
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,
    /// How long to go on trying while Klaviyo is not available
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = when::duration)]
    pub(super) patience: Duration,
    /// The most contacts of one import
    #[arg(long, hide = true, default_value_t = BATCH, value_parser = batch)]
    pub(super) batch: usize,
}

fn batch(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|most| (1..=BATCH).contains(most))
        .ok_or_else(|| format!("write a number from 1 to {}", BATCH))
}

fn channel() -> impl TypedValueParser<Value = Channel> {
    PossibleValuesParser::new(CHANNELS.map(|(name, _)| name)).try_map(|name| klaviyo_sync::channel(&name))
}
