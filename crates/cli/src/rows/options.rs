//! The options that say how a file is read.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use klaviyo_sync::{Format, UnknownColumns};

// Flattened structs have no documentation: clap would take it for that of the command.
#[derive(Args)]
#[group(skip)]
pub(crate) struct InputOptions {
    /// What the input is written in [default: by the name of the file, else by how the input begins]
    #[arg(long, value_parser = formats(), requires = "file")]
    pub(crate) format: Option<Format>,
    /// The character between the values of CSV, or tab [default: the one of comma, semicolon, tab and bar that the
    /// header has most]
    #[arg(long, value_name = "CHARACTER", value_parser = klaviyo_sync::separator, requires = "file")]
    pub(crate) separator: Option<u8>,
    /// The encoding of the input, such as windows-1252 [default: UTF-8, or UTF-16 if the input looks like that]
    #[arg(long, value_name = "ENCODING", value_parser = klaviyo_sync::encoding, requires = "file")]
    pub(crate) encoding: Option<&'static encoding_rs::Encoding>,
    /// What to do with columns that are no fields
    #[arg(long, value_name = "WHAT", value_parser = unknown_columns(), default_value = "refuse", requires = "file")]
    pub(crate) unknown_columns: UnknownColumns,
}

/// Reads a format.
fn formats() -> impl TypedValueParser<Value = Format> {
    let value = |format: Format, help: &'static str| PossibleValue::new(<&str>::from(format)).help(help);
    PossibleValuesParser::new([
        value(
            Format::Csv,
            "Comma-separated values, or with another separator; the first row names the columns",
        ),
        value(Format::Jsonl, "JSON Lines, an object on each line, or a JSON array of objects"),
    ])
    .map(|name| if name == Format::Csv.as_ref() { Format::Csv } else { Format::Jsonl })
}

/// Reads what to do with unknown columns.
fn unknown_columns() -> impl TypedValueParser<Value = UnknownColumns> {
    use UnknownColumns::{Ignore, Properties, Refuse};
    let value = |what: UnknownColumns, help: &'static str| PossibleValue::new(<&str>::from(what)).help(help);
    PossibleValuesParser::new([
        value(Refuse, "Do not begin"),
        value(Properties, "Make them custom properties, as text"),
        value(Ignore, "Leave them out"),
    ])
    .map(|name| {
        [Refuse, Properties, Ignore].into_iter().find(|what| <&str>::from(*what) == name).unwrap_or_default()
    })
}
