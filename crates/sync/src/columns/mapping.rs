//! How rows become contacts, as the settings say it.

use crate::columns::consent::Rules;
use crate::columns::dates::Dates;
use crate::columns::field::{ColumnMapping, UnknownColumns};
use phonenumber::country;

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
pub(crate) mod tests {
    use super::*;

    /// A mapping for tests.
    pub(crate) fn mapping(columns: &[&str], unknown: UnknownColumns) -> Mapping {
        Mapping {
            columns: columns.iter().map(|text| text.parse().unwrap()).collect(),
            unknown,
            ..Mapping::default()
        }
    }
}
