//! The meaning of the columns of a header, or of the members of a JSON object.

pub(crate) mod column_names;
pub(crate) mod consent;
pub(crate) mod dates;
pub(crate) mod field;
mod headings;
mod notation;
pub(crate) mod resolver;
pub(crate) mod words;

use crate::columns::consent::Channel;
use crate::columns::consent::Rules;
use crate::columns::dates::Dates;
use crate::columns::field::{ColumnMapping, Field, UnknownColumns};
use crate::columns::words::Sense;
use phonenumber::country;

/// The columns, in the order of the input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns {
    pub(crate) columns: Vec<Column>,
    /// Sentences about the columns, for the user to read before anything is sent.
    pub(crate) notes: Vec<String>,
    /// The indexes of columns that are known and of no use for this sync.
    pub(crate) unused: Vec<usize>,
    /// The consent columns of the settings that a JSON object does not have.
    pub(crate) missing: Vec<(Channel, Sense)>,
}

/// What a column is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) field: Field,
    /// If a row has several times of consent, the one with the lowest rank counts.
    pub(crate) rank: u8,
    /// The channel that a time of consent is about; none is any channel.
    pub(crate) channel: Option<Channel>,
    /// The channels for which the column says who consents, and in which sense.
    pub(crate) answers: Vec<(Channel, Sense)>,
}

/// How rows become contacts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mapping {
    pub(crate) columns: Vec<ColumnMapping>,
    pub(crate) unknown: UnknownColumns,
    pub(crate) region: Option<country::Id>,
    /// Whether a row is refused for a value that could be left out.
    pub(crate) strict: bool,
    /// The consent to give; none if the sync gives no consent.
    pub(crate) consent: Option<Rules>,
    /// How times of consent are written.
    pub(crate) dates: Dates,
}

#[cfg(test)]
pub(crate) mod tests;
